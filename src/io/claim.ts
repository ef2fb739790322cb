import { join } from "node:path";
import { checkPath, fileSystemError, writeFileAtomically } from "./files.js";
import { lock, type Release } from "./lock.js";
import { entriesOf, firstLine, listedIn, markName, notOurs } from "./mark.js";
import { isTemporary } from "./temporary.js";

/** The lock of a folder into which files are written one by one. */
export const lockName = ".tangent-lab.lock";

type IsOurs = (entries: readonly string[]) => boolean;

/**
 * Takes a folder for files that are written one by one, such as a report's: marks it as ours and keeps other processes out until it is released.
 * @param isOurs Whether names in an unmarked folder are those of a version that left no mark.
 * @throws TangentLabError `file-system` for a folder that holds anything but our own folders and is not marked, one that another process works in, and one that
 * cannot be written to.
 */
export async function claimFolder(folder: string, isOurs: IsOurs = () => false): Promise<Release> {
  checkPath(folder); // none at all would be the folder that the process is in
  try {
    await checkNotForeign(folder, isOurs);
    const release = await lock(join(folder, lockName), folder);
    await writeMark(folder).catch(async (cause) => {
      await release();
      throw cause;
    });
    return release;
  } catch (cause) {
    throw fileSystemError("write", folder, cause);
  }
}

/**
 * As `claimFolder`, but for processes that share a folder: marks it as ours and keeps nobody out.
 * @throws TangentLabError `file-system` for a folder that is not ours or cannot be written to.
 */
export async function shareFolder(folder: string, isOurs: IsOurs = () => false): Promise<void> {
  try {
    await checkNotForeign(folder, isOurs);
    await writeMark(folder);
  } catch (cause) {
    throw fileSystemError("write", folder, cause);
  }
}

async function checkNotForeign(folder: string, isOurs: IsOurs): Promise<void> {
  // What a process leaves that is killed before the mark is there.
  const isLeft = (name: string): boolean => name.startsWith(lockName) || isTemporary(name);
  const entries = (await entriesOf(folder)).filter((name) => !isLeft(name));
  if (entries.includes(markName) || isOurs(entries)) return;
  const foreign: string[] = [];
  for (const name of entries) if ((await listedIn(join(folder, name))) === undefined) foreign.push(name);
  if (foreign.length > 0) throw notOurs(folder, foreign);
}

const writeMark = (folder: string): Promise<void> =>
  writeFileAtomically(join(folder, markName), `${firstLine}\n`);
