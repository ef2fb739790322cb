import { rmSync } from "node:fs";
import { link, readFile, rm, stat, writeFile } from "node:fs/promises";
import { hostname } from "node:os";
import { dirname, resolve } from "node:path";
import { setTimeout } from "node:timers/promises";
import { TangentLabError } from "../errors.js";
import { fileSystemError, makeFolder } from "./files.js";
import { isRunning, startOf, temporaryName } from "./temporary.js";

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

/** Locks that this process is about to take: one attempt at a time, so that what bears its number is in `held`, or was another process's. */
const sought = new Set<string>();

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
  if (sought.has(own)) return { holder: `process ${process.pid} on ${hostname()}, this one` };
  sought.add(own);
  try {
    const content = contentOfThis();
    const holder = await take(own, content);
    return holder === undefined ? hold(own, content) : { holder };
  } catch (cause) {
    throw fileSystemError("write", what, cause);
  } finally {
    sought.delete(own);
  }
}

const contentOfThis = (): string => {
  const started = startOf(process.pid);
  const since = new Date().toISOString();
  return `${JSON.stringify({ pid: process.pid, host: hostname(), since, ...(started && { started }) })}\n`;
};

/** Puts the lock at its place; undefined once it is there, else who was there before. */
async function take(own: string, content: string): Promise<string | undefined> {
  const fresh = temporaryName(own);
  try {
    await makeFolder(dirname(own));
    await writeFile(fresh, content, { flag: "wx" });
    for (;;) {
      try {
        await place(fresh, own, content);
        return undefined;
      } catch (cause) {
        if ((cause as NodeJS.ErrnoException).code !== "EEXIST") throw cause;
      }
      const holder = await removeStale(own, fresh);
      if (holder !== undefined) return holder;
    }
  } finally {
    await rm(fresh, { force: true }).catch(() => {});
  }
}

function hold(own: string, content: string): Release {
  if (held.size === 0) process.once("exit", freeAll);
  held.add(own);
  const timer = setInterval(() => void signOfLife(own, content).catch(() => {}), beat);
  timer.unref();
  return async () => {
    clearInterval(timer);
    if (!held.delete(own)) return;
    if (held.size === 0) process.removeListener("exit", freeAll);
    // Not what somebody else has put there meanwhile, because this machine slept or the user deleted it.
    if ((await contentOf(own).catch(() => undefined)) === content)
      await rm(own, { force: true }).catch(() => {});
  };
}

/** Written, and not dated: the time is then that of the disk, whose clock is the same for all machines. */
async function signOfLife(own: string, content: string): Promise<void> {
  if ((await contentOf(own)) === content) await writeFile(own, content, { flag: "r+" });
}

/** Puts a lock at its place: whole or not at all, and not over another one. */
async function place(fresh: string, path: string, content: string): Promise<void> {
  try {
    await link(fresh, path);
  } catch (cause) {
    const cannotLink = ["EPERM", "ENOTSUP", "ENOSYS", "EOPNOTSUPP"];
    if (!cannotLink.includes((cause as NodeJS.ErrnoException).code ?? "")) throw cause;
    await writeFile(path, content, { flag: "wx" }); // FAT and some network disks have no links
  }
}

/** Milliseconds after which the removal of a stale lock counts as given up by a process that was killed in it. */
const removal = 10_000;

/** Removes a lock whose holder is gone; of one that is not, says who it is. */
async function removeStale(path: string, fresh: string): Promise<string | undefined> {
  if (!(await isStale(path, fresh))) return holderOf(await contentOf(path));
  // One at a time, who looks again: else the second of two would remove what the first has taken by then.
  const guard = `${path}.stale`;
  try {
    await writeFile(guard, "", { flag: "wx" });
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code !== "EEXIST") throw cause;
    if ((await age(guard, fresh)) > removal) await rm(guard, { force: true });
    else await setTimeout(20);
    return undefined;
  }
  try {
    if (await isStale(path, fresh)) await rm(path, { force: true });
  } finally {
    await rm(guard, { force: true });
  }
  return undefined;
}

interface Holder {
  pid: number;
  host: string;
  since: string;
  /** When that process began, where that is known. */
  started?: string;
}

/** In words; undefined where the lock was freed meanwhile. */
function holderOf(content: string | undefined): string | undefined {
  if (content === undefined) return undefined;
  const holder = parse(content);
  return holder ? `process ${holder.pid} on ${holder.host}, since ${holder.since}` : "another process";
}

function parse(content: string): Holder | undefined {
  try {
    const { pid, host, since, started } = JSON.parse(content) as Partial<Holder>;
    return Number.isInteger(pid) && typeof host === "string"
      ? {
          ...{ pid: pid!, host: host.slice(0, shown), since: `${since}`.slice(0, shown) },
          ...(typeof started === "string" && { started }),
        }
      : undefined;
  } catch {
    return undefined;
  }
}

/** Whether there is a lock whose holder is gone. */
async function isStale(path: string, fresh: string): Promise<boolean> {
  const content = await contentOf(path);
  if (content === undefined) return false;
  const holder = parse(content);
  if (holder?.host !== hostname()) return (await age(path, fresh)) >= patience;
  const { pid, started } = holder;
  if (pid === process.pid) return !held.has(path);
  if (!isRunning(pid)) return true;
  // The number may have been used again, by a process that began later.
  return started !== undefined && startOf(pid) !== started;
}

/** Milliseconds by which a file is older than `fresh`, which is written just now, by the clock of the disk: those of machines differ. */
async function age(path: string, fresh: string): Promise<number> {
  await writeFile(fresh, await readFile(fresh));
  const [then, now] = await Promise.all([path, fresh].map((file) => stat(file).catch(() => undefined)));
  return then && now ? now.mtimeMs - then.mtimeMs : 0;
}

async function contentOf(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, "utf8");
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw cause;
  }
}
