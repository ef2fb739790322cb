import { closeSync, openSync, readSync } from "node:fs";

/** What the worker is asked, and what it answers. */
export interface DiskRequest {
  id: number;
  indices: Int32Array;
}
export type DiskAnswer = { id: number; x: Float32Array } | { id: number; error: string };

/** Files are closed when nothing uses them. */
const opened = new FinalizationRegistry<number>((file) => closeSync(file));

/** Puts an image of a file into `out`, 0 ... 255 as -1 ... 1. @throws Error of the system's. */
export function reader(
  path: string,
  width: number,
): (index: number, out: Float32Array, offset: number) => void {
  const place: { file?: number } = {};
  const bytes = new Uint8Array(width);
  return (index, out, offset) => {
    if (place.file === undefined) {
      place.file = openSync(path, "r");
      opened.register(place, place.file);
    }
    const read = readSync(place.file, bytes, 0, width, index * width);
    if (read < width) throw new Error("it has become shorter while it was read");
    for (let k = 0; k < width; k++) out[offset + k] = bytes[k]! / 127.5 - 1;
  };
}
