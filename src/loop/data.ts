import type { Key } from "../engine/random.js";
import * as random from "../engine/random.js";
import { check, TangentLabError } from "../errors.js";

/** What is needed of a known manifold; points are rows of `ambientDim` numbers. */
export interface KnownManifold {
  readonly ambientDim: number;
  readonly dim: number;
  /** Nearest points on the manifold. */
  project(points: Float32Array): Float32Array;
  /** Orthonormal tangent vectors [count, dim, ambientDim] at points on the manifold. */
  tangentBasis(pointsOnManifold: Float32Array): Float32Array;
}

/** What training needs of a dataset; those of `datasets` have more. */
export interface TrainingData {
  readonly name: string;
  /** Of one example: [dim] or [height, width, channels]. */
  readonly shape: readonly number[];
  /** `count` random examples, flat, images in [-1, 1]; the same key gives the same examples. */
  sample(key: Key, count: number): { readonly x: Float32Array; readonly labels?: Int32Array | undefined };
  /** Where the manifold is known. */
  readonly manifold?: KnownManifold | undefined;
  /** Where examples have labels 0 ... numClasses - 1. */
  readonly numClasses?: number | undefined;
}

/** What training with captions needs of a dataset: a batch's labels are indices into `captions`. */
export interface CaptionedData extends TrainingData {
  readonly captions: readonly string[];
  /** What each caption says, by attribute; {} or none where only captions are known. Hard negatives need it. */
  readonly captionAttributes?: readonly Readonly<Record<string, string>>[];
  /** All captions of the pictures that have this one, by their indices. Default it alone. */
  captionsTogether?(label: number): readonly number[];
}

/**
 * That training gets a dataset: one that is still being loaded has neither shape nor examples.
 * @throws TangentLabError `invalid-argument`.
 */
export function checkData(data: TrainingData): void {
  const loaded = typeof data?.sample === "function" && Array.isArray(data.shape);
  check(loaded, "data", data, "a dataset with shape and sample(): await what loads it first");
}

/** Height, width and channels of a dataset of square images; undefined for points. */
export function imageShape(data: TrainingData): { size: number; channels: number } | undefined {
  const [height, width, channels] = data.shape;
  if (data.shape.length === 1) return undefined;
  check(
    data.shape.length === 3 && height === width,
    "data.shape",
    data.shape,
    "[dim] or [size, size, channels]",
  );
  return { size: height!, channels: channels! };
}

/** Numbers in one example. */
export const exampleSize = (data: TrainingData): number => data.shape.reduce((a, b) => a * b, 1);

/**
 * Examples, checked.
 * @throws TangentLabError `invalid-data` if there are too few numbers, or one that is not finite.
 */
export function draw(data: TrainingData, key: Key, count: number): ReturnType<TrainingData["sample"]> {
  const batch = data.sample(key, count);
  const size = exampleSize(data);
  const bad = batch.x.findIndex((value) => !Number.isFinite(value));
  if (bad < 0 && batch.x.length === count * size) return batch;
  const given =
    bad < 0
      ? `${batch.x.length} numbers for ${count} examples`
      : `${batch.x[bad]} in the dataset ${data.name}`;
  throw new TangentLabError("invalid-data", "the data cannot be trained on", {
    argument: "data",
    given,
    allowed: `finite numbers, ${size} for each example`,
  });
}

/** Standard deviation of all numbers of the data, which EDM's preconditioning wants as sigmaData; to two digits, so that it reads well in settings. */
export function deviation(data: TrainingData): number {
  const { x } = draw(data, random.key(0), 1000);
  const mean = x.reduce((sum, value) => sum + value, 0) / x.length;
  const variance = x.reduce((sum, value) => sum + (value - mean) ** 2, 0) / x.length;
  return Number(Math.max(Math.sqrt(variance), 0.01).toPrecision(2));
}

/** How many classes the data have, where training is to be class-conditional; else undefined. */
export function classesOf(
  data: TrainingData,
  { classConditional = false }: { classConditional?: boolean },
): number | undefined {
  if (!classConditional) return undefined;
  check(data.numClasses !== undefined, "classConditional", true, "false for data without classes");
  return data.numClasses;
}

/** Rows of `dim` numbers in `values`; at least `least`, all finite. @throws TangentLabError `invalid-argument`. */
export function countRows(name: string, values: Float32Array, dim: number, least = 1): number {
  check.count("dim", dim);
  check(typeof values?.length === "number", name, values, "numbers in a Float32Array");
  check(
    values.length % dim === 0 && values.length >= least * dim,
    name,
    `${values.length} numbers`,
    `a multiple of dim = ${dim}, at least ${least} rows`,
  );
  const bad = values.findIndex((value) => !Number.isFinite(value));
  check(
    bad < 0,
    name,
    bad < 0 ? undefined : `${values[bad]} in row ${Math.floor(bad / dim)}`,
    "finite numbers",
  );
  return values.length / dim;
}

/** Examples of this shape in `values`, [height, width, channels] or [dim]; at least `least`. @throws TangentLabError `invalid-argument`. */
export function countExamples(
  name: string,
  values: Float32Array,
  shape: readonly number[],
  least = 1,
): number {
  check(Array.isArray(shape), "shape", shape, "[height, width, channels], of points [dim]");
  return countRows(
    name,
    values,
    shape.reduce((a, b) => a * b, 1),
    least,
  );
}
