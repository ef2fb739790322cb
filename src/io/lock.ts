import { randomBytes } from "node:crypto";
import { rmSync } from "node:fs";
import { link, readFile, rename, rm, stat, utimes, writeFile } from "node:fs/promises";
import { hostname } from "node:os";
import { dirname, resolve } from "node:path";
import { TangentLabError } from "../errors.js";
import { fileSystemError, makeFolder } from "./files.js";
import { isRunning } from "./temporary.js";

/** Frees a lock; a second call does nothing. */
export type Release = () => Promise<void>;

/** Milliseconds between two signs of life of a lock's holder. */
const beat = 60_000;
/** Milliseconds without one after which a holder on another machine counts as gone. */
const patience = 10 * beat;

/** Characters of a host and a time that an error shows. */
const shown = 255;

/** Locks that this process holds. */
const held = new Set<string>();

/** What an end of the process in the middle of work would leave. */
const freeAll = (): void => {
  for (const path of held) rmSync(path, { force: true });
};

/**
 * Takes the lock file `path`, which says which process on which machine works there, so that two do not write the same folder. What a dead process left is taken
 * over: of this machine if there is no such process, of another one if it gave no sign of life for ten minutes.
 * @param what The folder that is locked, for the error.
 * @throws TangentLabError `file-system` naming who works there, and where the lock cannot be written.
 */
export async function lock(path: string, what: string): Promise<Release> {
  const taken = await lockUnlessHeld(path, what);
  if (typeof taken === "function") return taken;
  throw new TangentLabError("file-system", `${what} is in use by ${taken.holder}`, {
    argument: "path",
    given: what,
    allowed: `another folder; if that process is gone, delete ${resolve(path)}`,
  });
}

/**
 * As `lock`, but where somebody works there says who, for processes that share work and take what is free.
 * @throws TangentLabError `file-system` where the lock cannot be written.
 */
export async function lockUnlessHeld(path: string, what: string): Promise<Release | { holder: string }> {
  const own = resolve(path);
  const content = JSON.stringify({ pid: process.pid, host: hostname(), since: new Date().toISOString() });
  const fresh = `${own}.${randomBytes(4).toString("hex")}`;
  try {
    await makeFolder(dirname(own));
    await writeFile(fresh, `${content}\n`, { flag: "wx" });
    for (;;) {
      try {
        await place(fresh, own, content);
        break;
      } catch (cause) {
        if ((cause as NodeJS.ErrnoException).code !== "EEXIST") throw cause;
      }
      const holder = await removeStale(own);
      if (holder !== undefined) return { holder };
    }
  } catch (cause) {
    throw fileSystemError("write", what, cause);
  } finally {
    await rm(fresh, { force: true }).catch(() => {});
  }
  if (held.size === 0) process.once("exit", freeAll);
  held.add(own);
  const timer = setInterval(() => void utimes(own, new Date(), new Date()).catch(() => {}), beat);
  timer.unref();
  return async () => {
    clearInterval(timer);
    if (!held.delete(own)) return;
    if (held.size === 0) process.removeListener("exit", freeAll);
    await rm(own, { force: true }).catch(() => {});
  };
}

/** Puts a lock at its place: whole or not at all, and not over another one. */
async function place(fresh: string, path: string, content: string): Promise<void> {
  try {
    await link(fresh, path);
  } catch (cause) {
    const cannotLink = ["EPERM", "ENOTSUP", "ENOSYS", "EOPNOTSUPP"];
    if (!cannotLink.includes((cause as NodeJS.ErrnoException).code ?? "")) throw cause;
    await writeFile(path, `${content}\n`, { flag: "wx" }); // FAT and some network disks have no links
  }
}

/** Removes a lock whose holder is gone; of one that is not, says who it is. */
async function removeStale(path: string): Promise<string | undefined> {
  const before = await contentOf(path);
  if (before === undefined) return undefined; // freed meanwhile
  const holder = parse(before);
  if (await isAlive(path, holder))
    return holder ? `process ${holder.pid} on ${holder.host}, since ${holder.since}` : "another process";
  // Renamed first: of two that find it stale, only one takes it away, and what it took is what it saw.
  const aside = `${path}.${randomBytes(4).toString("hex")}`;
  try {
    await rename(path, aside);
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw cause;
  }
  if ((await contentOf(aside)) !== before) await link(aside, path).catch(() => {});
  await rm(aside, { force: true });
  return undefined;
}

interface Holder {
  pid: number;
  host: string;
  since: string;
}

function parse(content: string): Holder | undefined {
  try {
    const { pid, host, since } = JSON.parse(content) as Partial<Holder>;
    return Number.isInteger(pid) && typeof host === "string"
      ? { pid: pid!, host: host.slice(0, shown), since: `${since}`.slice(0, shown) }
      : undefined;
  } catch {
    return undefined;
  }
}

async function isAlive(path: string, holder: Holder | undefined): Promise<boolean> {
  if (holder?.host === hostname()) return holder.pid === process.pid ? held.has(path) : isRunning(holder.pid);
  const { mtimeMs } = await stat(path).catch(() => ({ mtimeMs: 0 }));
  return Date.now() - mtimeMs < patience;
}

async function contentOf(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, "utf8");
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw cause;
  }
}
