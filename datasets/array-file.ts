import { basename, extname } from "node:path";
import { check, required, TangentLabError } from "../src/errors.js";
import { checkPath } from "../src/io/files.js";
import { type NpyArray, readNpy, readNpz } from "../src/io/npy.js";
import { checkedLabels, fromArray } from "./arrays.js";
import type { Dataset } from "./dataset.js";
import { storedImages } from "./stored.js";

/** Under which names the arrays of an .npz are looked for, in this order. */
const imageNames = ["images", "x", "x_train", "data", "arr_0"] as const;
const labelNames = ["labels", "label", "y", "y_train", "arr_1"] as const;

export interface ArrayFileOptions {
  /**
   * What black and white are in images of real numbers. Default [-1, 1]; needed where no number is below 0, as it is in [0, 1]. Not for images of uint8,
   * which are 0 ... 255, nor for points.
   */
  range?: readonly [number, number];
}

/**
 * Images or points from NumPy: an .npy file, or an .npz file with the arrays `images` (or x, x_train, data, arr_0) and, where classes are known, `labels` (or
 * label, y, y_train, arr_1).
 *
 * Images are uint8 or real, [count, height, width] or [count, height, width, channels] with 1 or 3 channels; points are real, [count, dim].
 * @throws TangentLabError `corrupt-file` for what is no such file, `invalid-data` for other types and shapes, numbers that are not finite or outside of
 * `range`, and labels that do not fit, `invalid-argument` for a `range` that is missing or not to be, `file-system` if it cannot be read.
 */
export async function arrayFile(path: string, options: ArrayFileOptions = {}): Promise<Dataset> {
  checkPath(path);
  required("options", options);
  const { range: [low, high] = [-1, 1] } = options;
  check(
    Number.isFinite(low) && Number.isFinite(high) && low < high,
    "range",
    [low, high],
    "two finite numbers, the lower first",
  );
  const extension = extname(path).toLowerCase();
  check(extension === ".npy" || extension === ".npz", "path", path, "a file .npy or .npz");
  const { images, labels } = await readArrays(path, extension === ".npz");
  const name = basename(path, extname(path));
  const [count, ...rest] = images.shape;
  const shape = rest.length === 2 ? [...rest, 1] : rest;
  const isImage = shape.length === 3 && (shape[2] === 1 || shape[2] === 3);
  if (!count || !shape.every((n) => n > 0) || !(isImage || shape.length === 1)) {
    throw invalid(path, `[${images.shape}]`, "a shape [count, dim], [count, h, w] or [count, h, w, 1 or 3]");
  }
  const classes = labels && integers(labels, path);
  const { data } = images;
  const hasRange = isImage && !(data instanceof Uint8Array);
  check(options.range === undefined || hasRange, "range", options.range, "only for images of real numbers");
  if (data instanceof Uint8Array && isImage) {
    const known = classes && checkedLabels(classes, count);
    return storedImages({ name, shape: shape as [number, number, number], pixels: data, ...known });
  }
  if (!(data instanceof Float32Array || data instanceof Float64Array)) {
    throw invalid(path, data.constructor.name, "images of uint8, float32 or float64, points of floats");
  }
  // Images in [0, 1] would else be read, without a word, as ones that have no dark pixel.
  const dark = !isImage || options.range !== undefined || data.some((value) => !(value >= 0));
  check(
    dark,
    "range",
    options.range,
    `what black and white are in ${path}, such as [0, 1]: no number there is below 0`,
  );
  const scale = isImage ? 2 / (high - low) : 1;
  const shift = isImage ? low : 0;
  const offset = isImage ? -1 : 0;
  // Rounding must not push white beyond 1; what was outside of the range stays there and is found.
  const values = Float32Array.from(data as Float32Array, (value) => (value - shift) * scale + offset);
  return fromArray(values, shape, classes, name);
}

async function readArrays(path: string, isZip: boolean): Promise<{ images: NpyArray; labels?: NpyArray }> {
  if (!isZip) return { images: await readNpy(path) };
  const arrays = await readNpz(path);
  const images = imageNames.find((name) => Object.hasOwn(arrays, name));
  const labels = labelNames.find((name) => Object.hasOwn(arrays, name));
  if (images === undefined) {
    throw invalid(path, Object.keys(arrays), `an array called ${imageNames.join(", ")}`);
  }
  return { images: arrays[images]!, ...(labels && { labels: arrays[labels]! }) };
}

function integers({ data, shape }: NpyArray, path: string): number[] {
  if (shape.length !== 1) throw invalid(path, `labels [${shape}]`, "labels [count]");
  return Array.from(data as ArrayLike<number | bigint>, Number);
}

const invalid = (path: string, given: unknown, allowed: string): TangentLabError =>
  new TangentLabError("invalid-data", `${path} holds no images or points`, {
    argument: "path",
    given,
    allowed,
  });
