import { unzipSync } from "fflate";
import { parse, type TypedArray } from "npyjs";
import { TangentLabError } from "../errors.js";
import { readBytes } from "./files.js";

/** An array as NumPy saves it, row-major. */
export interface NpyArray {
  shape: number[];
  data: TypedArray;
}

/**
 * Reads an .npy file (NumPy's own format) of integers or real numbers, little-endian and in C order.
 * @throws TangentLabError `corrupt-file` naming the file if it is not one, or cut short, `file-system` if it cannot be read.
 */
export async function readNpy(path: string): Promise<NpyArray> {
  return decodeNpy(await readBytes(path), path);
}

/**
 * Reads an .npz file: the arrays by name.
 * @throws TangentLabError `corrupt-file` naming the file and the array, `file-system` if it cannot be read.
 */
export async function readNpz(path: string): Promise<Record<string, NpyArray>> {
  const bytes = await readBytes(path);
  let files: Record<string, Uint8Array>;
  try {
    files = unzipSync(bytes);
  } catch (cause) {
    throw corrupt(path, `it is no complete zip file (${(cause as Error).message})`, cause);
  }
  return Object.fromEntries(
    Object.entries(files).map(([name, content]) => [
      name.replace(/\.npy$/, ""),
      decodeNpy(content, `${name} in ${path}`),
    ]),
  );
}

/** "\x93NUMPY", how every .npy file begins. */
const MAGIC = [0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59];

/** The array in an .npy file's bytes. @throws TangentLabError `corrupt-file` naming the file. */
export function decodeNpy(bytes: Uint8Array, name: string): NpyArray {
  if (MAGIC.some((byte, i) => bytes[i] !== byte)) throw corrupt(name, "it does not begin as one");
  let array: ReturnType<typeof parse>;
  try {
    array = parse(new Uint8Array(bytes).buffer);
  } catch (cause) {
    throw corrupt(name, (cause as Error).message, cause);
  }
  const { shape, fortranOrder } = array;
  const data = array.data as TypedArray | unknown[];
  const size = shape.reduce((a, b) => a * b, 1);
  if (Array.isArray(data)) throw corrupt(name, "it holds no numbers");
  if (fortranOrder) throw corrupt(name, "it is in Fortran order: save np.ascontiguousarray of it");
  if (data.length !== size)
    throw corrupt(name, `${data.length} numbers where shape [${shape}] takes ${size}`);
  return { shape, data };
}

const corrupt = (name: string, why: string, cause?: unknown): TangentLabError =>
  new TangentLabError("corrupt-file", `${name} is not an .npy array that can be read: ${why}`, {
    argument: "path",
    cause,
  });
