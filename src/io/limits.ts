import { check, TangentLabError } from "../errors.js";

/** How much memory a reader of files may take. */
export interface ReadLimit {
  /**
   * The most bytes that reading one file may take where it says itself how large its content is (pictures, compressed arrays). Default 64 MiB and 8 times the
   * file: a small file that declares more is taken for a broken or hostile one.
   */
  maxBytes?: number;
}

const mebibyte = 2 ** 20;

/** The most bytes that the content of a file of `fileSize` bytes may take. @throws TangentLabError `invalid-argument` for an invalid limit. */
export function byteLimit({ maxBytes }: ReadLimit, fileSize: number): number {
  const valid = maxBytes === undefined || (typeof maxBytes === "number" && maxBytes > 0);
  check(valid, "maxBytes", maxBytes, "a number of bytes > 0, Infinity for no limit");
  return maxBytes ?? 64 * mebibyte + 8 * fileSize;
}

/** @throws TangentLabError `invalid-data` where a file declares content beyond its limit: before anything of it is allocated. */
export function checkDeclared(name: string, what: string, bytes: number, limit: number): void {
  if (bytes <= limit) return;
  throw new TangentLabError("invalid-data", `${name} declares ${what}, more than it may take`, {
    argument: "maxBytes",
    given: bytes,
    allowed: `at most ${limit} bytes; set maxBytes to allow more`,
  });
}

/**
 * Allocates memory for numbers to be read.
 * @throws TangentLabError `invalid-data` where there is not as much.
 */
export function allocate<T>(name: string, bytes: number, make: () => T): T {
  try {
    return make();
  } catch (cause) {
    if (!(cause instanceof RangeError)) throw cause;
    throw new TangentLabError("invalid-data", `there is not enough memory for ${name}`, {
      argument: "path",
      given: `${bytes} bytes`,
      allowed: "what this machine and this version of Node can hold",
      cause,
    });
  }
}
