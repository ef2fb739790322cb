import { createHash } from "node:crypto";
import { TangentLabError } from "../../errors.js";
import { readBytesIfThere, writeFileAtomically } from "../../io/files.js";

/** How a line begins that says of a text file that it is ours, and what it was when written. */
const sign = "# Written by tangent-lab, which may replace this file while it is as written: ";

const hashOf = (text: string): string => createHash("sha256").update(text).digest("hex").slice(0, 16);

/** A text with such a line, as its second where the first one names its interpreter. */
function signed(text: string): string {
  const first = text.startsWith("#!") ? text.indexOf("\n") + 1 : 0;
  return `${text.slice(0, first)}${sign}${hashOf(text)}\n${text.slice(first)}`;
}

/** Whether a text is one that `signed` gave, unchanged. */
function isAsWritten(text: string): boolean {
  const lines = text.split("\n");
  const at = lines.findIndex((line) => line.startsWith(sign));
  if (at < 0 || at > 1) return false;
  const [line] = lines.splice(at, 1);
  return line === `${sign}${hashOf(lines.join("\n"))}`;
}

/** @throws TangentLabError `file-system` for a file that is not ours, or that somebody has changed. */
async function checkOwnFile(path: string): Promise<void> {
  const bytes = await readBytesIfThere(path);
  if (!bytes || isAsWritten(new TextDecoder().decode(bytes))) return;
  throw new TangentLabError(
    "file-system",
    `${path} is there, and tangent-lab did not write it, or it was changed`,
    {
      argument: "--to",
      given: path,
      allowed: "a folder without it: nothing else is replaced",
    },
  );
}

/** Writes a text of lines in which lines that begin with # are comments, with a line that says that it is ours. @throws TangentLabError `file-system`, as `checkOwnFile`. */
export async function writeOwnFile(path: string, text: string): Promise<void> {
  await checkOwnFile(path);
  await writeFileAtomically(path, signed(text));
}
