import type { GenericSchema, InferOutput } from "valibot";
import { TangentLabError } from "../errors.js";
import { parseJson } from "./json.js";

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

/** What is kept as JSON under a name of a file's metadata, checked against a schema. @throws TangentLabError `corrupt-file`. */
export function metadataJson<const Schema extends GenericSchema>(
  metadata: Readonly<Record<string, string>>,
  name: string,
  schema: Schema,
  corrupt: Corrupt,
): InferOutput<Schema> {
  const text = Object.hasOwn(metadata, name) ? metadata[name] : undefined;
  if (text === undefined) throw corrupt(`its metadata's ${name} is missing`);
  return parseJson(text, schema, `its metadata's ${name}`, corrupt);
}
