// What distinguishes our folders from the user's: a file `.tangent-lab` that lists the names of all that was written there.

import { readdir, readFile, stat } from "node:fs/promises";
import { join, relative, sep } from "node:path";
import { TangentLabError } from "../errors.js";

/** The file that marks a folder as ours. */
export const markName = ".tangent-lab";

/** How the mark begins. */
export const firstLine = "Written by tangent-lab, which may replace this folder and these files in it:";

/** Files of a folder, and the mark that lists them. */
export const marked = <Content>(
  files: Readonly<Record<string, Content>>,
): Record<string, Content | string> => ({
  ...files,
  [markName]: `${[firstLine, ...Object.keys(files)].join("\n")}\n`,
});

/**
 * Checks that a folder may be replaced as a whole: it is missing, or empty, or holds only what its mark lists. Of a folder in it, the mark lists all files, with their
 * paths; marks of before that list just the folder.
 * @param names The files of a folder that a version without marks wrote: just these make it ours, too.
 * @throws TangentLabError `file-system` naming the folder and what is in it.
 */
export async function checkOurs(folder: string, names: readonly string[] = []): Promise<void> {
  const entries = await entriesOf(folder);
  if (entries.length === 0) return;
  const listed = await listedIn(folder);
  const own = new Set(listed ? [markName, ...listed] : names);
  const foreign = entries.filter((entry) => !own.has(entry));
  for (const within of new Set([...own].filter((name) => name.includes("/")).map(firstPart)))
    foreign.push(...(await filesOf(folder, within)).filter((file) => !own.has(file)));
  if (foreign.length > 0) throw notOurs(folder, foreign);
  if (!listed && entries.length < names.length) throw notOurs(folder, entries);
}

const firstPart = (path: string): string => path.slice(0, path.indexOf("/"));

/** Whatever is no folder, in a folder and in those below it: paths from `folder` on, with forward slashes. */
export async function filesOf(folder: string, below = ""): Promise<string[]> {
  const entries = await readdir(join(folder, below), { recursive: true, withFileTypes: true }).catch(
    (cause: NodeJS.ErrnoException) => {
      if (cause.code === "ENOENT" || cause.code === "ENOTDIR") return [];
      throw cause;
    },
  );
  return entries
    .filter((entry) => !entry.isDirectory())
    .map((entry) => relative(folder, join(entry.parentPath, entry.name)).split(sep).join("/"))
    .sort();
}

/** What is in a folder; an empty list if it is missing. */
export async function entriesOf(folder: string): Promise<string[]> {
  try {
    return await readdir(folder);
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    if (code === "ENOENT") return [];
    const isFile = code === "ENOTDIR" && (await stat(folder).catch(() => undefined)) !== undefined;
    throw isFile ? notOurs(folder, []) : cause; // else it is below a file
  }
}

/** The names that a folder's mark lists; undefined where it has none. */
export async function listedIn(folder: string): Promise<string[] | undefined> {
  try {
    const [first, ...names] = (await readFile(join(folder, markName), "utf8")).split("\n");
    return first === firstLine ? names.filter(Boolean) : undefined;
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    if (code === "ENOENT" || code === "ENOTDIR" || code === "EISDIR") return undefined;
    throw cause;
  }
}

/** Checks that a folder bears our mark. @throws TangentLabError `file-system` for one that is missing, or does not. */
export async function checkMarked(folder: string): Promise<void> {
  if ((await listedIn(folder)) !== undefined) return;
  throw new TangentLabError("file-system", `${folder} is no folder that tangent-lab wrote`, {
    argument: "path",
    given: folder,
    allowed: `a folder with the file ${markName} in it`,
  });
}

const shown = 3;

/** The error for a folder that holds the user's files. */
export function notOurs(folder: string, entries: readonly string[]): TangentLabError {
  const some = entries.slice(0, shown).map((name) => JSON.stringify(name));
  const more = entries.length > shown ? ` and ${entries.length - shown} more` : "";
  const what = entries.length === 0 ? "is a file" : `holds ${some.join(", ")}${more}`;
  return new TangentLabError("file-system", `${folder} ${what}, which tangent-lab did not write`, {
    argument: "path",
    given: folder,
    allowed: "a folder that is missing, empty, or of an earlier run: nothing else is replaced",
  });
}
