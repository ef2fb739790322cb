import { basename, extname } from "node:path";
import { check, required, TangentLabError } from "../src/errors.js";
import { checkPath } from "../src/io/files.js";
import { allocate, type ReadLimit } from "../src/io/limits.js";
import { type NpyArray, type NumericArray, readNpy, readNpz } from "../src/io/npy.js";
import { fromArray } from "./arrays.js";
import { classesOf } from "./classes.js";
import type { Dataset } from "./dataset.js";
import { storedImages } from "./stored.js";

/** Names under which the arrays of an .npz are looked up, in this order. */
const imageNames = ["images", "x", "x_train", "data", "arr_0"] as const;
const labelNames = ["labels", "label", "y", "y_train", "arr_1"] as const;

/** Options of `arrayFile`. */
export interface ArrayFileOptions extends ReadLimit {
  /**
   * What black and white are in images of real numbers or wide integers. Default [-1, 1] of real numbers; needed where no number is below 0, as it is in [0,
   * 1]. Integers are 0 ... 255 if one is above 1. Not for images of uint8, which are 0 ... 255, and of bool, nor for points.
   */
  range?: readonly [number, number];
}

/**
 * Images or points from NumPy: an .npy file, or an .npz file with the arrays `images` (or x, x_train, data, arr_0) and, where classes are known, `labels` (or
 * label, y, y_train, arr_1).
 *
 * Images are [count, height, width] or [count, height, width, channels] with 1 or 3 channels, points [count, dim]; both of any type but complex numbers.
 * @throws TangentLabError `corrupt-file` if it is not such a file; `file-system` if it cannot be read; `invalid-argument` for a `range` that is missing or not
 * allowed; `invalid-data` for other shapes, for numbers that are not finite or outside of `range`, for labels that do not fit, and for compressed arrays that
 * take more than `maxBytes`.
 */
export async function arrayFile(path: string, options: ArrayFileOptions = {}): Promise<Dataset> {
  checkPath(path);
  required("options", options);
  const { range = [-1, 1] } = options;
  check(
    Array.isArray(range) && range.length === 2 && range.every(Number.isFinite) && range[0]! < range[1]!,
    "range",
    range,
    "two finite numbers, the lower first",
  );
  const extension = extname(path).toLowerCase();
  check(extension === ".npy" || extension === ".npz", "path", path, "a file .npy or .npz");
  const { images, labels } = await readArrays(path, extension === ".npz", options);
  const name = basename(path, extname(path));
  const [count, ...rest] = images.shape;
  const shape = rest.length === 2 ? [...rest, 1] : rest;
  const isImage = shape.length === 3 && (shape[2] === 1 || shape[2] === 3);
  if (!count || !shape.every((n) => n > 0) || !(isImage || shape.length === 1)) {
    throw invalid(path, `[${images.shape}]`, "a shape [count, dim], [count, h, w] or [count, h, w, 1 or 3]");
  }
  const classes = labels && integers(labels, path);
  const { data, isBool = false } = images;
  const isByte = data instanceof Uint8Array && !isBool;
  const hasRange = isImage && !isByte && !isBool;
  check(
    options.range === undefined || hasRange,
    "range",
    options.range,
    "only for images of real numbers or wide integers",
  );
  if (isImage && isByte) {
    const known = classes && classesOf(classes, count);
    return storedImages({ name, shape: shape as [number, number, number], pixels: data, ...known });
  }
  const [low, high] = isBool ? [0, 1] : (options.range ?? (isImage ? rangeOf(data, path) : [-1, 1]));
  const scale = isImage ? 2 / (high - low) : 1;
  const shift = isImage ? low : 0;
  const offset = isImage ? -1 : 0;
  // Rounding must not push white beyond 1; what was outside of the range stays outside and is reported.
  const values = allocate(path, 4 * data.length, () =>
    Float32Array.from(data as ArrayLike<number>, (value) => (Number(value) - shift) * scale + offset),
  );
  return fromArray(values, shape, classes, name);
}

/** The values of black and white if `range` is not given. Throws if they are unclear: images in [0, 1] would silently be read as images without a dark pixel. */
function rangeOf(data: NumericArray, path: string): readonly [number, number] {
  const isReal = data instanceof Float32Array || data instanceof Float64Array;
  const values = data as { some(is: (value: number | bigint) => boolean): boolean };
  const known = isReal ? values.some((value) => !(value >= 0)) : values.some((value) => value > 1);
  const why = isReal ? "no number there is below 0" : "they are integers, and none is above 1";
  check(known, "range", undefined, `what black and white are in ${path}, such as [0, 1]: ${why}`);
  return isReal ? [-1, 1] : [0, 255];
}

async function readArrays(
  path: string,
  isZip: boolean,
  { maxBytes }: ReadLimit,
): Promise<{ images: NpyArray; labels?: NpyArray }> {
  if (!isZip) return { images: await readNpy(path) };
  let [image, label]: (string | undefined)[] = [];
  const arrays = await readNpz(path, {
    ...(maxBytes !== undefined && { maxBytes }),
    choose: (names) => {
      image = imageNames.find((name) => names.includes(name));
      label = labelNames.find((name) => names.includes(name));
      if (image === undefined) throw invalid(path, names, `an array called ${imageNames.join(", ")}`);
      return label === undefined ? [image] : [image, label];
    },
  });
  return { images: arrays[image!]!, ...(label !== undefined && { labels: arrays[label]! }) };
}

function integers({ data, shape }: NpyArray, path: string): ArrayLike<number | bigint> {
  // [count, 1], as of a column, is what Keras has.
  const isList = shape.length === 1 || (shape.length === 2 && shape[1] === 1);
  if (!isList) throw invalid(path, `labels [${shape}]`, "labels [count]");
  return data;
}

const invalid = (path: string, given: unknown, allowed: string): TangentLabError =>
  new TangentLabError("invalid-data", `${path} holds no images or points`, {
    argument: "path",
    given,
    allowed,
  });
