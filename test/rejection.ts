import { TangentLabError } from "../src/errors.js";

/** The TangentLabError that a promise or a function ends with; anything else fails the test. */
export async function rejection(attempt: Promise<unknown> | (() => unknown)): Promise<TangentLabError> {
  let result: unknown;
  try {
    result = await (typeof attempt === "function" ? attempt() : attempt);
  } catch (error) {
    if (error instanceof TangentLabError) return error;
    throw error;
  }
  throw new Error(`no error, but ${result}`);
}
