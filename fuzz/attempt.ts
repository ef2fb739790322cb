import { readFileSync, writeFileSync } from "node:fs";
import { TangentLabError } from "../src/errors.js";

const mebibyte = 2 ** 20;
/** The most characters that an error may have: it quotes little of a file. */
const mostCharacters = 1200;

/** The most memory that reading a file may take. */
export const memoryLimit = (fileSize: number): number => 8 * fileSize + 64 * mebibyte;

/** Reads a file. @returns what is wrong with how that ended, or undefined. */
export async function attempt(read: () => Promise<unknown>, fileSize: number): Promise<string | undefined> {
  forgetPeak();
  const before = process.memoryUsage.rss();
  const peakBefore = peak();
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

/** Lets the system count the process's peak from here on; elsewhere than on Linux, it is counted from the start. */
function forgetPeak(): void {
  try {
    writeFileSync("/proc/self/clear_refs", "5");
  } catch {}
}

/** The most bytes that the process has held. */
function peak(): number {
  try {
    return Number(/VmHWM:\s*(\d+) kB/.exec(readFileSync("/proc/self/status", "latin1"))![1]) * 1024;
  } catch {
    return process.resourceUsage().maxRSS * 1024;
  }
}
