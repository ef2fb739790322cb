import { check, required, TangentLabError } from "../errors.js";
import { withFile, writeFileAtomically } from "./files.js";
import { foreignContent } from "./foreign.js";
import { fromE4M3, fromE5M2, fromHalf } from "./half.js";

/** Plain numbers with a shape, row-major. */
export interface StoredArray {
  shape: readonly number[];
  data:
    | Float32Array
    | Float64Array
    | Int8Array
    | Int16Array
    | Int32Array
    | BigInt64Array
    | Uint8Array
    | Uint16Array
    | Uint32Array
    | BigUint64Array;
}

/** What a safetensors file holds. */
export interface Safetensors {
  /** By name, in the order of the file's header. */
  tensors: Record<string, StoredArray>;
  /** The file's `__metadata__`: free text by name. */
  metadata: Record<string, string>;
  /** The types of tensors that cannot be read (F4, complex numbers and such), by name; only where there are any. */
  unread?: Record<string, string>;
}

/** How many numbers tensors have together. */
export const sizeOf = (tensors: Readonly<Record<string, StoredArray>>): number =>
  Object.values(tensors).reduce((sum, { data }) => sum + data.length, 0);

/** The numbers as float32; the array itself where it is. */
export const asFloat32 = (data: StoredArray["data"]): Float32Array =>
  data instanceof Float32Array ? data : Float32Array.from(data as ArrayLike<number>, Number);

/**
 * Reads a safetensors file (https://github.com/huggingface/safetensors#format), the header first and then tensor by tensor. Integers, F32 and F64 keep their
 * type; F16, BF16, F8_E4M3 and F8_E5M2 come as Float32Array, without loss; BOOL as Uint8Array of 0 and 1. Tensors of other types are left out and named in
 * `unread`.
 * @throws TangentLabError `corrupt-file` naming the file if anything in it is not as the format asks: header, types,
 * shapes, ranges that overlap, leave gaps or go beyond the end. `file-system` if it cannot be read.
 */
export function readSafetensors(path: string): Promise<Safetensors> {
  return withFile(path, async (file) => {
    const size = headerSize(await file.read(0, Math.min(file.size, 512)), file.size, path);
    const header = parseHeader(await file.read(8, 8 + size), file.size - 8 - size, path);
    const tensors: Record<string, StoredArray> = {};
    for (const { name, dtype, shape, data_offsets: range } of header.entries) {
      const [begin, end] = range.map((offset) => 8 + size + offset) as [number, number];
      const bytes = await file.read(begin, end);
      define(tensors, name, { shape, data: types[dtype]!.decode!(bytes.buffer as ArrayBuffer) });
    }
    return contents(tensors, header);
  });
}

/**
 * Writes a safetensors file, beside its place and renamed.
 * @throws TangentLabError `invalid-argument` if a shape does not fit its data, `file-system` if it cannot be written.
 */
export async function writeSafetensors(
  path: string,
  tensors: Readonly<Record<string, StoredArray>>,
  metadata: Readonly<Record<string, string>> = {},
): Promise<void> {
  const parts = safetensorsParts(tensors, metadata) as Uint8Array<ArrayBuffer>[];
  await writeFileAtomically(path, parts);
}

/** The bytes of a safetensors file. */
export function encodeSafetensors(
  tensors: Readonly<Record<string, StoredArray>>,
  metadata: Readonly<Record<string, string>> = {},
): Uint8Array {
  const parts = safetensorsParts(tensors, metadata);
  const bytes = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}

/**
 * A safetensors file as its header and the arrays themselves, which are not copied; those of wide elements come first, so that each starts at a multiple of its
 * width.
 */
export function safetensorsParts(
  tensors: Readonly<Record<string, StoredArray>>,
  metadata: Readonly<Record<string, string>> = {},
): Uint8Array[] {
  required("tensors", tensors, "arrays by name");
  const offsets = new Map<string, number>();
  const entries = Object.entries(tensors);
  const inOrder = [...entries].sort(
    ([, a], [, b]) => (b?.data?.BYTES_PER_ELEMENT ?? 0) - (a?.data?.BYTES_PER_ELEMENT ?? 0),
  );
  let end = 0;
  for (const [name, { shape, data }] of inOrder) {
    check(name !== METADATA, "tensors", name, `any name but ${METADATA}`);
    const isArray = Array.isArray(shape) && ArrayBuffer.isView(data);
    check(isArray, `tensors[${JSON.stringify(name)}]`, { shape, data }, "an array { shape, data }");
    check(
      shape.every(isCount) && product(shape) === data.length,
      `tensors[${JSON.stringify(name)}].shape`,
      shape,
      `a shape of ${data.length} elements`,
    );
    offsets.set(name, end);
    end += data.byteLength;
  }
  const header: [string, unknown][] = entries.map(([name, { shape, data }]) => {
    const begin = offsets.get(name)!;
    return [name, { dtype: typeOf(data), shape, data_offsets: [begin, begin + data.byteLength] }];
  });
  if (Object.keys(metadata).length > 0) header.unshift([METADATA, metadata]);
  const json = new TextEncoder().encode(JSON.stringify(Object.fromEntries(header)));
  const start = 8 + Math.ceil(json.length / 8) * 8;
  const head = new Uint8Array(start).fill(0x20, 8);
  new DataView(head.buffer).setBigUint64(0, BigInt(start - 8), true);
  head.set(json, 8);
  const arrays = inOrder.map(
    ([, { data }]) => new Uint8Array(data.buffer as ArrayBuffer, data.byteOffset, data.byteLength),
  );
  return [head, ...arrays];
}

