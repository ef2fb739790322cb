import { check, required, TangentLabError } from "../errors.js";
import { readBytes, writeFileAtomically } from "./files.js";

/** Plain numbers with a shape, row-major. */
export interface StoredArray {
  shape: readonly number[];
  data: Float32Array | Float64Array | Int32Array | BigInt64Array | Uint8Array;
}

export interface Safetensors {
  /** By name, in the order of the file's header. */
  tensors: Record<string, StoredArray>;
  /** The file's `__metadata__`: free text by name. */
  metadata: Record<string, string>;
}

/** The numbers as float32; the array itself where it is. */
export const asFloat32 = (data: StoredArray["data"]): Float32Array =>
  data instanceof Float32Array ? data : Float32Array.from(data as ArrayLike<number>, Number);

/**
 * Reads a safetensors file (https://github.com/huggingface/safetensors#format). F32, F64, I32, I64 and U8 keep their type;
 * F16 and BF16 come as Float32Array, without loss.
 * @throws TangentLabError `corrupt-file` naming the file if anything in it is not as the format asks: header, types,
 * shapes, ranges that overlap, leave gaps or go beyond the end. `file-system` if it cannot be read.
 */
export async function readSafetensors(path: string): Promise<Safetensors> {
  return decodeSafetensors(await readBytes(path), path);
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
  await writeFileAtomically(path, encodeSafetensors(tensors, metadata));
}

/** The bytes of a safetensors file; arrays of wide elements come first, so that each starts at a multiple of its width. */
export function encodeSafetensors(
  tensors: Readonly<Record<string, StoredArray>>,
  metadata: Readonly<Record<string, string>> = {},
): Uint8Array {
  required("tensors", tensors, "arrays by name");
  const offsets = new Map<string, number>();
  const entries = Object.entries(tensors);
  let end = 0;
  for (const [name, { shape, data }] of [...entries].sort(
    ([, a], [, b]) => (b?.data?.BYTES_PER_ELEMENT ?? 0) - (a?.data?.BYTES_PER_ELEMENT ?? 0),
  )) {
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
  const bytes = new Uint8Array(start + end).fill(0x20, 8, start);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(start - 8), true);
  bytes.set(json, 8);
  for (const [name, { data }] of entries) {
    bytes.set(new Uint8Array(data.buffer, data.byteOffset, data.byteLength), start + offsets.get(name)!);
  }
  return bytes;
}

/** The content of a safetensors file's bytes; `name` is what errors call the file. */
export function decodeSafetensors(bytes: Uint8Array, name = "safetensors bytes"): Safetensors {
  const corrupt = (why: string, cause?: unknown): TangentLabError =>
    new TangentLabError("corrupt-file", `${name} is not a valid safetensors file: ${why}`, {
      argument: "path",
      cause,
    });
  if (bytes.length < 8) throw corrupt(`${bytes.length} bytes, shorter than the 8 bytes of a header's length`);
  const headerSize = Number(new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(0, true));
  if (headerSize > bytes.length - 8) {
    throw corrupt(
      pythonFile(bytes, headerSize) ??
        `its header should have ${headerSize} bytes, but ${bytes.length - 8} follow`,
    );
  }
  const content = bytes.subarray(8 + headerSize);
  let header: unknown;
  try {
    header = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes.subarray(8, 8 + headerSize)));
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
      const problem = entryProblem(value, content.length);
      if (problem) throw corrupt(`tensor ${JSON.stringify(key)}: ${problem}`);
      entries.push({ name: key, ...(value as Entry) });
    }
  }

  let covered = 0;
  for (const entry of [...entries].sort(byOffsets)) {
    const [begin, end] = entry.data_offsets;
    if (begin !== covered) {
      const what = begin < covered ? "overlaps the one before" : "leaves a gap to the one before";
      throw corrupt(`tensor ${JSON.stringify(entry.name)} ${what}`);
    }
    covered = end;
  }
  if (covered !== content.length) {
    throw corrupt(`${content.length} bytes of data where the tensors take ${covered}`);
  }

  const tensors = entries.map(({ name: key, dtype, shape, data_offsets: [begin, end] }) => {
    const copy = new Uint8Array(content.subarray(begin, end)); // of its own, aligned; a Buffer's slice() would not copy
    return [key, { shape, data: TYPES[dtype].decode(copy.buffer) }] as const;
  });
  return { tensors: Object.fromEntries(tensors), metadata };
}

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

