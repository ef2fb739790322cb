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

/** What is kept as JSON under a name of a file's metadata. @throws TangentLabError `corrupt-file`. */
export function metadataJson<T>(
  metadata: Readonly<Record<string, string>>,
  name: string,
  corrupt: Corrupt,
): T {
  try {
    return JSON.parse(metadata[name]!) as T;
  } catch (cause) {
    throw corrupt(`its metadata's ${name} is missing or not JSON`, cause);
  }
}
