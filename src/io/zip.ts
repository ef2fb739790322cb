import { crc32 } from "node:zlib";
import yauzl from "yauzl";
import { TangentLabError } from "../errors.js";
import { fileSystemError } from "./files.js";
import { allocate, byteLimit, checkDeclared, type ReadLimit } from "./limits.js";

/** Deflate makes at most 1,032 bytes of one. */
const mostOfOneByte = 1032;

/**
 * Entries of a zip file by name, in its order: sizes and checksums are those that the file declares.
 * @param choose the names to read of those that are there: others are not touched.
 * @throws TangentLabError `corrupt-file` naming the file, `invalid-data` for entries that take more than `maxBytes` in all, `file-system` if it cannot be read.
 */
export async function readZip(
  path: string,
  choose: (names: readonly string[]) => readonly string[],
  options: ReadLimit = {},
): Promise<Map<string, Uint8Array>> {
  const corrupt = (why: string, cause?: unknown): TangentLabError =>
    new TangentLabError("corrupt-file", `${path} is no complete zip file (${why.slice(0, 200)})`, {
      argument: "path",
      cause,
    });
  const failed = (cause: unknown): never => {
    if (cause instanceof TangentLabError) throw cause;
    // yauzl's errors about the file have no code, the system's errors have one.
    if ((cause as NodeJS.ErrnoException).syscall) throw fileSystemError("read", path, cause);
    throw corrupt((cause as Error).message, cause);
  };
  const file = await yauzl.openPromise(path, { autoClose: false, lazyEntries: true }).catch(failed);
  try {
    const limit = byteLimit(options, file.fileSize);
    const entries = new Map<string, yauzl.Entry>();
    for await (const entry of file.eachEntry()) {
      if (entries.has(entry.fileName)) throw corrupt(`it has ${entry.fileName} twice`);
      entries.set(entry.fileName, entry);
    }
    const chosen = choose([...entries.keys()]).map((name) => entries.get(name)!);
    const bytes = chosen.reduce((sum, { uncompressedSize }) => sum + uncompressedSize, 0);
    for (const { fileName, compressedSize, uncompressedSize, compressionMethod } of chosen) {
      const most = compressionMethod === 0 ? compressedSize : mostOfOneByte * compressedSize;
      if (uncompressedSize > most || compressedSize > file.fileSize)
        throw corrupt(`${fileName} declares ${uncompressedSize} bytes, which ${compressedSize} do not hold`);
    }
    checkDeclared(
      path,
      `${bytes} bytes in ${chosen.map(({ fileName }) => fileName).join(", ")}`,
      bytes,
      limit,
    );
    const contents = new Map<string, Uint8Array>();
    for (const entry of chosen) contents.set(entry.fileName, await content(file, entry, corrupt));
    return contents;
  } catch (cause) {
    return failed(cause);
  } finally {
    file.close();
  }
}

async function content(
  file: yauzl.ZipFile,
  entry: yauzl.Entry,
  corrupt: (why: string) => TangentLabError,
): Promise<Uint8Array> {
  const { fileName, uncompressedSize } = entry;
  const bytes = allocate(fileName, uncompressedSize, () => new Uint8Array(uncompressedSize));
  let at = 0;
  for await (const piece of await file.openReadStreamPromise(entry)) {
    if (at + piece.length > bytes.length) throw corrupt(`${fileName} is longer than it declares`);
    bytes.set(piece as Buffer, at);
    at += piece.length;
  }
  if (at < bytes.length) throw corrupt(`${fileName} is shorter than it declares`);
  if (crc32(bytes) !== entry.crc32) throw corrupt(`${fileName} has another checksum than it declares`);
  return bytes;
}
