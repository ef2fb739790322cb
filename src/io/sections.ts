import { TangentLabError } from "../errors.js";
import { readBytes, writeFileAtomically } from "./files.js";

/**
 * Replaces what stands between the lines `<!-- name:start -->` and `<!-- name:end -->` of a text file: numbers in a README are written by the command
 * that measures them.
 * @throws TangentLabError `file-system` if the file cannot be read or written, `invalid-data` if it lacks the two lines.
 */
export async function updateSection(path: string, name: string, text: string): Promise<void> {
  const whole = new TextDecoder().decode(await readBytes(path));
  const [start, end] = [`<!-- ${name}:start -->`, `<!-- ${name}:end -->`];
  const from = whole.indexOf(start);
  const to = whole.indexOf(end);
  if (from < 0 || to < from) {
    throw new TangentLabError("invalid-data", `${path} has no section ${name}`, {
      argument: path,
      allowed: `a file with the lines ${start} and ${end}`,
    });
  }
  await writeFileAtomically(path, `${whole.slice(0, from + start.length)}\n${text}\n${whole.slice(to)}`);
}
