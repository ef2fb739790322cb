import { Readable } from "node:stream";
import { crc32, inflateRawSync } from "node:zlib";
import yauzl from "yauzl";
import { TangentLabError } from "../errors.js";
import { fileSystemError, type OpenFile, openFile } from "./files.js";
import { allocate, byteLimit, checkDeclared, type ReadLimit } from "./limits.js";
import { readAhead } from "./read-ahead.js";

/** Deflate makes at most 1,032 bytes of one. */
const mostOfOneByte = 1032;

/** A zip file, of which entries are read one by one. */
export interface ZipFile {
  /** Names of its files, in its order. */
  readonly names: readonly string[];
  /** In bytes, of the zip file. */
  readonly size: number;
  /** The bytes that a file declares to have, uncompressed. */
  sizeOf(name: string): number;
  /** A file's content, of the size and with the checksum that are declared. @throws TangentLabError `corrupt-file`, `file-system`. */
  read(name: string): Promise<Uint8Array>;
  close(): Promise<void>;
}

/** Up to this size an entry is inflated at once, which takes a tenth of the time of a stream. */
const mostAtOnce = 2 ** 20;

/** What yauzl reads a file through: entries that follow one another take few calls to the system. */
class Reader extends yauzl.RandomAccessReader {
  readonly piece: (begin: number, end: number) => Promise<Buffer>;
  readonly #file: OpenFile;

  constructor(file: OpenFile) {
    super();
    this.#file = file;
    const read = readAhead(file);
    this.piece = async (begin, end) => {
      if (end > file.size) throw new Error("unexpected EOF");
      return read(begin, end);
    };
  }

  override read(
    buffer: Buffer,
    offset: number,
    length: number,
    position: number,
    callback: (error: Error | null, bytesRead?: number) => void,
  ): void {
    this.piece(position, position + length).then(
      (piece) => callback(null, piece.copy(buffer, offset)),
      callback,
    );
  }

  override _readStreamForRange(start: number, end: number): Readable {
    return Readable.from(this.#pieces(start, end));
  }

  async *#pieces(start: number, end: number): AsyncGenerator<Uint8Array> {
    for (let at = start; at < end; at += mostAtOnce)
      yield await this.#file.read(at, Math.min(end, at + mostAtOnce));
  }
}

/**
 * Opens a zip file and reads what it says of its entries.
 * @throws TangentLabError `corrupt-file` naming the file, also for one with an entry twice or a size that cannot be; `file-system` if it cannot be read.
 */
export async function openZip(path: string): Promise<ZipFile> {
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
  const bytes = await openFile(path);
  const reader = new Reader(bytes);
  const file = await yauzl
    .fromRandomAccessReaderPromise(reader, bytes.size, { autoClose: false, lazyEntries: true })
    .catch(async (cause: unknown) => {
      await bytes.close();
      return failed(cause);
    });
  const close = (): Promise<void> => bytes.close();
  const entries = new Map<string, yauzl.Entry>();
  try {
    for await (const entry of file.eachEntry()) {
      const { fileName, compressedSize, uncompressedSize, compressionMethod } = entry;
      if (fileName.endsWith("/")) continue;
      if (entries.has(fileName)) throw corrupt(`it has ${fileName} twice`);
      const most = compressionMethod === 0 ? compressedSize : mostOfOneByte * compressedSize;
      if (uncompressedSize > most || compressedSize > file.fileSize)
        throw corrupt(`${fileName} declares ${uncompressedSize} bytes, which ${compressedSize} do not hold`);
      entries.set(fileName, entry);
    }
  } catch (cause) {
    await close();
    return failed(cause);
  }
  return {
    names: [...entries.keys()],
    size: file.fileSize,
    sizeOf: (name) => entries.get(name)!.uncompressedSize,
    read: async (name) => {
      const entry = entries.get(name)!;
      try {
        return checked(
          entry,
          (await small(file, reader, entry)) ?? (await streamed(file, entry, corrupt)),
          corrupt,
        );
      } catch (cause) {
        return failed(cause);
      }
    },
    close,
  };
}

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
  const file = await openZip(path);
  try {
    const limit = byteLimit(options, file.size);
    const chosen = choose(file.names);
    const bytes = chosen.reduce((sum, name) => sum + file.sizeOf(name), 0);
    checkDeclared(path, `${bytes} bytes in ${chosen.join(", ")}`, bytes, limit);
    const contents = new Map<string, Uint8Array>();
    for (const name of chosen) contents.set(name, await file.read(name));
    return contents;
  } finally {
    await file.close();
  }
}

/** The content of a small entry, stored or deflated; undefined for others. */
async function small(
  file: yauzl.ZipFile,
  reader: Reader,
  entry: yauzl.Entry,
): Promise<Uint8Array | undefined> {
  const { compressedSize, uncompressedSize, compressionMethod } = entry;
  const plain = !entry.isEncrypted() && (compressionMethod === 0 || compressionMethod === 8);
  if (!plain || uncompressedSize > mostAtOnce || uncompressedSize === 0) return undefined;
  const { fileDataStart } = await file.readLocalFileHeaderPromise(entry, { minimal: true });
  const packed = await reader.piece(fileDataStart, fileDataStart + compressedSize);
  if (compressionMethod === 0) return new Uint8Array(packed); // a piece is a view, which may begin at any byte
  try {
    return inflateRawSync(packed, { maxOutputLength: uncompressedSize });
  } catch (cause) {
    const isTooLong = (cause as NodeJS.ErrnoException).code === "ERR_BUFFER_TOO_LARGE";
    throw isTooLong ? new Error(`${entry.fileName} is longer than it declares`, { cause }) : cause;
  }
}

async function streamed(
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
  return bytes.subarray(0, at);
}

function checked(
  { fileName, uncompressedSize, crc32: expected }: yauzl.Entry,
  bytes: Uint8Array,
  corrupt: (why: string) => TangentLabError,
): Uint8Array {
  if (bytes.length < uncompressedSize) throw corrupt(`${fileName} is shorter than it declares`);
  if (crc32(bytes) !== expected) throw corrupt(`${fileName} has another checksum than it declares`);
  return bytes;
}