/** The content of a safetensors file's bytes; `name` is what errors call the file. */
export function decodeSafetensors(bytes: Uint8Array, name = "safetensors bytes"): Safetensors {
  const size = headerSize(bytes, bytes.length, name);
  const content = bytes.subarray(8 + size);
  const header = parseHeader(bytes.subarray(8, 8 + size), content.length, name);
  const tensors: Record<string, StoredArray> = {};
  for (const { name, dtype, shape, data_offsets: range } of header.entries) {
    const copy = new Uint8Array(content.subarray(...range)); // of its own, aligned; a Buffer's slice() would not copy
    define(tensors, name, { shape, data: types[dtype]!.decode!(copy.buffer) });
  }
  return contents(tensors, header);
}

const contents = (tensors: Record<string, StoredArray>, { metadata, unread }: Header): Safetensors => ({
  tensors,
  metadata,
  ...(Object.keys(unread).length > 0 && { unread }),
});

/** Sets a property of any name: `__proto__` too is a name like another. */
const define = <T>(target: Record<string, T>, name: string, value: T): void => {
  Object.defineProperty(target, name, { value, enumerable: true, configurable: true, writable: true });
};

const corruptFile = (name: string, why: string, cause?: unknown): TangentLabError =>
  new TangentLabError("corrupt-file", `${name} is not a valid safetensors file: ${why}`, {
    argument: "path",
    cause,
  });

/** The length of the header of a file of `fileSize` bytes, of which `bytes` are the first ones. */
function headerSize(bytes: Uint8Array, fileSize: number, name: string): number {
  if (fileSize < 8)
    throw corruptFile(
      name,
      foreignContent(bytes) ?? `${fileSize} bytes, shorter than the 8 bytes of a header's length`,
    );
  const size = Number(new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(0, true));
  if (size <= fileSize - 8 && size <= mostHeaderBytes) return size;
  throw corruptFile(
    name,
    pythonFile(bytes, size) ??
      foreignContent(bytes) ??
      (size <= fileSize - 8
        ? `its header has ${size} bytes, more than the ${mostHeaderBytes} that the format allows`
        : `its header should have ${size} bytes, but ${fileSize - 8} follow`),
  );
}

interface Header {
  metadata: Record<string, string>;
  /** What can be read. */
  entries: ({ name: string } & Entry)[];
  /** Types that cannot, by name. */
  unread: Record<string, string>;
}

function parseHeader(json: Uint8Array, dataSize: number, name: string): Header {
  const corrupt = (why: string, cause?: unknown): TangentLabError => corruptFile(name, why, cause);
  let header: unknown;
  try {
    header = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(json));
  } catch (cause) {
    throw corrupt("its header is not JSON text", cause);
  }
  if (!isObject(header)) throw corrupt("its header is not a JSON object");

  let metadata: Record<string, string> = {};
  const entries: ({ name: string } & Entry)[] = [];
  for (const [key, value] of Object.entries(header)) {
    if (key === METADATA) {
      if (!isObject(value) || !Object.values(value).every((text) => typeof text === "string")) {
        throw corrupt(`${METADATA} is not an object of strings`);
      }
      metadata = value as Record<string, string>;
    } else {
      const problem = entryProblem(value, dataSize);
      if (problem) throw corrupt(`tensor ${quoted(key)}: ${problem}`);
      entries.push({ name: key, ...(value as Entry) });
    }
  }

  let covered = 0;
  for (const entry of [...entries].sort(byOffsets)) {
    const [begin, end] = entry.data_offsets;
    if (begin !== covered) {
      const what = begin < covered ? "overlaps the one before" : "leaves a gap to the one before";
      throw corrupt(`tensor ${quoted(entry.name)} ${what}`);
    }
    covered = end;
  }
  if (covered !== dataSize) throw corrupt(`${dataSize} bytes of data where the tensors take ${covered}`);

  const isReadable = ({ dtype }: Entry): boolean => types[dtype]!.decode !== undefined;
  const unread: Record<string, string> = {};
  for (const entry of entries) if (!isReadable(entry)) define(unread, entry.name, entry.dtype);
  return { metadata, entries: entries.filter(isReadable), unread };
}

/** A name or value of a file, as JSON, for an error: not more of it than one can read. */
function quoted(value: unknown): string {
  try {
    const text = JSON.stringify(value) ?? "undefined";
    return text.length > 80 ? `${text.slice(0, 77)}...` : text;
  } catch {
    return "nested too deep to show";
  }
}

