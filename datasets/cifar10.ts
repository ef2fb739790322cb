import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { check, required, TangentLabError } from "../src/errors.js";
import { checkPath, fileSystemError, readBytes } from "../src/io/files.js";
import { resample } from "../src/io/resample.js";
import type { Dataset } from "./dataset.js";
import { isFile, isThere } from "./idx-images.js";
import { type Progress, storedImages } from "./stored.js";

/** Options of `cifar10`. */
export interface Cifar10Options {
  /** Height and width, from 4 to 32 (default): smaller ones are averaged. */
  size?: number;
  /** Default "train": data_batch_*.bin; "test": test_batch.bin. */
  split?: "train" | "test";
  onProgress?: Progress;
}

const side = 32;
const area = side * side;
/** A label and three planes of pixels. */
const recordBytes = 1 + 3 * area;

/**
 * CIFAR-10 (Krizhevsky 2009) in its binary version: RGB images [size, size, 3] in [-1, 1] of ten classes.
 * @param folder with data_batch_1.bin ... data_batch_5.bin and test_batch.bin, or the one above it (cifar-10-batches-bin lies in it). Whichever
 * batches are there are read; batches.meta.txt, where it is there, names the classes.
 * @throws TangentLabError `file-system` if there are no batches, `corrupt-file` for one that is not made of records of 3,073 bytes.
 */
export async function cifar10(folder: string, options: Cifar10Options = {}): Promise<Dataset> {
  checkPath(folder, "folder");
  required("options", options);
  const { size = side, split = "train", onProgress } = options;
  check(Number.isInteger(size) && size >= 4 && size <= side, "size", size, `an integer from 4 to ${side}`);
  check(split === "train" || split === "test", "split", split, '"train" or "test"');
  const inner = join(folder, "cifar-10-batches-bin");
  const where = (await isThere(inner)) ? inner : folder;
  const batches: Uint8Array[] = [];
  for (const name of await batchNames(where, split)) {
    const path = join(where, name);
    batches.push(checkedBatch(await readBytes(path), path));
  }
  const count = batches.reduce((sum, batch) => sum + batch.length / recordBytes, 0);
  const width = size * size * 3;
  const pixels = new Uint8Array(count * width);
  const labels = new Int32Array(count);
  let index = 0;
  for (const batch of batches) {
    for (let start = 0; start < batch.length; start += recordBytes, index++) {
      labels[index] = batch[start]!;
      const image = interleaved(batch.subarray(start + 1, start + recordBytes));
      pixels.set(size === side ? image : averaged(image, size), index * width);
      if (index % 1000 === 999) onProgress?.(index + 1, count);
    }
  }
  onProgress?.(count, count);
  const names = await classNames(where);
  return storedImages({
    name: "cifar-10",
    shape: [size, size, 3],
    pixels,
    labels,
    numClasses: 10,
    ...(names && { classNames: names }),
  });
}

async function batchNames(folder: string, split: "train" | "test"): Promise<string[]> {
  const pattern = split === "train" ? /^data_batch_\d+\.bin$/ : /^test_batch\.bin$/;
  const entries = await readdir(folder, { withFileTypes: true }).catch((cause: unknown) => {
    throw fileSystemError("read", folder, cause);
  });
  const names: string[] = [];
  for (const { name } of entries)
    if (pattern.test(name) && (await isFile(join(folder, name)))) names.push(name);
  names.sort();
  if (names.length > 0) return names;
  throw new TangentLabError("file-system", `no batches of CIFAR-10 in ${folder}`, {
    argument: "folder",
    given: folder,
    allowed: `a folder with ${split === "train" ? "data_batch_1.bin ... data_batch_5.bin" : "test_batch.bin"}, the binary version`,
  });
}

function checkedBatch(bytes: Uint8Array, path: string): Uint8Array {
  if (bytes.length === 0 || bytes.length % recordBytes !== 0)
    throw corrupt(path, `${bytes.length} bytes, not a multiple of ${recordBytes}`);
  for (let start = 0; start < bytes.length; start += recordBytes) {
    if (bytes[start]! > 9)
      throw corrupt(path, `label ${start / recordBytes} is ${bytes[start]}, where 0 to 9 are allowed`);
  }
  return bytes;
}

/** Red, green and blue planes as RGB pixels. */
function interleaved(planes: Uint8Array): Uint8Array {
  const out = new Uint8Array(planes.length);
  for (let i = 0; i < area; i++) for (let c = 0; c < 3; c++) out[3 * i + c] = planes[c * area + i]!;
  return out;
}

const averaged = (image: Uint8Array, size: number): Uint8Array =>
  Uint8Array.from(
    resample({ data: image, width: side, height: side, channels: 3 }, { width: size, height: size }),
    Math.round,
  );

async function classNames(folder: string): Promise<string[] | undefined> {
  const path = join(folder, "batches.meta.txt");
  if (!(await isThere(path))) return undefined;
  const names = new TextDecoder()
    .decode(await readBytes(path))
    .split("\n")
    .map((line) => line.trim())
    .filter(Boolean);
  if (names.length !== 10) throw corrupt(path, `${names.length} names of classes instead of 10`);
  return names;
}

const corrupt = (path: string, why: string): TangentLabError =>
  new TangentLabError("corrupt-file", `${path} is not a file of CIFAR-10's binary version: ${why}`, {
    argument: "folder",
  });
