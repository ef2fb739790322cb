import { TangentLabError } from "../src/errors.js";

const mebibyte = 2 ** 20;
/** The most characters that an error may have: it quotes little of a file. */
const mostCharacters = 1200;

/** The most memory that reading a file may take. */
export const memoryLimit = (fileSize: number): number => 8 * fileSize + 64 * mebibyte;

/** Reads a file. @returns what is wrong with how that ended, or undefined. */
export async function attempt(read: () => Promise<unknown>, fileSize: number): Promise<string | undefined> {
  const before = process.memoryUsage.rss();
  const peakBefore = peak();
  try {
    await read();
  } catch (error) {
    if (!(error instanceof TangentLabError)) return `no error of ours: ${(error as Error)?.stack ?? error}`;
    if (error.message.length > mostCharacters) return `a message of ${error.message.length} characters`;
  }
  const after = peak();
  // The peak is that of the whole process so far: it tells of this file if it is a new one.
  if (after > peakBefore && after - before > memoryLimit(fileSize))
    return `${Math.round((after - before) / mebibyte)} MiB for a file of ${fileSize} bytes`;
  return undefined;
}

const peak = (): number => process.resourceUsage().maxRSS * 1024;
