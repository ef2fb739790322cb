import { openSync, readSync, writeSync } from "node:fs";
import { TangentLabError } from "../src/errors.js";

const mebibyte = 2 ** 20;
/** The most characters that an error may have: it quotes little of a file. */
const mostCharacters = 1200;

/** The most memory that reading a file may take. */
export const memoryLimit = (fileSize: number): number => 8 * fileSize + 64 * mebibyte;

/** Reads a file. @returns what is wrong with how that ended, or undefined. */
export async function attempt(read: () => Promise<unknown>, fileSize: number): Promise<string | undefined> {
  const exact = forgetPeak();
  const peakBefore = peak();
  const before = exact ? peakBefore : process.memoryUsage.rss();
  try {
    await read();
  } catch (error) {
    if (!(error instanceof TangentLabError)) return `no error of ours: ${(error as Error)?.stack ?? error}`;
    if (error.message.length > mostCharacters) return `a message of ${error.message.length} characters`;
  }
  const after = peak();
  // Where the peak is that of the whole process so far, it tells of this file only if it is a new one.
  if (after > peakBefore && after - before > memoryLimit(fileSize))
    return `${Math.round((after - before) / mebibyte)} MiB for a file of ${fileSize} bytes`;
  return undefined;
}

/** Linux counts a process's peak in a file, and from now on where that is asked for in another. */
const linux = (() => {
  try {
    return { status: openSync("/proc/self/status", "r"), refs: openSync("/proc/self/clear_refs", "w") };
  } catch {
    return undefined;
  }
})();
const text = Buffer.alloc(4096);

/** Counts the process's peak from here on; false where the system does not, and it is that of the whole time. */
function forgetPeak(): boolean {
  if (linux) writeSync(linux.refs, "5");
  return linux !== undefined;
}

/** The most bytes that the process has held. */
function peak(): number {
  if (!linux) return process.resourceUsage().maxRSS * 1024;
  const status = text.toString("latin1", 0, readSync(linux.status, text, 0, text.length, 0));
  return Number(/VmHWM:\s*(\d+) kB/.exec(status)![1]) * 1024;
}
