import { check } from "../errors.js";

/** The environment variable that overrides the automatic choice of a device. */
export const deviceVariable = "TANGENT_LAB_ENGINE";

/** The environment variable that says how many threads compiled functions may use; by default one for each processor. */
export const threadsVariable = "TANGENT_LAB_THREADS";

/** The environment variable that forces one lowering of convolutions in compiled functions: blocked, gathered or standard. */
export const convolutionVariable = "TANGENT_LAB_CONVOLUTION";

/** An environment variable; undefined in a browser, which has none. */
export const environment = (name: string): string | undefined => globalThis.process?.env[name];

/** The threads asked for, if any. @throws TangentLabError `invalid-argument` if that is no number of threads. */
export function threadsWanted(): number | undefined {
  const given = environment(threadsVariable);
  if (given === undefined || given === "") return undefined;
  const threads = Number(given);
  check(Number.isInteger(threads) && threads >= 1, threadsVariable, given, "an integer >= 1");
  return threads;
}
