import { promisify } from "node:util";
import { constants, gunzip } from "node:zlib";
import { TangentLabError } from "../src/errors.js";
import { readBytes } from "../src/io/files.js";
import { foreignContent } from "../src/io/foreign.js";
import { byteLimit, checkDeclared, type ReadLimit } from "../src/io/limits.js";

/** An array of bytes as in an IDX file, the format of MNIST (http://yann.lecun.com/exdb/mnist). */
export interface IdxArray {
  shape: number[];
  data: Uint8Array;
}

/**
 * Reads an IDX file of bytes, gz-compressed or not.
 * @param rank how many dimensions it must have: 1 for labels, 3 for images.
 * @throws TangentLabError `corrupt-file` naming the file if it is no such file or not complete, `invalid-data` if its content takes more than `maxBytes`,
 * `file-system` if it cannot be read.
 */
export async function readIdx(path: string, rank: number, options: ReadLimit = {}): Promise<IdxArray> {
  const bytes = await readBytes(path);
  if (!isGzip(bytes)) return decodeIdx(bytes, rank, path);
  // The header says how much to inflate.
  const { header, shape, size } = idxHeader(await inflate(bytes.subarray(0, 4096), path, {}), rank, path);
  checkDeclared(path, `shape [${shape}]`, size, byteLimit(options, bytes.length));
  return decodeIdx(await inflate(bytes, path, { most: header + size }), rank, path);
}

/** The array in an IDX file's bytes: two zeros, type 8 (unsigned bytes), rank, sizes (big-endian), data. */
export function decodeIdx(bytes: Uint8Array, rank: number, name: string): IdxArray {
  const { header, shape, size } = idxHeader(bytes, rank, name);
  if (bytes.length - header !== size) {
    throw corrupt(name, `${bytes.length - header} bytes of data where shape [${shape}] takes ${size}`);
  }
  return { shape, data: bytes.subarray(header) };
}

function idxHeader(
  bytes: Uint8Array,
  rank: number,
  name: string,
): { header: number; shape: number[]; size: number } {
  const header = 4 + 4 * rank;
  const magic = [0, 0, 8, rank];
  if (bytes.length < header)
    throw corrupt(name, `${bytes.length} bytes, shorter than its header of ${header}`);
  if (magic.some((byte, i) => bytes[i] !== byte)) {
    const hex = (values: ArrayLike<number>): string => Buffer.from(Array.from(values)).toString("hex");
    const foreign = foreignContent(bytes);
    throw corrupt(name, foreign ?? `it begins with ${hex(bytes.subarray(0, 4))} instead of ${hex(magic)}`);
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset);
  const shape = Array.from({ length: rank }, (_, i) => view.getUint32(4 + 4 * i));
  return { header, shape, size: shape.reduce((a, b) => a * b, 1) };
}

const isGzip = (bytes: Uint8Array): boolean => bytes[0] === 0x1f && bytes[1] === 0x8b;

/** @param most bytes that may come out; without it `bytes` are a part of a file, and what they hold of it comes out. */
async function inflate(bytes: Uint8Array, path: string, { most }: { most?: number }): Promise<Uint8Array> {
  try {
    return await promisify(gunzip)(
      bytes,
      most === undefined ? { finishFlush: constants.Z_SYNC_FLUSH } : { maxOutputLength: most },
    );
  } catch (cause) {
    const isTooLong = (cause as NodeJS.ErrnoException).code === "ERR_BUFFER_TOO_LARGE";
    const why = isTooLong ? `more comes out than the ${most} bytes of its header` : (cause as Error).message;
    throw corrupt(path, `it cannot be decompressed (${why})`, cause);
  }
}

export const corrupt = (name: string, why: string, cause?: unknown): TangentLabError =>
  new TangentLabError("corrupt-file", `${name} is not a valid IDX file: ${why}`, { argument: "path", cause });
