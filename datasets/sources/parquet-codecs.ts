import { brotliDecompressSync, unzipSync } from "node:zlib";
import type { Compressors } from "hyparquet";
import { TangentLabError } from "../../src/errors.js";

/** Decompresses a page of `length` bytes; none makes more than that. */
export type Decompress = (input: Uint8Array, length: number) => Uint8Array;

/** By Parquet's names; `UNCOMPRESSED` among them. */
export type Codecs = Compressors & Readonly<Record<"LZ4" | "ZSTD", Decompress>>;

let loaded: Promise<Codecs> | undefined;

/**
 * The codecs, each of which throws an error of its own for pages that are damaged. They are loaded when they are first asked for: Snappy's is
 * WebAssembly, for which there is no room where memory is limited (`ulimit -v`).
 * @throws TangentLabError `invalid-data` where there is no memory for them.
 */
export function loadCodecs(): Promise<Codecs> {
  loaded ??= load();
  return loaded;
}

async function load(): Promise<Codecs> {
  const { compressors, decompressLz4, decompressLz4Raw, decompressZstd } = await import(
    "hyparquet-compressors"
  ).catch((cause: unknown) => {
    throw new TangentLabError("invalid-data", "there is not enough memory to decompress Parquet files", {
      argument: "path",
      allowed: "some GB of virtual memory: ulimit -v unlimited",
      cause,
    });
  });
  return {
    UNCOMPRESSED: (input) => input,
    SNAPPY: compressors.SNAPPY!,
    GZIP: (input, length) => unzipSync(input, { maxOutputLength: Math.max(1, length) }),
    BROTLI: (input, length) => brotliDecompressSync(input, { maxOutputLength: Math.max(1, length) }),
    ZSTD: (input, length) => decompressZstd(input, new Uint8Array(length)),
    // Hadoop's frames declare lengths, which the library follows backwards where they are negative.
    LZ4: (input, length) => (hasFrames(input) ? decompressLz4 : decompressLz4Raw)(input, length),
    LZ4_RAW: decompressLz4Raw,
  };
}

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
