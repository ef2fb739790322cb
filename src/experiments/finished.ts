import { TangentLabError } from "../errors.js";
import { isMissing, readBytes } from "../io/files.js";

/**
 * What a finished trial left, so that it is not run again; undefined where there is no file.
 * @throws TangentLabError `corrupt-file` for a file that is not JSON.
 */
export async function readFinished<T>(path: string): Promise<T | undefined> {
  let bytes: Uint8Array;
  try {
    bytes = await readBytes(path);
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw error;
  }
  try {
    return JSON.parse(new TextDecoder().decode(bytes)) as T;
  } catch (cause) {
    throw new TangentLabError("corrupt-file", `${path} is not JSON; delete it to run it anew`, {
      argument: "out",
      cause,
    });
  }
}
