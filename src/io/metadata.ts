import { TangentLabError } from "../errors.js";

/** Makes the error of a file that does not hold what it should. */
export type Corrupt = (why: string, cause?: unknown) => TangentLabError;

/** @param what What the file should hold: "soft tokens". */
export const holdsNo =
  (what: string, path: string): Corrupt =>
  (why, cause) =>
    new TangentLabError("corrupt-file", `${path} holds no ${what}: ${why}`, {
      argument: "path",
      given: path,
      cause,
    });

/** The object that is kept as JSON under a name of a file's metadata. @throws TangentLabError `corrupt-file`. */
export function metadataJson<T extends object>(
  metadata: Readonly<Record<string, string>>,
  name: string,
  corrupt: Corrupt,
): T {
  let value: unknown;
  try {
    value = JSON.parse(metadata[name]!);
  } catch (cause) {
    throw corrupt(`its metadata's ${name} is missing or not JSON`, cause);
  }
  if (typeof value !== "object" || value === null || Array.isArray(value))
    throw corrupt(`its metadata's ${name} is not an object`);
  return value as T;
}