/** Of the format's reference implementation. */
const mostHeaderBytes = 100_000_000;

/** What to do with PyTorch's own files. Read as a header's length, how pickles and zip files begin is more than any header has. */
function pythonFile(bytes: Uint8Array, headerSize: number): string | undefined {
  if (headerSize < 1e8) return undefined;
  const kind = bytes[0] === 0x80 ? "pickle" : bytes[0] === 0x50 && bytes[1] === 0x4b ? "zip file" : undefined;
  return (
    kind &&
    `it is a ${kind}; docs/weights.md has a line of Python that turns PyTorch's files into safetensors`
  );
}

const METADATA = "__metadata__";

interface Entry {
  dtype: string;
  shape: number[];
  data_offsets: [number, number];
}

type Decode = (bytes: ArrayBuffer) => StoredArray["data"];

/**
 * The format's types: the bits of a number, and how it is read, where that is possible. Typed arrays have the machine's byte order, the format is
 * little-endian: so is every machine that Node runs on today.
 */
const types: Readonly<Record<string, { bits: number; decode?: Decode }>> = {
  F64: { bits: 64, decode: (bytes) => new Float64Array(bytes) },
  F32: { bits: 32, decode: (bytes) => new Float32Array(bytes) },
  F16: { bits: 16, decode: (bytes) => Float32Array.from(new Uint16Array(bytes), fromHalf) },
  BF16: {
    bits: 16,
    decode: (bytes) =>
      new Float32Array(Uint32Array.from(new Uint16Array(bytes), (bits) => bits << 16).buffer),
  },
  F8_E4M3: { bits: 8, decode: (bytes) => Float32Array.from(new Uint8Array(bytes), fromE4M3) },
  F8_E5M2: { bits: 8, decode: (bytes) => Float32Array.from(new Uint8Array(bytes), fromE5M2) },
  I64: { bits: 64, decode: (bytes) => new BigInt64Array(bytes) },
  I32: { bits: 32, decode: (bytes) => new Int32Array(bytes) },
  I16: { bits: 16, decode: (bytes) => new Int16Array(bytes) },
  I8: { bits: 8, decode: (bytes) => new Int8Array(bytes) },
  U64: { bits: 64, decode: (bytes) => new BigUint64Array(bytes) },
  U32: { bits: 32, decode: (bytes) => new Uint32Array(bytes) },
  U16: { bits: 16, decode: (bytes) => new Uint16Array(bytes) },
  U8: { bits: 8, decode: (bytes) => new Uint8Array(bytes) },
  BOOL: { bits: 8, decode: (bytes) => new Uint8Array(bytes).map((byte) => Number(byte !== 0)) },
  F8_E8M0: { bits: 8 },
  F6_E2M3: { bits: 6 },
  F6_E3M2: { bits: 6 },
  F4: { bits: 4 },
  C64: { bits: 64 },
};

const typeNames = new Map<unknown, string>([
  [Float32Array, "F32"],
  [Float64Array, "F64"],
  [Int8Array, "I8"],
  [Int16Array, "I16"],
  [Int32Array, "I32"],
  [BigInt64Array, "I64"],
  [Uint16Array, "U16"],
  [Uint32Array, "U32"],
  [BigUint64Array, "U64"],
]);

/** The type of an array; bytes, also in a Buffer, are U8. */
const typeOf = (data: StoredArray["data"]): string => typeNames.get(data.constructor) ?? "U8";

/** What is wrong with a tensor's entry in the header, or nothing. */
function entryProblem(value: unknown, available: number): string | undefined {
  if (!isObject(value)) return "its entry is not an object";
  const { dtype, shape, data_offsets: range } = value;
  if (typeof dtype !== "string" || !Object.hasOwn(types, dtype)) {
    return `dtype ${quoted(dtype)} is not one of ${Object.keys(types).join(", ")}`;
  }
  if (!Array.isArray(shape) || !shape.every(isCount)) return `shape ${quoted(shape)} is not a list of sizes`;
  if (!Array.isArray(range) || range.length !== 2 || !range.every(isCount) || range[0] > range[1]) {
    return `data_offsets ${quoted(range)} is not a range`;
  }
  const [begin, end] = range as [number, number];
  if (end > available) return `it ends at byte ${end} of the data, which has ${available}`;
  const size = (product(shape) * types[dtype]!.bits) / 8;
  if (end - begin !== size)
    return `${end - begin} bytes where ${dtype} of shape ${quoted(shape)} takes ${size}`;
  return undefined;
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

const isCount = (value: unknown): boolean => Number.isSafeInteger(value) && (value as number) >= 0;

const product = (shape: readonly number[]): number => shape.reduce((a, b) => a * b, 1);

const byOffsets = (a: Entry, b: Entry): number =>
  a.data_offsets[0] - b.data_offsets[0] || a.data_offsets[1] - b.data_offsets[1];
