import { access, stat } from "node:fs/promises";
import { join } from "node:path";
import { check, TangentLabError } from "../src/errors.js";
import { checkPath } from "../src/io/files.js";
import { byteLimit, type ReadLimit } from "../src/io/limits.js";
import type { Dataset } from "./dataset.js";
import { corrupt, readIdx } from "./idx.js";
import { resizeSquares } from "./resize.js";
import { storedImages } from "./stored.js";

export interface IdxImagesOptions extends ReadLimit {
  /** Height and width, from 4 to 64. Default 16. */
  size?: number;
  /** Default "train": 60,000 images; "test": 10,000. */
  split?: "train" | "test";
}

/**
 * Square grey images of ten classes in a folder of IDX files named like MNIST's, gz or not: images [size, size, 1] in [-1, 1], labels 0 ... 9.
 * @throws TangentLabError `file-system` if there are no files, `corrupt-file` if one is not what it should be.
 */
export async function idxImages(
  name: string,
  folder: string,
  options: IdxImagesOptions,
  classNames?: readonly string[],
): Promise<Dataset> {
  checkPath(folder, "folder");
  byteLimit(options, 0);
  const { size = 16, split = "train" } = options;
  check(Number.isInteger(size) && size >= 4 && size <= 64, "size", size, "an integer from 4 to 64");
  check(split === "train" || split === "test", "split", split, '"train" or "test"');
  const prefix = split === "train" ? "train" : "t10k";
  const imagesPath = await findFile(folder, `${prefix}-images`, "idx3-ubyte");
  const labelsPath = await findFile(folder, `${prefix}-labels`, "idx1-ubyte");

  const images = await readIdx(imagesPath, 3, options);
  const [count, height, width] = images.shape as [number, number, number];
  if (count === 0 || height === 0 || height !== width) {
    throw corrupt(imagesPath, `shape [${images.shape}] where square images are needed`);
  }
  const labels = await readIdx(labelsPath, 1, options);
  if (labels.data.length !== count) {
    throw corrupt(labelsPath, `${labels.data.length} labels for the ${count} images beside it`);
  }
  const outOfRange = labels.data.findIndex((label) => label > 9);
  if (outOfRange >= 0) {
    throw corrupt(labelsPath, `label ${outOfRange} is ${labels.data[outOfRange]}, where 0 to 9 are allowed`);
  }
  return storedImages({
    name,
    shape: [size, size, 1],
    pixels: resizeSquares(images.data, height, size),
    labels: Int32Array.from(labels.data),
    numClasses: 10,
    ...(classNames && { classNames }),
  });
}

/**
 * The path of a file as MNIST's mirrors name it: name-idx3-ubyte or name.idx3-ubyte, with .gz or without. Some archives have a folder of that name beside the
 * file or around it.
 */
async function findFile(folder: string, name: string, type: string): Promise<string> {
  const names = [`${name}-${type}`, `${name}.${type}`].flatMap((each) => [each, `${each}.gz`]);
  for (const inside of [[""], names].flat()) {
    for (const each of names) {
      const path = join(folder, inside, each);
      if (await isFile(path)) return path;
    }
  }
  throw new TangentLabError("file-system", `no file ${name}-${type} in ${folder}`, {
    argument: "folder",
    given: folder,
    allowed: `a folder with one of ${names.join(", ")}`,
  });
}

/** Whether a path, or what it links to, is a file. */
export const isFile = (path: string): Promise<boolean> =>
  stat(path).then(
    (status) => status.isFile(),
    () => false,
  );

export const isThere = (path: string): Promise<boolean> =>
  access(path).then(
    () => true,
    () => false,
  );
