import { posix, sep } from "node:path";
import { TangentLabError } from "../src/errors.js";
import type { CaptionEntry } from "./caption-files.js";

/** A path within the folder as captions may write it: "./a.png" is "a.png", and an accent may be a letter's own or a sign after it. */
const canonical = (file: string): string => posix.normalize(file.replaceAll("\\", "/")).normalize("NFC");

/** The file of each entry, as the folder has it. @throws TangentLabError `invalid-data` unless each file has one entry. */
export function matchedFiles(
  folder: string,
  files: readonly string[],
  entries: readonly CaptionEntry[],
): string[] {
  const byName = new Map<string, string[]>();
  for (const file of files) {
    const name = canonical(file.split(sep).join("/"));
    byName.set(name, [...(byName.get(name) ?? []), file]);
  }
  const used = new Map<string, string>();
  const chosen = entries.map(({ file, where }) => {
    const there = byName.get(canonical(file)) ?? [];
    // Two files may differ only in the form of an accent.
    const match = there.length > 1 ? there.find((each) => each === file) : there[0];
    if (match === undefined) {
      const why = there.length > 1 ? "is that of several files" : "is not an image there";
      throw mismatch(folder, `${where} names ${file.slice(0, 200)}, which ${why}`);
    }
    if (used.has(match)) throw mismatch(folder, `${where} names ${file.slice(0, 200)} a second time`);
    used.set(match, where);
    return match;
  });
  const bare = files.find((file) => !used.has(file));
  if (bare !== undefined) throw mismatch(folder, `${bare} has no caption`);
  return chosen;
}

/** Captions and pictures that do not fit together. */
export const mismatch = (folder: string, why: string): TangentLabError =>
  new TangentLabError("invalid-data", `${folder}: ${why}`, {
    argument: "folder",
    given: folder,
    allowed: "as many images as captions, each named once",
  });
