import type { OpenFile } from "./files.js";

/** Bytes that are read at a time where pieces follow one another. */
const windowBytes = 2 ** 18;

/**
 * Reads a file's pieces, short ones in rising order with few calls to the system: beyond a piece that follows the last one, what comes next is read, too.
 * Calls may overlap. A piece is a view of what was read.
 */
export function readAhead(file: OpenFile): (begin: number, end: number) => Promise<Buffer> {
  let last = { begin: 0, bytes: Buffer.alloc(0) };
  return async (begin, end) => {
    const lastEnd = last.begin + last.bytes.length;
    if (begin >= last.begin && end <= lastEnd)
      return last.bytes.subarray(begin - last.begin, end - last.begin);
    const follows = begin >= last.begin && begin <= lastEnd + windowBytes;
    const until = follows ? Math.min(file.size, Math.max(end, begin + windowBytes)) : end;
    const read = await file.read(begin, until);
    last = { begin, bytes: Buffer.from(read.buffer, read.byteOffset, read.byteLength) };
    return last.bytes.subarray(0, end - begin);
  };
}
