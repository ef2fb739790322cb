import { promisify } from "node:util";
import { gunzip } from "node:zlib";
import { TangentLabError } from "../src/errors.js";
import { readBytes } from "../src/io/files.js";

/** An array of bytes as in an IDX file, the format of MNIST (http://yann.lecun.com/exdb/mnist). */
export interface IdxArray {
  shape: number[];
  data: Uint8Array;
}

/**
 * Reads an IDX file of bytes, gz-compressed or not.
 * @param rank how many dimensions it must have: 1 for labels, 3 for images.
 * @throws TangentLabError `corrupt-file` naming the file if it is no such file or not complete, `file-system` if it cannot be read.
 */
export async function readIdx(path: string, rank: number): Promise<IdxArray> {
  const bytes = await readBytes(path);
  return decodeIdx(isGzip(bytes) ? await decompress(bytes, path) : bytes, rank, path);
}

/** The array in an IDX file's bytes: two zeros, type 8 (unsigned bytes), rank, sizes (big-endian), data. */
export function decodeIdx(bytes: Uint8Array, rank: number, name: string): IdxArray {
  const header = 4 + 4 * rank;
  const magic = [0, 0, 8, rank];
  if (bytes.length < header)
    throw corrupt(name, `${bytes.length} bytes, shorter than its header of ${header}`);
  if (magic.some((byte, i) => bytes[i] !== byte)) {
    const hex = (values: ArrayLike<number>): string => Buffer.from(Array.from(values)).toString("hex");
    throw corrupt(name, `it begins with ${hex(bytes.subarray(0, 4))} instead of ${hex(magic)}`);
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset);
  const shape = Array.from({ length: rank }, (_, i) => view.getUint32(4 + 4 * i));
  const size = shape.reduce((a, b) => a * b, 1);
  if (bytes.length - header !== size) {
    throw corrupt(name, `${bytes.length - header} bytes of data where shape [${shape}] takes ${size}`);
  }
  return { shape, data: bytes.subarray(header) };
}

const isGzip = (bytes: Uint8Array): boolean => bytes[0] === 0x1f && bytes[1] === 0x8b;

async function decompress(bytes: Uint8Array, path: string): Promise<Uint8Array> {
  try {
    return await promisify(gunzip)(bytes);
  } catch (cause) {
    throw corrupt(path, `it cannot be decompressed (${(cause as Error).message})`, cause);
  }
}

export const corrupt = (name: string, why: string, cause?: unknown): TangentLabError =>
  new TangentLabError("corrupt-file", `${name} is not a valid IDX file: ${why}`, { argument: "path", cause });
