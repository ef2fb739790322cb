// Where a process is in its work, in a file: what it wrote last is there even if it is killed, and costs it some microseconds.
import { readFileSync, writeSync } from "node:fs";

const bytes = Buffer.alloc(8);

/** Writes that the file with this number is read next. @param file Descriptor of an open file. */
export function writePosition(file: number, index: number): void {
  bytes.writeDoubleLE(index);
  writeSync(file, bytes, 0, 8, 0);
}

/** What was written last; -1 where nothing was. */
export function readPosition(path: string): number {
  const content = readFileSync(path);
  return content.length < 8 ? -1 : content.readDoubleLE();
}
