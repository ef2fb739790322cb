import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { setImmediate } from "node:timers/promises";
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
  /** Stops reading: what loads the set is then rejected with the signal's reason. */
  signal?: AbortSignal;
}

const side = 32;
const area = side * side;
const pixelBytes = 3 * area;

/**
 * CIFAR-10 (Krizhevsky 2009) in its binary version: RGB images [size, size, 3] in [-1, 1] of ten classes.
 * @param folder with data_batch_1.bin ... data_batch_5.bin and test_batch.bin, or the one above it (cifar-10-batches-bin lies in it). Whichever
 * batches are there are read; batches.meta.txt, where it is there, names the classes.
 * @throws TangentLabError `file-system` if there are no batches, `corrupt-file` for one that is not made of records of 3,073 bytes.
 */
export async function cifar10(folder: string, options: Cifar10Options = {}): Promise<Dataset> {
  checkPath(folder, "folder");
  return cifarImages(folder, required("options", options), {
    name: "cifar-10",
    set: "CIFAR-10",
    inner: "cifar-10-batches-bin",
    labelCounts: [10],
    label: 0,
    names: "batches.meta.txt",
    files: { train: /^data_batch_\d+\.bin$/, test: /^test_batch\.bin$/ },
    described: { train: "data_batch_1.bin ... data_batch_5.bin", test: "test_batch.bin" },
  });
}

/** How one of the two sets is stored: records of labels and three planes of pixels. */
export interface CifarLayout {
  /** Of the dataset. */
  name: string;
  /** For errors. */
  set: "CIFAR-10" | "CIFAR-100";
  /** The folder that its archive makes. */
  inner: string;
  /** How many classes each label of a record has. */
  labelCounts: readonly number[];
  /** Which of the labels is taken. */
  label: number;
  /** The file with the names of its classes. */
  names: string;
  files: Readonly<Record<"train" | "test", RegExp>>;
  /** The same for errors. */
  described: Readonly<Record<"train" | "test", string>>;
}

/** The images of CIFAR-10 or CIFAR-100. */
export async function cifarImages(
  folder: string,
  options: Cifar10Options,
  layout: CifarLayout,
): Promise<Dataset> {
  const { size = side, split = "train", onProgress } = options;
  check(Number.isInteger(size) && size >= 4 && size <= side, "size", size, `an integer from 4 to ${side}`);
  check(split === "train" || split === "test", "split", split, '"train" or "test"');
  const inner = join(folder, layout.inner);
  const where = (await isThere(inner)) ? inner : folder;
  const labelBytes = layout.labelCounts.length;
  const recordBytes = labelBytes + pixelBytes;
  const batches: Uint8Array[] = [];
  for (const name of await batchNames(where, split, layout)) {
    const path = join(where, name);
    batches.push(checkedBatch(await readBytes(path), path, layout));
  }
  const count = batches.reduce((sum, batch) => sum + batch.length / recordBytes, 0);
  const width = size * size * 3;
  const pixels = new Uint8Array(count * width);
  const labels = new Int32Array(count);
  let index = 0;
  for (const batch of batches) {
    for (let start = 0; start < batch.length; start += recordBytes, index++) {
      labels[index] = batch[start + layout.label]!;
      const image = interleaved(batch.subarray(start + labelBytes, start + recordBytes));
      pixels.set(size === side ? image : averaged(image, size), index * width);
      if (index % 1000 !== 999) continue;
      onProgress?.(index + 1, count);
      await setImmediate(); // signals have their turn
      options.signal?.throwIfAborted();
    }
  }
  onProgress?.(count, count);
  const numClasses = layout.labelCounts[layout.label]!;
  const names = await classNames(where, layout, numClasses);
  return storedImages({
    name: layout.name,
    shape: [size, size, 3],
    pixels,
    labels,
    numClasses,
    ...(names && { classNames: names }),
  });
}

async function batchNames(
  folder: string,
  split: "train" | "test",
  { set, files, described }: CifarLayout,
): Promise<string[]> {
  const entries = await readdir(folder, { withFileTypes: true }).catch((cause: unknown) => {
    throw fileSystemError("read", folder, cause);
  });
  const names: string[] = [];
  for (const { name } of entries)
    if (files[split].test(name) && (await isFile(join(folder, name)))) names.push(name);
  names.sort();
  if (names.length > 0) return names;
  throw new TangentLabError("file-system", `no batches of ${set} in ${folder}`, {
    argument: "folder",
    given: folder,
    allowed: `a folder with ${described[split]}, the binary version`,
  });
}

function checkedBatch(bytes: Uint8Array, path: string, { set, labelCounts }: CifarLayout): Uint8Array {
  const recordBytes = labelCounts.length + pixelBytes;
  if (bytes.length === 0 || bytes.length % recordBytes !== 0)
    throw corrupt(set, path, `${bytes.length} bytes, not a multiple of ${recordBytes}`);
  for (let start = 0; start < bytes.length; start += recordBytes) {
    for (const [i, count] of labelCounts.entries()) {
      const label = bytes[start + i]!;
      if (label >= count)
        throw corrupt(
          set,
          path,
          `label ${start / recordBytes} is ${label}, where 0 to ${count - 1} are allowed`,
        );
    }
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

async function classNames(
  folder: string,
  { set, names }: CifarLayout,
  count: number,
): Promise<string[] | undefined> {
  const path = join(folder, names);
  if (!(await isThere(path))) return undefined;
  const lines = new TextDecoder()
    .decode(await readBytes(path))
    .split("\n")
    .map((line) => line.trim())
    .filter(Boolean);
  if (lines.length !== count)
    throw corrupt(set, path, `${lines.length} names of classes instead of ${count}`);
  return lines;
}

const corrupt = (set: string, path: string, why: string): TangentLabError =>
  new TangentLabError("corrupt-file", `${path} is not a file of ${set}'s binary version: ${why}`, {
    argument: "folder",
  });
