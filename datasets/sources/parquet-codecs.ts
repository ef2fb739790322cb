import { brotliDecompressSync, unzipSync } from "node:zlib";
import type { Compressors } from "hyparquet";
import { compressors, decompressZstd } from "hyparquet-compressors";

/** Decompresses a page of `length` bytes; none makes more than that. */
export type Decompress = (input: Uint8Array, length: number) => Uint8Array;

/** By Parquet's names. Each throws an error of its own for pages that are damaged. */
export const codecs = {
  UNCOMPRESSED: (input) => input,
  SNAPPY: compressors.SNAPPY!,
  GZIP: (input, length) => unzipSync(input, { maxOutputLength: Math.max(1, length) }),
  BROTLI: (input, length) => brotliDecompressSync(input, { maxOutputLength: Math.max(1, length) }),
  ZSTD: (input, length) => decompressZstd(input, new Uint8Array(length)),
  // Hadoop's frames declare lengths, which the library follows backwards where they are negative.
  LZ4: (input, length) => (hasFrames(input) ? compressors.LZ4! : compressors.LZ4_RAW!)(input, length),
  LZ4_RAW: compressors.LZ4_RAW!,
} satisfies Compressors as Readonly<Partial<Record<string, Decompress>>>;

/** Whether a page is of frames, each with its length before and after compression, and no single block. */
function hasFrames(input: Uint8Array): boolean {
  const view = new DataView(input.buffer, input.byteOffset, input.byteLength);
  for (let at = 0; at < input.length; ) {
    if (at > input.length - 8) return false;
    const length = view.getInt32(at + 4);
    if (length < 0) return false;
    at += 8 + length;
  }
  return true;
}
