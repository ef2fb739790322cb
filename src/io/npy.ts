import { TangentLabError } from "../errors.js";
import { readBytes } from "./files.js";
import { foreignContent } from "./foreign.js";
import { fromHalf } from "./half.js";
import type { ReadLimit } from "./limits.js";
import { readZip } from "./zip.js";

/** Arrays of numbers of any type that NumPy has, but for complex ones. */
export type NumericArray =
  | Int8Array
  | Uint8Array
  | Int16Array
  | Uint16Array
  | Int32Array
  | Uint32Array
  | BigInt64Array
  | BigUint64Array
  | Float32Array
  | Float64Array;

/** An array as NumPy saves it, row-major. */
export interface NpyArray {
  shape: number[];
  /** float16 comes as Float32Array, bool as Uint8Array of 0 and 1. */
  data: NumericArray;
  /** Whether NumPy's type was bool. */
  isBool?: true;
}

/**
 * Reads an .npy file (NumPy's own format) of integers, booleans or real numbers in C order, of either byte order.
 * @throws TangentLabError `corrupt-file` naming the file if it is not one, or cut short, `file-system` if it cannot be read.
 */
export async function readNpy(path: string): Promise<NpyArray> {
  return decodeNpy(await readBytes(path), path);
}

export interface NpzOptions extends ReadLimit {
  /** Of the names of all arrays, those to read; the others are not looked at. Default all. */
  choose?: (names: readonly string[]) => readonly string[];
}

/**
 * Reads an .npz file: the arrays by name.
 * @throws TangentLabError `corrupt-file` naming the file and the array, `invalid-data` for arrays that take more than `maxBytes` in all, `file-system` if it
 * cannot be read.
 */
export async function readNpz(path: string, options: NpzOptions = {}): Promise<Record<string, NpyArray>> {
  const { choose = (names) => names, ...limit } = options;
  const arrayName = (entry: string): string => entry.replace(/\.npy$/, "");
  const chosen = (entries: readonly string[]): string[] => {
    const byName = new Map(
      entries.filter((entry) => !entry.endsWith("/")).map((entry) => [arrayName(entry), entry]),
    );
    return choose([...byName.keys()]).map((name) => byName.get(name)!);
  };
  const files = await readZip(path, chosen, limit);
  return Object.fromEntries(
    Array.from(files, ([entry, content]) => [arrayName(entry), decodeNpy(content, `${entry} in ${path}`)]),
  );
}

/** "\x93NUMPY", how every .npy file begins. */
const magic = [0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59];

type Decode = (bytes: ArrayBuffer, offset: number, count: number) => NumericArray;

/** NumPy's types by the letter and width of their description. */
const types: Readonly<Record<string, { width: number; decode: Decode }>> = {
  b1: { width: 1, decode: (bytes, at, n) => new Uint8Array(bytes, at, n).map((byte) => Number(byte !== 0)) },
  i1: { width: 1, decode: (bytes, at, n) => new Int8Array(bytes, at, n) },
  u1: { width: 1, decode: (bytes, at, n) => new Uint8Array(bytes, at, n) },
  i2: { width: 2, decode: (bytes, at, n) => new Int16Array(bytes, at, n) },
  u2: { width: 2, decode: (bytes, at, n) => new Uint16Array(bytes, at, n) },
  i4: { width: 4, decode: (bytes, at, n) => new Int32Array(bytes, at, n) },
  u4: { width: 4, decode: (bytes, at, n) => new Uint32Array(bytes, at, n) },
  i8: { width: 8, decode: (bytes, at, n) => new BigInt64Array(bytes, at, n) },
  u8: { width: 8, decode: (bytes, at, n) => new BigUint64Array(bytes, at, n) },
  f2: { width: 2, decode: (bytes, at, n) => Float32Array.from(new Uint16Array(bytes, at, n), fromHalf) },
  f4: { width: 4, decode: (bytes, at, n) => new Float32Array(bytes, at, n) },
  f8: { width: 8, decode: (bytes, at, n) => new Float64Array(bytes, at, n) },
};