type DType = "F64" | "F32" | "F16" | "BF16" | "I64" | "I32" | "U8";

interface Entry {
  dtype: DType;
  shape: number[];
  data_offsets: [number, number];
}

/** Typed arrays have the machine's byte order, the format is little-endian: so is every machine that Node runs on today. */
const TYPES: Record<DType, { width: number; decode(bytes: ArrayBufferLike): StoredArray["data"] }> = {
  F64: { width: 8, decode: (bytes) => new Float64Array(bytes) },
  F32: { width: 4, decode: (bytes) => new Float32Array(bytes) },
  F16: { width: 2, decode: (bytes) => Float32Array.from(new Uint16Array(bytes), fromHalf) },
  BF16: {
    width: 2,
    decode: (bytes) =>
      new Float32Array(Uint32Array.from(new Uint16Array(bytes), (bits) => bits << 16).buffer),
  },
  I64: { width: 8, decode: (bytes) => new BigInt64Array(bytes) },
  I32: { width: 4, decode: (bytes) => new Int32Array(bytes) },
  U8: { width: 1, decode: (bytes) => new Uint8Array(bytes) },
};

function typeOf(data: StoredArray["data"]): DType {
  if (data instanceof Float32Array) return "F32";
  if (data instanceof Float64Array) return "F64";
  if (data instanceof Int32Array) return "I32";
  if (data instanceof BigInt64Array) return "I64";
  return "U8";
}

/** IEEE 754 binary16: 1 sign, 5 exponent and 10 fraction bits. */
function fromHalf(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 31;
  const fraction = (bits & 1023) / 1024;
  if (exponent === 0) return sign * fraction * 2 ** -14;
  if (exponent === 31) return fraction ? Number.NaN : sign * Number.POSITIVE_INFINITY;
  return sign * (1 + fraction) * 2 ** (exponent - 15);
}

/** What is wrong with a tensor's entry in the header, or nothing. */
function entryProblem(value: unknown, available: number): string | undefined {
  if (!isObject(value)) return "its entry is not an object";
  const { dtype, shape, data_offsets: range } = value;
  if (typeof dtype !== "string" || !Object.hasOwn(TYPES, dtype)) {
    return `dtype ${JSON.stringify(dtype)} is not one of ${Object.keys(TYPES).join(", ")}`;
  }
  if (!Array.isArray(shape) || !shape.every(isCount))
    return `shape ${JSON.stringify(shape)} is not a list of sizes`;
  if (!Array.isArray(range) || range.length !== 2 || !range.every(isCount) || range[0] > range[1]) {
    return `data_offsets ${JSON.stringify(range)} is not a range`;
  }
  const [begin, end] = range as [number, number];
  if (end > available) return `it ends at byte ${end} of the data, which has ${available}`;
  const size = product(shape) * TYPES[dtype as DType].width;
  if (end - begin !== size) return `${end - begin} bytes where ${dtype} of shape [${shape}] takes ${size}`;
  return undefined;
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

const isCount = (value: unknown): boolean => Number.isSafeInteger(value) && (value as number) >= 0;

const product = (shape: readonly number[]): number => shape.reduce((a, b) => a * b, 1);

const byOffsets = (a: Entry, b: Entry): number =>
  a.data_offsets[0] - b.data_offsets[0] || a.data_offsets[1] - b.data_offsets[1];
