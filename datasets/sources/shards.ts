import { readdir } from "node:fs/promises";
import { basename, dirname, extname, join, resolve, sep } from "node:path";
import { check, TangentLabError } from "../../src/errors.js";
import { fileSystemError } from "../../src/io/files.js";

/** Files that together are one set. */
export interface Shards {
  /** The dataset's name. */
  name: string;
  root: string;
  /** Paths within `root`, sorted. */
  files: string[];
}

/**
 * The shards of a set: one file, a list of files, or all files with the extension in a folder and below it.
 * @param extension with its dot, in lower case.
 * @param split which of the splits that names of files tell; "train" where there is one and nothing is asked for.
 * @throws TangentLabError `file-system` where there are none, `invalid-argument` for a split that is not there or not chosen, `invalid-data` where names say that
 * shards are missing.
 */
export async function shardsOf(
  path: string | readonly string[],
  extension: string,
  split: string | undefined,
): Promise<Shards> {
  if (typeof path !== "string") {
    const files = path.map((each) => resolve(each));
    return { name: nameOf(files[0]!), root: "", files };
  }
  const root = resolve(path);
  if (extname(root).toLowerCase() === extension)
    return { name: nameOf(root), root: dirname(root), files: [basename(root)] };
  const entries = await readdir(root, { withFileTypes: true, recursive: true }).catch((cause: unknown) => {
    throw fileSystemError("read", root, cause);
  });
  const all = entries
    .filter((entry) => !entry.isDirectory() && extname(entry.name).toLowerCase() === extension)
    .map((entry) => join(entry.parentPath, entry.name).slice(root.length + (root.endsWith(sep) ? 0 : 1)))
    .filter((file) => !file.split(sep).some((part) => part.startsWith(".")))
    .sort();
  if (all.length === 0)
    throw new TangentLabError("file-system", `no files ${extension} in ${root}`, {
      argument: "path",
      given: path,
    });
  const files = ofSplit(all, split);
  checkComplete(root, files);
  return { name: basename(root), root, files };
}

const nameOf = (file: string): string => basename(file, extname(file));

/** "train-00000-of-00002.parquet": split, number and count. */
const numbered = /^(.+?)[-_.](\d+)-of-(\d+)(?=[-_.])/;
/** Names that splits have where shards are not numbered like that. */
const splitWord = /^(train|test|validation|valid|val|dev)(?![a-z])/i;

/** The split that a file's name, or that of a folder it is in, tells. */
function splitOf(file: string): string | undefined {
  const parts = file.split(sep).reverse();
  const split = numbered.exec(parts[0]!)?.[1] ?? parts.map((part) => splitWord.exec(part)?.[1]).find(Boolean);
  return split?.toLowerCase();
}

function ofSplit(files: readonly string[], split: string | undefined): string[] {
  const known = [...new Set(files.map(splitOf))].filter((name) => name !== undefined).sort();
  if (split === undefined && known.length <= 1) return [...files];
  const chosen = split?.toLowerCase() ?? "train";
  check(
    known.includes(chosen),
    "split",
    split,
    known.length > 0 ? known.join(", ") : "no split: names of files tell none",
  );
  return files.filter((file) => splitOf(file) === chosen);
}

/** @throws TangentLabError `invalid-data` where "-of-00004" says that there are more shards than these. */
function checkComplete(root: string, files: readonly string[]): void {
  const groups = new Map<string, { count: number; numbers: Set<number> }>();
  for (const file of files) {
    const [, name, number, count] = numbered.exec(basename(file)) ?? [];
    if (name === undefined) continue;
    const key = `${dirname(file)}${sep}${name}`;
    const group = groups.get(key) ?? { count: Number(count), numbers: new Set<number>() };
    groups.set(key, group);
    group.numbers.add(Number(number));
  }
  for (const [key, { count, numbers }] of groups) {
    if (numbers.size >= count || count > 1e6) continue;
    const missing = Array.from({ length: count }, (_, i) => i).filter((i) => !numbers.has(i));
    throw new TangentLabError("invalid-data", `${root}: shards are missing`, {
      argument: "path",
      given: `${numbers.size} of the ${count} shards of ${basename(key)}`,
      allowed: `all of them, or a list of files; the first that is missing has number ${missing[0]}`,
    });
  }
}
