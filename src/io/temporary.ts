import { createHash, randomBytes } from "node:crypto";
import { readFileSync } from "node:fs";
import { readdir, rm, stat } from "node:fs/promises";
import { hostname } from "node:os";
import { basename, dirname, join, resolve } from "node:path";

/** This machine, in eight hexadecimal digits: process numbers mean nothing on another one, which may share the disk. */
export const host = createHash("sha256").update(hostname()).digest("hex").slice(0, 8);

/** Names that `temporaryName` makes, and nothing else. */
const pattern = /^\..*\.([0-9a-f]{8})-(\d+)-[0-9a-f]{8}\.tmp$/s;

/** Bytes of the name that is kept; a file's name may have 255. */
const mostBytes = 200;

/**
 * A free name in the folder of `path` (a rename works only within one disk); hidden, with the machine, the process and a random part, by which `sweep` knows
 * what was left behind.
 */
export function temporaryName(path: string): string {
  const name = Buffer.from(basename(path));
  // Cut between letters: not within the bytes of one.
  let end = Math.min(name.length, mostBytes);
  while (end < name.length && (name[end]! & 0xc0) === 0x80) end--;
  const kept = name.toString("utf8", 0, end);
  return join(dirname(path), `.${kept}.${host}-${process.pid}-${randomBytes(4).toString("hex")}.tmp`);
}

/** Whether a name is one of `temporaryName`, of whichever process. */
export const isTemporary = (name: string): boolean => pattern.test(name);

/** Folders that were swept, by this process. */
const swept = new Set<string>();

const day = 86_400_000;

/**
 * Removes what killed processes left in a folder under names of `temporaryName`: of this machine if the process is gone, of another one if it is a day old.
 * Once for each folder; what cannot be removed stays.
 */
export async function sweep(folder: string): Promise<void> {
  const path = resolve(folder);
  if (swept.has(path)) return;
  swept.add(path);
  for (const name of await readdir(path).catch(() => [])) {
    const match = pattern.exec(name);
    if (!match) continue;
    const [, where, process] = match;
    const isLeft = where === host ? !isRunning(Number(process)) : await isOld(join(path, name));
    if (isLeft) await rm(join(path, name), { recursive: true, force: true }).catch(() => {});
  }
}

/** Whether there is a process of this number on this machine, and not only what is left of one until its parent asks for it. */
export function isRunning(id: number): boolean {
  try {
    process.kill(id, 0);
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === "ESRCH") return false; // else another user's
  }
  return !["Z", "X"].includes(statusOf(id)?.[0] ?? "");
}

/** When a process began, in its machine's own terms: numbers of processes are used again. Undefined where it is gone, and on systems other than Linux. */
export const startOf = (id: number): string | undefined => statusOf(id)?.[19];

/** What Linux says of a process (proc(5), `stat`), from its state on. */
function statusOf(id: number): string[] | undefined {
  try {
    const text = readFileSync(`/proc/${id}/stat`, "latin1");
    return text.slice(text.lastIndexOf(")") + 2).split(" "); // the program's name may have spaces in it
  } catch {
    return undefined;
  }
}

const isOld = (path: string): Promise<boolean> =>
  stat(path).then(
    ({ mtimeMs }) => Date.now() - mtimeMs > day,
    () => false,
  );
