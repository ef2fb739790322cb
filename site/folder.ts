import { readdir, rename, rm, writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { fileSystemError, isThere, makeFolder } from "../src/io/files.js";
import { checkOurs, marked, markName } from "../src/io/mark.js";
import { temporaryName } from "../src/io/temporary.js";

/**
 * Makes a folder anew: it is filled beside its place and then renamed, so that a failure leaves the old one as it was.
 * @throws TangentLabError `file-system` before anything is done if the folder holds what is not ours.
 */
export async function replaceFolder(path: string, fill: (folder: string) => Promise<void>): Promise<void> {
  const folder = resolve(path);
  await checkOurs(folder);
  const beside = temporaryName(folder);
  try {
    await makeFolder(beside);
    await fill(beside);
    const names = Object.fromEntries((await readdir(beside)).sort().map((name) => [name, ""]));
    await writeFile(join(beside, markName), marked(names)[markName]!);
    await checkOurs(folder);
    const old = `${beside}-old`;
    const replaces = await isThere(folder);
    if (replaces) await rename(folder, old);
    await rename(beside, folder);
    await rm(old, { recursive: true, force: true });
  } catch (cause) {
    await rm(beside, { recursive: true, force: true });
    // What `fill` throws of its own tells more than the folder's name.
    throw isSystem(cause) ? fileSystemError("write", folder, cause) : cause;
  }
}

const isSystem = (cause: unknown): boolean => cause instanceof Error && "code" in cause && "syscall" in cause;
