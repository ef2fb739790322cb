import {
  access,
  chmod,
  constants,
  type FileHandle,
  mkdir,
  open,
  readFile,
  realpath,
  rename,
  rm,
  stat,
} from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import { check, TangentLabError } from "../errors.js";
import { allocate } from "./limits.js";
import { checkOurs, entriesOf, marked } from "./mark.js";
import { sweep, temporaryName } from "./temporary.js";

const REASONS: Record<string, string> = {
  ENOSPC: "the disk is full",
  EDQUOT: "the disk quota is used up",
  EFBIG: "the file would be larger than allowed",
  EROFS: "the disk is read-only",
  EACCES: "no permission",
  EPERM: "no permission",
  ENOENT: "it does not exist",
  ENOTDIR: "a file is where a folder should be",
  EISDIR: "it is a folder",
  EEXIST: "a file is where a folder should be",
  ENAMETOOLONG: "the name is too long",
  ELOOP: "its symbolic links form a loop",
  ENOMEM: "there is not enough memory",
  ENFILE: "too many open files",
  ETXTBSY: "it is being run",
  ENOTEMPTY: "it is a folder that is not empty",
  EMFILE: "too many open files",
  EIO: "the disk failed",
};

/** Turns Node's errors about files into a `file-system` error with what was tried, the path and the reason. */
export function fileSystemError(
  action: "read" | "write" | "remove",
  path: string,
  cause: unknown,
): TangentLabError {
  if (cause instanceof TangentLabError) return cause;
  const code = (cause as NodeJS.ErrnoException | undefined)?.code;
  const reason = (code && REASONS[code]) ?? (cause instanceof Error ? cause.message : String(cause));
  const suffix = code ? ` (${code})` : "";
  return new TangentLabError("file-system", `cannot ${action} ${path}: ${reason}${suffix}`, {
    argument: "path",
    cause,
  });
}

/** @throws TangentLabError `invalid-argument` for anything but a path. */
export const checkPath = (path: unknown, argument = "path"): void =>
  check(typeof path === "string" && path !== "", argument, path, "the path of a file or folder");

/** Whether an error of `readBytes` means that there is no such file. */
export const isMissing = (error: unknown): boolean =>
  ((error as Error).cause as NodeJS.ErrnoException | undefined)?.code === "ENOENT";

/** Bytes that one system call reads; Node throws for more than 2 GiB. */
const pieceBytes = 2 ** 30;

/**
 * A whole file, of any size that fits into memory.
 * @throws TangentLabError `file-system` if it cannot be read, `invalid-data` if there is not enough memory.
 */
export async function readBytes(path: string): Promise<Uint8Array> {
  checkPath(path);
  try {
    return await readFile(path);
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code !== "ERR_FS_FILE_TOO_LARGE")
      throw fileSystemError("read", path, cause);
  }
  return withFile(path, (file) => file.read(0, file.size));
}

/** A whole file, undefined where there is none. @throws TangentLabError as `readBytes` for one that cannot be read. */
export const readBytesIfThere = (path: string): Promise<Uint8Array | undefined> =>
  readBytes(path).catch((error: unknown) => {
    if (isMissing(error)) return undefined;
    throw error;
  });

/** A file that is read in parts. */
export interface OpenFile {
  /** In bytes. */
  readonly size: number;
  /** The bytes from `begin` to before `end`, in memory of their own. @throws TangentLabError `file-system` if the file has become shorter. */
  read(begin: number, end: number): Promise<Uint8Array<ArrayBuffer>>;
}

/**
 * Opens a file to read it in parts; who opens it closes it.
 * @throws TangentLabError `file-system` if it cannot be read.
 */
export async function openFile(path: string): Promise<OpenFile & { close(): Promise<void> }> {
  checkPath(path);
  const failed = (cause: unknown): never => {
    throw fileSystemError("read", path, cause);
  };
  const file = await open(path).catch(failed);
  const status = await file.stat().catch(failed);
  if (status.isDirectory()) {
    await file.close();
    failed(Object.assign(new Error("a folder"), { code: "EISDIR" }));
  }
  return {
    size: status.size,
    read: async (begin, end) => {
      const bytes = allocate(path, end - begin, () => new Uint8Array(end - begin));
      for (let at = 0; at < bytes.length; ) {
        const length = Math.min(pieceBytes, bytes.length - at);
        const { bytesRead } = await file.read(bytes, at, length, begin + at).catch(failed);
        if (bytesRead === 0) failed(new Error("it has become shorter while it was read"));
        at += bytesRead;
      }
      return bytes;
    },
    close: () => file.close(),
  };
}

/**
 * Opens a file, of which `use` reads what it wants, and closes it.
 * @throws TangentLabError `file-system` if it cannot be read, and what `use` throws.
 */
export async function withFile<T>(path: string, use: (file: OpenFile) => Promise<T>): Promise<T> {
  const file = await openFile(path);
  try {
    return await use(file);
  } finally {
    await file.close();
  }
}

/** What is written: text, bytes, or bytes in parts, which need not be in memory at once. */
export type FileContent =
  | string
  | Uint8Array
  | Iterable<Uint8Array<ArrayBuffer>>
  | AsyncIterable<Uint8Array<ArrayBuffer>>;

/**
 * Writes a file beside its place, then renames it: whoever looks sees the old file or the new one, never a part. Folders
 * above it are made. Of a link the file is written that it leads to; an old file's permissions stay. After a failure nothing new is left.
 * @throws TangentLabError `file-system`, e.g. on a full or read-only disk.
 */
