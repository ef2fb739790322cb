// Tables of wrong calls: every public function, and each of its arguments and options with what it cannot be.
import { test } from "uvu";
import * as assert from "uvu/assert";
import { rejection } from "./rejection.js";

type Named = { readonly [name: string]: unknown };

/** A function of the library, what it is called with when all is well, and what each of those things cannot be. */
export interface Entry {
  /** Calls it with arguments and options by their names. Any types: they are wrong on purpose. */
  // biome-ignore lint/suspicious/noExplicitAny: arguments of any function
  call: (given: any) => unknown;
  /** With these it is not refused. */
  valid: Named | (() => Named | Promise<Named>);
  /** Wrong values, by the name of the argument or option that an error must name. */
  wrong: { readonly [name: string]: readonly unknown[] };
}

/** What is no object of options. */
export const noOptions = [null, 7, "text"] as const;
/** What is no size or count. */
export const noCount = ["8", 0, -1, 1.5, Number.NaN, null, {}] as const;
/** What is no key of random numbers. */
export const noKey = [null, 7, "0", [0], [0, "1"]] as const;
/** What is no seed. */
export const noSeed = ["0", -1, 1.5, null] as const;
/** What are no rows of two finite numbers. */
export const noRows = [
  ...[null, "01", {}, new Float32Array(3), new Float32Array(0)],
  new Float32Array(40).fill(Number.NaN),
] as const;
/** What is no shape of examples. */
export const noShape = ["2", [], [2.5], [0], [2, -1], 7, null] as const;

/** What is no number > 0. */
export const noPositive = ["1", 0, -1, Number.NaN, Number.POSITIVE_INFINITY, null] as const;

/**
 * Tests a table: every wrong value is refused by name, and every function of the namespace is in it.
 * @param without Functions that have nothing to be wrong, with the reason.
 */
export function testWrongCalls(
  namespace: object,
  table: { readonly [name: string]: Entry },
  without: { readonly [name: string]: string } = {},
): void {
  for (const [name, { call, valid, wrong }] of Object.entries(table)) {
    test(`${name} refuses by name what it cannot take`, async () => {
      const given = typeof valid === "function" ? await valid() : valid;
      await call(given);
      const faults: string[] = [];
      for (const [argument, values] of Object.entries(wrong)) {
        for (const value of values) {
          const what = `${name}, ${argument}: ${show(value)}`;
          const fault = await faultOf(() => call({ ...given, [argument]: value }), argument);
          if (fault !== undefined) faults.push(`${what}: ${fault}`);
        }
      }
      assert.equal(faults, []);
    });
  }

  test("every function has a wrong call", () => {
    const functions = Object.entries(namespace).filter(([, value]) => typeof value === "function");
    const missing = functions.map(([name]) => name).filter((name) => !(name in table) && !(name in without));
    assert.equal(missing, []);
    const known = functions.map(([name]) => name);
    const gone = [...Object.keys(table), ...Object.keys(without)].filter((name) => !known.includes(name));
    assert.equal(gone, []);
  });
}

/** What is wrong with how a call ended; undefined where it was refused by the argument's name, saying what is allowed. */
async function faultOf(call: () => unknown, argument: string): Promise<string | undefined> {
  try {
    const error = await rejection(async () => await call());
    const named = error.argument === argument || new RegExp(`^${argument}[.[]`).test(error.argument ?? "");
    if (!named) return `names ${error.argument}: ${error.message}`;
    if (!["invalid-argument", "invalid-data"].includes(error.code)) return `is ${error.code}`;
    return error.allowed === undefined ? "does not say what is allowed" : undefined;
  } catch (error) {
    return `${error}`.slice(0, 200);
  }
}

function show(value: unknown): string {
  if (typeof value === "function") return "a function";
  if (typeof value === "number") return `${value}`;
  try {
    return (JSON.stringify(value) ?? `${value}`).slice(0, 60);
  } catch {
    return typeof value;
  }
}
