import { TangentLabError } from "../errors.js";
import { isMissing, readBytes } from "../io/files.js";
import { parseJson, type Schema } from "../io/json.js";

/**
 * What a finished trial left, so that it is not run again; undefined where there is no file.
 * @throws TangentLabError `corrupt-file` for a file that is not JSON, or not of a trial.
 */
export async function readFinished<T>(path: string, schema: Schema<T>): Promise<T | undefined> {
  let bytes: Uint8Array;
  try {
    bytes = await readBytes(path);
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw error;
  }
  return parseJson(new TextDecoder().decode(bytes), schema, path, (why, cause) => {
    const message = `${why}; delete it to run it anew`;
    return new TangentLabError("corrupt-file", message, { argument: "out", cause });
  });
}