export async function writeFileAtomically(path: string, content: FileContent): Promise<void> {
  checkPath(path);
  const place = await realpath(path).catch(() => path);
  const folder = dirname(place);
  const temporary = temporaryName(place);
  try {
    await makeFolder(folder);
    await sweep(folder);
    await writeThrough(temporary, content);
    const before = await stat(place).catch(() => undefined);
    if (before) await chmod(temporary, before.mode & 0o777);
    await rename(temporary, place);
    await syncFolder(folder);
  } catch (cause) {
    await rm(temporary, { force: true }).catch(() => {}); // the first error is the one to tell
    throw fileSystemError("write", path, cause);
  }
}

/**
 * Replaces a folder by one with just these files, by name, and our mark. The files are written into a folder beside it first; the old
 * folder is there until the new one is complete. A kill between the two renames leaves the old folder at
 * `<folder>.previous`: `restoreFolder` puts it back.
 * @throws TangentLabError `file-system`, also if the folder, or `<folder>.previous`, holds what is not ours (`checkOurs`); the old folder is then as it was.
 */
export async function writeFolderAtomically(
  folder: string,
  files: Readonly<Record<string, string | Uint8Array>>,
): Promise<void> {
  checkPath(folder);
  const names = Object.keys(files);
  const temporary = temporaryName(folder);
  const previous = `${folder}.previous`;
  try {
    await restoreFolder(folder, names);
    await checkOurs(folder, names);
    await makeFolder(temporary);
    await sweep(dirname(temporary));
    for (const [name, content] of Object.entries(marked(files)))
      await writeThrough(join(temporary, name), content);
    await syncFolder(temporary);
    const replaced = await renameIfThere(folder, previous);
    try {
      await rename(temporary, folder);
    } catch (cause) {
      if (replaced) await rename(previous, folder);
      throw cause;
    }
    await syncFolder(dirname(temporary));
    await removeWhole(previous);
  } catch (cause) {
    await rm(temporary, { recursive: true, force: true }).catch(() => {});
    throw fileSystemError("write", folder, cause);
  }
}

/**
 * Repairs what a process killed during `writeFolderAtomically` left: call it before reading the folder. Where somebody has made an empty folder meanwhile, the old one
 * takes its place.
 * @param names Files that it holds, where it may be of a version that left no mark.
 * @throws TangentLabError `file-system`, also if `<folder>.previous` holds what is not ours.
 */
export async function restoreFolder(folder: string, names: readonly string[] = []): Promise<void> {
  checkPath(folder);
  const previous = `${folder}.previous`;
  try {
    await checkOurs(previous, names);
    if ((await entriesOf(folder)).length > 0) await removeWhole(previous);
    else if (await isThere(previous)) {
      await removeWhole(folder);
      await renameIfThere(previous, folder);
    }
  } catch (cause) {
    throw fileSystemError("write", folder, cause);
  }
}

/**
 * Removes a folder that `writeFolderAtomically` wrote, and what a killed process left of it at `<folder>.previous`; does nothing if it is missing.
 * @throws TangentLabError `file-system`, also if it holds other files than ours.
 */
export async function removeFolder(folder: string, names: readonly string[] = []): Promise<void> {
  checkPath(folder);
  try {
    await checkOurs(folder, names);
    await restoreFolder(folder, names); // else the next one would put it back
    await removeWhole(folder);
  } catch (cause) {
    throw fileSystemError("remove", folder, cause);
  }
}

/** Removes a folder, under a name that `sweep` knows: a kill leaves no part of it at its place, where without its mark it would seem the user's. */
export async function removeWhole(folder: string): Promise<void> {
  const temporary = temporaryName(folder);
  if (await renameIfThere(folder, temporary)) await rm(temporary, { recursive: true, force: true });
}

/** Writes and waits until it is on the disk, so that a rename cannot overtake the content. */
async function writeThrough(path: string, content: FileContent): Promise<void> {
  const file: FileHandle = await open(path, "wx");
  try {
    const parts = typeof content === "string" || content instanceof Uint8Array ? [content] : content;
    for await (const part of parts) await file.writeFile(part); // from where the one before ended
    await file.sync();
  } finally {
    await file.close();
  }
}

/** Makes a folder and those above it. On a read-only disk the system says ENOENT: the reason is then taken from the nearest existing folder. */
export async function makeFolder(folder: string): Promise<void> {
  try {
    await mkdir(folder, { recursive: true });
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code !== "ENOENT") throw cause;
    let above = dirname(resolve(folder));
    while (above !== dirname(above) && !(await isThere(above))) above = dirname(above);
    await access(above, constants.W_OK);
    throw cause;
  }
}

/** Checks that files can be written in a folder, and makes it if it is missing. @throws TangentLabError `file-system`. */
export async function checkWritable(folder: string): Promise<void> {
  checkPath(folder);
  try {
    await makeFolder(folder);
    await access(folder, constants.W_OK);
  } catch (cause) {
    throw fileSystemError("write", folder, cause);
  }
}

/** Waits until the names in a folder are on the disk: a rename is else undone by a loss of power. Not all systems can. */
async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder).catch(() => undefined);
  await handle?.sync().catch(() => {});
  await handle?.close();
}

/** Whether there is something at a path. */
export async function isThere(path: string): Promise<boolean> {
  try {
    await (await open(path)).close();
    return true;
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === "ENOENT") return false;
    throw cause;
  }
}

async function renameIfThere(from: string, to: string): Promise<boolean> {
  try {
    await rename(from, to);
    return true;
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === "ENOENT") return false;
    throw cause;
  }
}
