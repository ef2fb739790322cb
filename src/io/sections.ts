import { dirname } from "node:path";
import { TangentLabError } from "../errors.js";
import { checkWritable, readBytes, writeFileAtomically } from "./files.js";

/**
 * Replaces what stands between the lines `<!-- name:start -->` and `<!-- name:end -->` of a text file: numbers in a README are written by the command
 * that measures them.
 * @throws TangentLabError `file-system` if the file cannot be read or written, `invalid-data` if it lacks the two lines or is not UTF-8, which would not be as it was
 * around them.
 */
export async function updateSection(path: string, name: string, text: string): Promise<void> {
  const { before, after } = await around(path, name);
  await writeFileAtomically(path, `${before}\n${text}\n${after}`);
}

/** Checks that `updateSection` will find its lines, before there are hours of work to write. @throws TangentLabError as it does. */
export async function checkSection(path: string, name: string): Promise<void> {
  await around(path, name);
  await checkWritable(dirname(path));
}

/** The file up to the section and from its end on, with the two lines. */
async function around(path: string, name: string): Promise<{ before: string; after: string }> {
  const whole = textOf(path, await readBytes(path));
  const [start, end] = [`<!-- ${name}:start -->`, `<!-- ${name}:end -->`];
  const from = whole.indexOf(start);
  const to = whole.indexOf(end);
  if (from < 0 || to < from) {
    throw new TangentLabError("invalid-data", `${path} has no section ${name}`, {
      argument: path,
      allowed: `a file with the lines ${start} and ${end}`,
    });
  }
  return { before: whole.slice(0, from + start.length), after: whole.slice(to) };
}

/** A file's text, from which the same bytes can be made. */
function textOf(path: string, bytes: Uint8Array): string {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch (cause) {
    throw new TangentLabError("invalid-data", `${path} is no text in UTF-8`, {
      argument: path,
      allowed: "a file in UTF-8",
      cause,
    });
  }
}
