import { TangentLabError } from "../errors.js";
import { type Corrupt, parseJson, type Schema } from "./json.js";

/** @param what What the file should hold: "soft tokens". */
export const holdsNo =
  (what: string, path: string): Corrupt =>
  (why, cause) =>
    new TangentLabError("corrupt-file", `${path} holds no ${what}: ${why}`, {
      argument: "path",
      given: path,
      cause,
    });

/** What is kept as JSON under a name of a file's metadata, checked against a schema. @throws TangentLabError `corrupt-file`. */
export function metadataJson<T>(
  metadata: Readonly<Record<string, string>>,
  name: string,
  schema: Schema<T>,
  corrupt: Corrupt,
): T {
  const text = Object.hasOwn(metadata, name) ? metadata[name] : undefined;
  if (text === undefined) throw corrupt(`its metadata's ${name} is missing`);
  return parseJson(text, schema, `its metadata's ${name}`, corrupt);
}
