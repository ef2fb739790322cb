import { readdir, realpath, rename, rm, writeFile } from "node:fs/promises";
import { basename, dirname, join, resolve } from "node:path";
import { fileSystemError, isThere, makeFolder, removeWhole, restoreFolder } from "../src/io/files.js";
import { lock } from "../src/io/lock.js";
import { checkOurs, filesOf, marked, markName } from "../src/io/mark.js";
import { sweep, temporaryName } from "../src/io/temporary.js";

/**
 * Makes a folder anew: it is filled beside its place and then renamed, so that a failure leaves the old one as it was. A kill between the two renames leaves the old one at
 * `<folder>.previous`, from where the next run takes it; what else a killed run left is removed. Of a link the folder is made that it leads to.
 * @param names Files of an earlier version's folder, which left no mark.
 * @throws TangentLabError `file-system` before anything is done if the folder holds what is not ours, or another run makes it.
 */
export async function replaceFolder(
  path: string,
  fill: (folder: string) => Promise<void>,
  names: readonly string[] = [],
): Promise<void> {
  const given = resolve(path);
  const folder = await realpath(given).catch(() => given);
  await checkOurs(folder, names);
  const release = await lock(join(dirname(folder), `.${basename(folder)}.lock`), folder);
  const beside = temporaryName(folder);
  const previous = `${folder}.previous`;
  try {
    await restoreFolder(folder, names);
    await sweep(dirname(folder));
    await makeFolder(beside);
    await fill(beside);
    const paths = new Set([...(await readdir(beside)), ...(await filesOf(beside))]);
    const filled = Object.fromEntries([...paths].sort().map((name) => [name, ""]));
    await writeFile(join(beside, markName), marked(filled)[markName]!);
    await checkOurs(folder, names);
    const replaces = await isThere(folder);
    if (replaces) await rename(folder, previous);
    await rename(beside, folder).catch(async (cause) => {
      if (replaces) await rename(previous, folder);
      throw cause;
    });
    await removeWhole(previous);
  } catch (cause) {
    await rm(beside, { recursive: true, force: true });
    // What `fill` throws of its own tells more than the folder's name.
    throw isSystem(cause) ? fileSystemError("write", folder, cause) : cause;
  } finally {
    await release();
  }
}

const isSystem = (cause: unknown): boolean => cause instanceof Error && "code" in cause && "syscall" in cause;
