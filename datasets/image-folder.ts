import { basename, join, resolve, sep } from "node:path";
import { setImmediate } from "node:timers/promises";
import { check, required, TangentLabError, warnOnce } from "../src/errors.js";
import { type DecodedImage, decodeImage } from "../src/io/decode-image.js";
import { checkPath } from "../src/io/files.js";
import { imageExtensions } from "../src/io/image-kind.js";
import { allocate, byteLimit, type ReadLimit } from "../src/io/limits.js";
import { resample } from "../src/io/resample.js";
import type { StoredArray } from "../src/io/safetensors.js";
import { digest, keep, readKept } from "./cache.js";
import { checkClassCount } from "./classes.js";
import type { Dataset } from "./dataset.js";
import { type FileState, parseStates, readWithState, unchanged } from "./file-states.js";
import { leftOutText, pictureFiles } from "./picture-files.js";
import { type Progress, storedImages } from "./stored.js";

/** Options of `imageFolder`. */
export interface ImageFolderOptions extends ReadLimit {
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
 * A folder of pictures (PNG, JPEG, WebP, GIF, BMP, AVIF, TIFF): images [size, size, channels] in [-1, 1], turned as their orientation says, transparency over
 * white. Where they lie in subfolders, each of these is a class, in alphabetical order, with everything below it. Links to files and folders are followed;
 * files and folders whose names begin with a dot are ignored, and a warning names what else is left out. What was decoded is kept in the cache folder until the
 * content of a file changes.
 * @throws TangentLabError `file-system` for a folder without images, `invalid-data` for images of several sizes, both beside and in subfolders, or too large to
 * decode (`maxBytes`), `corrupt-file` naming a file that is no image or not complete.
 */
export async function imageFolder(folder: string, options: ImageFolderOptions = {}): Promise<Dataset> {
  checkPath(folder, "folder");
  required("options", options);
  const { size, channels = 3 } = options;
  byteLimit(options, 0);
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
  const pixels = await pixelsOf(root, files, size, channels, options);
  const [, height, width] = pixels.shape as [number, number, number];
  return storedImages({
    name: basename(root),
    shape: [height, width, channels],
    pixels: pixels.data as Uint8Array,
    ...(labels && { labels, classNames, numClasses: classNames.length }),
  });
}

/** The pixels of all files: those that are kept, where no file has changed since, else decoded now. */
async function pixelsOf(
  root: string,
  files: readonly string[],
  size: number | undefined,
  channels: 1 | 3,
  options: ImageFolderOptions,
): Promise<StoredArray> {
  // Names of files have at most 255 bytes.
  const name = `images-${basename(root).slice(0, 60)}-${digest([root, size, channels])}`;
  const kept = await readKept(name);
  const states = parseStates(kept?.metadata.files);
  if (kept?.arrays.pixels && states && (await unchanged(root, files, states))) return kept.arrays.pixels;
  const decoded = await decodeAll(root, files, size, channels, options);
  const side = Math.sqrt(decoded.pixels.length / files.length / channels);
  const pixels = { shape: [files.length, side, side, channels], data: decoded.pixels };
  await keep(name, { arrays: { pixels }, metadata: { files: JSON.stringify(decoded.states) } });
  return pixels;
}

/** Paths within the folder, sorted; says what is left out. */
async function imageFiles(root: string): Promise<string[]> {
  const found = await pictureFiles(root);
  const leftOut = leftOutText(root, found);
  if (found.files.length === 0) {
    throw new TangentLabError("file-system", `no images in ${leftOut ?? root}`, {
      argument: "folder",
      given: root,
      allowed: `a folder with files ${imageExtensions.join(", ")} in it or in a subfolder for each class`,
    });
  }
  const full = new Set(found.files.map((file) => file.slice(0, file.indexOf(sep))));
  const empty = found.folders.filter((folder) => !folder.includes(sep) && !full.has(folder));
  if (leftOut !== undefined) warnOnce(leftOut);
  if (empty.length > 0) warnOnce(`${root}: no picture, and so no class, in ${listed(empty)}`);
  return found.files;
}

/** Some names, and how many more there are. */
const listed = (names: readonly string[], most = 5): string =>
  names.slice(0, most).join(", ") + (names.length > most ? ` and ${names.length - most} more` : "");

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
  checkClassCount(classNames.length, "folder");
  const labels = new Map(classNames.map((name, label) => [name, label]));
  return { labels: Int32Array.from(parents, (name) => labels.get(name!)!), classNames };
}

/** `pixels` [files, side, side, channels], and the files as they were. */
async function decodeAll(
  root: string,
  files: readonly string[],
  size: number | undefined,
  channels: 1 | 3,
  { onProgress, ...options }: ImageFolderOptions,
): Promise<{ pixels: Uint8Array; states: FileState[] }> {
  let pixels = new Uint8Array(0);
  let side = size;
  const states: FileState[] = [];
  for (const [i, name] of files.entries()) {
    const path = join(root, name);
    const { bytes, state } = readWithState(root, name);
    states.push(state);
    const image = await decodeImage(bytes, path, options);
    if (size === undefined) checkSize(image, side, path);
    side ??= image.width;
    const width = side * side * channels;
    if (i === 0) {
      const length = files.length * width;
      pixels = allocate(root, length, () => new Uint8Array(length));
    }
    pixels.set(toChannels(square(image, side), channels), i * width);
    onProgress?.(i + 1, files.length);
    await setImmediate(); // signals have their turn
  }
  return { pixels, states };
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
  if (width === height && width === side) return data;
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
