import { readdir, stat } from "node:fs/promises";
import { basename, extname, join, relative, resolve, sep } from "node:path";
import { setImmediate } from "node:timers/promises";
import { check, required, TangentLabError } from "../src/errors.js";
import { type DecodedImage, decodeImage, imageExtensions } from "../src/io/decode-image.js";
import { checkPath, fileSystemError, readBytes } from "../src/io/files.js";
import { resample } from "../src/io/resample.js";
import { cached, digest } from "./cache.js";
import type { Dataset } from "./dataset.js";
import { type Progress, storedImages } from "./stored.js";

export interface ImageFolderOptions {
  /**
   * Height and width, from 4 to 1024: the largest square in the middle of each image is resized to it without aliasing. Default: images stay as they are,
   * and must all be squares of one size.
   */
  size?: number;
  /** 3 (default) is RGB, 1 is grey, the luminance of BT.601. */
  channels?: 1 | 3;
  onProgress?: Progress;
}

/**
 * A folder of PNG and JPEG files: images [size, size, channels] in [-1, 1], transparency over white. Where they lie in subfolders, each of these is a
 * class, in alphabetical order, with whatever is below it. Links to files are followed; files and folders whose names begin with a dot are left aside. What was decoded is kept in the cache folder until a file changes.
 * @throws TangentLabError `file-system` for a folder without images, `invalid-data` for images of several sizes, or both beside and in subfolders,
 * `corrupt-file` naming a file that is no image or not complete.
 */
export async function imageFolder(folder: string, options: ImageFolderOptions = {}): Promise<Dataset> {
  checkPath(folder, "folder");
  required("options", options);
  const { size, channels = 3, onProgress } = options;
  check(
    size === undefined || (Number.isInteger(size) && size >= 4 && size <= 1024),
    "size",
    size,
    "an integer from 4 to 1024",
  );
  check(channels === 1 || channels === 3, "channels", channels, "1 or 3");
  const root = resolve(folder);
  const files = await imageFiles(root);
  const { labels, classNames } = classes(root, files);
  const times = await Promise.all(files.map(async (file) => [file, await timeOf(join(root, file))]));
  const { pixels } = await cached(
    `images-${basename(root)}-${digest([root, size, channels])}`,
    [times, size, channels],
    async () => {
      const decoded = await decodeAll(root, files, size, channels, onProgress);
      const side = Math.sqrt(decoded.length / files.length / channels);
      return { pixels: { shape: [files.length, side, side, channels], data: decoded } };
    },
  );
  const [, height, width] = pixels!.shape as [number, number, number];
  return storedImages({
    name: basename(root),
    shape: [height, width, channels],
    pixels: pixels!.data as Uint8Array,
    ...(labels && { labels, classNames, numClasses: classNames.length }),
  });
}

/** Paths within the folder, sorted. */
async function imageFiles(root: string): Promise<string[]> {
  const entries = await readdir(root, { recursive: true, withFileTypes: true }).catch((cause: unknown) => {
    throw fileSystemError("read", root, cause);
  });
  const files = entries
    .filter((entry) => entry.isFile() || entry.isSymbolicLink())
    .filter((entry) => imageExtensions.includes(extname(entry.name).toLowerCase()))
    .map((entry) => relative(root, join(entry.parentPath, entry.name)))
    // What systems leave beside images ("._a.png", ".Trash") is hidden.
    .filter((file) => !file.split(sep).some((part) => part.startsWith(".")))
    .sort();
  if (files.length > 0) return files;
  throw new TangentLabError("file-system", `no images in ${root}`, {
    argument: "folder",
    given: root,
    allowed: `a folder with files ${imageExtensions.join(", ")} in it or in a subfolder for each class`,
  });
}

/** When a file was changed, in milliseconds. */
async function timeOf(path: string): Promise<number> {
  try {
    return (await stat(path)).mtimeMs;
  } catch (cause) {
    throw fileSystemError("read", path, cause);
  }
}

function classes(
  root: string,
  files: readonly string[],
): { labels?: Int32Array; classNames: readonly string[] } {
  const parents = files.map((file) => (file.includes(sep) ? file.slice(0, file.indexOf(sep)) : undefined));
  const classNames = [...new Set(parents)].filter((name) => name !== undefined).sort();
  if (classNames.length === 0) return { classNames };
  const stray = parents.indexOf(undefined);
  if (stray >= 0) {
    throw new TangentLabError("invalid-data", `${root} has images both in subfolders and beside them`, {
      argument: "folder",
      given: files[stray],
      allowed: "all images in one folder, or each in the subfolder of its class",
    });
  }
  return { labels: Int32Array.from(parents, (name) => classNames.indexOf(name!)), classNames };
}

/** [files, side, side, channels] */
async function decodeAll(
  root: string,
  files: readonly string[],
  size: number | undefined,
  channels: 1 | 3,
  onProgress: Progress | undefined,
): Promise<Uint8Array> {
  let out = new Uint8Array(0);
  let side = size;
  for (const [i, file] of files.entries()) {
    const image = decodeImage(await readBytes(join(root, file)), join(root, file));
    if (size === undefined) checkSize(image, side, join(root, file));
    side ??= image.width;
    const width = side * side * channels;
    if (i === 0) out = new Uint8Array(files.length * width);
    out.set(toChannels(square(image, side), channels), i * width);
    onProgress?.(i + 1, files.length);
    await setImmediate(); // signals have their turn
  }
  return out;
}

function checkSize(image: DecodedImage, side: number | undefined, path: string): void {
  if (image.width === image.height && image.width === (side ?? image.width)) return;
  throw new TangentLabError("invalid-data", `${path} is not of the size of the others`, {
    argument: "size",
    given: `${image.width} x ${image.height} pixels`,
    allowed: `${side === undefined ? "squares" : `${side} x ${side} pixels, as the first image`}, or a \`size\` to crop and resize all to`,
  });
}

/** The largest square in the middle, at `side` x `side`. */
function square(image: DecodedImage, side: number): Uint8Array {
  const { width, height, data } = image;
  const least = Math.min(width, height);
  const [left, top] = [Math.floor((width - least) / 2), Math.floor((height - least) / 2)];
  const crop = new Uint8Array(least * least * 3);
  for (let y = 0; y < least; y++) {
    const start = 3 * ((top + y) * width + left);
    crop.set(data.subarray(start, start + 3 * least), y * least * 3);
  }
  if (least === side) return crop;
  const raster = { data: crop, width: least, height: least, channels: 3 };
  return Uint8Array.from(resample(raster, { width: side, height: side }), Math.round);
}

/** RGB as it is, or its luminance. */
const toChannels = (rgb: Uint8Array, channels: 1 | 3): Uint8Array =>
  channels === 3
    ? rgb
    : Uint8Array.from({ length: rgb.length / 3 }, (_, i) =>
        Math.round(0.299 * rgb[3 * i]! + 0.587 * rgb[3 * i + 1]! + 0.114 * rgb[3 * i + 2]!),
      );