/**
 * The array in an .npy file's bytes (https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html). The header is read and compared with the length
 * first; where numbers lie as this machine wants them, they are not copied.
 * @throws TangentLabError `corrupt-file` naming the file.
 */
export function decodeNpy(bytes: Uint8Array, name: string): NpyArray {
  const corrupt = (why: string): TangentLabError =>
    new TangentLabError("corrupt-file", `${name} is not an .npy array that can be read: ${why}`, {
      argument: "path",
    });
  if (magic.some((byte, i) => bytes[i] !== byte)) {
    const foreign = foreignContent(bytes);
    throw corrupt(foreign ?? "it does not begin as one");
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const isFirst = bytes[6] === 1;
  const start = isFirst ? 10 : 12;
  if (bytes.length < start) throw corrupt("it is cut short");
  const begin = start + (isFirst ? view.getUint16(8, true) : view.getUint32(8, true));
  if (begin > bytes.length) throw corrupt("its header is cut short");
  if (begin - start > 65_536) throw corrupt("its header is longer than any that NumPy writes");
  const header = new TextDecoder("latin1").decode(bytes.subarray(start, begin));
  const described = headerOf(header);
  if (typeof described === "string") throw corrupt(described);
  const { order, type, fortranOrder, shape } = described;
  const { width, decode } = types[type]!;
  if (fortranOrder) throw corrupt("it is in Fortran order: save np.ascontiguousarray of it");
  const size = shape.reduce((a, b) => a * b, 1);
  const stored = bytes.length - begin;
  if (stored !== size * width) {
    throw corrupt(`${Math.floor(stored / width)} numbers where shape [${shape}] takes ${size}`);
  }
  const isAligned = (bytes.byteOffset + begin) % width === 0;
  const isSwapped = order === ">" && width > 1;
  let [buffer, offset] = [bytes.buffer as ArrayBuffer, bytes.byteOffset + begin];
  if (!isAligned || isSwapped) {
    buffer = new Uint8Array(bytes.subarray(begin)).buffer;
    offset = 0;
  }
  if (isSwapped) swap(Buffer.from(buffer), width);
  return { shape, data: decode(buffer, offset, size), ...(type === "b1" && { isBool: true }) };
}

/** The dictionary of a header, or what is wrong with it. */
function headerOf(
  text: string,
): { order: string; type: string; fortranOrder: boolean; shape: number[] } | string {
  const description = /'descr'\s*:\s*('[^']*'|\[)/.exec(text)?.[1];
  const fortran = /'fortran_order'\s*:\s*(True|False)/.exec(text)?.[1];
  const sizes = /'shape'\s*:\s*\(([\d\s,L]*)\)/.exec(text)?.[1];
  if (description === undefined || fortran === undefined || sizes === undefined)
    return "its header does not name type, order and shape";
  if (description === "[") return "it holds records, no plain numbers";
  const [, order = "", type = ""] = /^'([<>|=]?)(\w+)'$/.exec(description) ?? [];
  if (!Object.hasOwn(types, type)) {
    const kind = { c: "complex numbers", O: "Python objects", U: "text", S: "text" }[type.charAt(0)];
    return `it holds ${kind ?? "no numbers"} (type ${description})`;
  }
  const shape = sizes
    .split(",")
    .map((part) => part.trim().replace(/L$/, "")) // as Python 2 wrote it
    .filter((part) => part !== "")
    .map(Number);
  if (!shape.every((n) => Number.isSafeInteger(n) && n >= 0)) return `its shape is (${sizes.slice(0, 80)})`;
  return { order, type, fortranOrder: fortran === "True", shape };
}

/** Turns the byte order of every number around. */
function swap(bytes: Buffer, width: number): void {
  if (width === 2) bytes.swap16();
  else if (width === 4) bytes.swap32();
  else bytes.swap64();
}
