import type { Key } from "../engine/random.js";
import * as random from "../engine/random.js";
import { check, TangentLabError } from "../errors.js";
import { fingerprintOf } from "../io/fingerprint.js";

/** What is needed of a known manifold; points are rows of `ambientDim` numbers. */
export interface KnownManifold {
  readonly ambientDim: number;
  readonly dim: number;
  /** Nearest points on the manifold. */
  project(points: Float32Array): Float32Array;
  /** Orthonormal tangent vectors [count, dim, ambientDim] at points on the manifold. */
  tangentBasis(pointsOnManifold: Float32Array): Float32Array;
}

/** Random examples: x [count, ...shape], flat. */
export interface Draws {
  readonly x: Float32Array;
  readonly labels?: Int32Array | undefined;
}

/** Draws that another thread makes. */
export interface BackgroundDraws {
  /** What the data's own `sample` would give. */
  sample(key: Key, count: number): Promise<Draws>;
  /** Ends the thread. */
  close(): Promise<void>;
}

/** What training needs of a dataset; those of `datasets` have more. */
export interface TrainingData {
  readonly name: string;
  /** Of one example: [dim] or [height, width, channels]. */
  readonly shape: readonly number[];
  /** `count` random examples, flat, images in [-1, 1]; the same key gives the same examples. */
  sample(key: Key, count: number): Draws;
  /** Draws in another thread, where drawing takes long: the training asks for them ahead of its steps, and closes them. */
  background?(): BackgroundDraws;
  /** Where the manifold is known. */
  readonly manifold?: KnownManifold | undefined;
  /** Where examples have labels 0 ... numClasses - 1. */
  readonly numClasses?: number | undefined;
  /** A hash of all contents, labels and order, by which checkpoints and caches know the data. Default one of the first draws. */
  fingerprint?(): Promise<string>;
}

/** What training with captions needs of a dataset: a batch's labels are indices into `captions`. */
export interface CaptionedData extends TrainingData {
  readonly captions: readonly string[];
  /** What each caption says, by attribute; {} or none where only captions are known. Hard negatives need it. */
  readonly captionAttributes?: readonly Readonly<Record<string, string>>[];
  /** All captions of the pictures that have this one, by their indices. Default it alone. */
  captionsTogether?(label: number): readonly number[];
  /** The captions, by their indices, that `sample` gives, where some are held out: negatives are taken from them. Default all. */
  captionsOf?(split: "seen"): readonly number[];
}

/** Checks that each of `count` examples has a label, an index of a caption. @throws TangentLabError `invalid-argument`. */
export function checkCaptionLabels(
  labels: Int32Array | undefined,
  count: number,
): asserts labels is Int32Array {
  check(
    labels?.length === count,
    "data",
    `${labels?.length ?? "no"} labels`,
    `${count} labels: indices of captions`,
  );
}

/**
 * Checks that training gets a dataset: one that is still being loaded has neither shape nor examples.
 * @throws TangentLabError `invalid-argument`.
 */
export function checkData(data: TrainingData): void {
  const loaded = typeof data?.sample === "function" && Array.isArray(data.shape);
  check(loaded, "data", data, "a dataset with shape and sample(): await what loads it first");
}

const fingerprints = new WeakMap<TrainingData, Promise<string>>();

/** Number of examples that are hashed for data without a fingerprint of their own. */
const fingerprintDraws = 1000;

/** Identifies the data of a training: their own fingerprint, or else a hash of the first draws. */
export function fingerprintOfData(data: TrainingData): Promise<string> {
  if (data.fingerprint) return data.fingerprint();
  const known = fingerprints.get(data);
  if (known !== undefined) return known;
  const { x, labels } = data.sample(random.key(0), fingerprintDraws);
  const made = fingerprintOf([{ shape: data.shape }, x, ...(labels ? [labels] : [])]);
  fingerprints.set(data, made);
  return made;
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
export const draw = (data: TrainingData, key: Key, count: number): Draws =>
  checkedDraws(data, data.sample(key, count), count);

/** The same of examples that are drawn. */
export function checkedDraws(data: TrainingData, batch: Draws, count: number): Draws {
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

/**
 * Standard deviation of all numbers of the data, EDM's sigmaData; to two digits, so that it reads well in settings.
 * @throws TangentLabError `invalid-data` for data so large or small that noise of times 0.002 to 80 says nothing about them.
 */
export function deviation(data: TrainingData): number {
  const { x } = draw(data, random.key(0), 1000);
  checkScale(data, x, 1e-3, 1e3);
  const mean = x.reduce((sum, value) => sum + value, 0) / x.length;
  const variance = x.reduce((sum, value) => sum + (value - mean) ** 2, 0) / x.length;
  const size = Math.sqrt(variance);
  return Number((size < 1e-3 ? 0.01 : size).toPrecision(2));
}

/**
 * The root mean square of examples, which must be within bounds.
 * @throws TangentLabError `invalid-data` naming the data.
 */
export function checkScale(data: TrainingData, x: Float32Array, least: number, most: number): number {
  const size = Math.sqrt(x.reduce((sum, value) => sum + value * value, 0) / x.length);
  if (size === 0 || (size >= least && size <= most)) return size;
  throw new TangentLabError(
    "invalid-data",
    `the data ${data.name} are of a scale that cannot be trained on`,
    {
      argument: "data",
      given: `a root mean square of ${size.toPrecision(2)}`,
      allowed: `${least} to ${most}: divide the data by their standard deviation, images to [-1, 1]`,
    },
  );
}

/** Number of the data's classes, for class-conditional training; otherwise undefined. */
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
  check(ArrayBuffer.isView(values) || Array.isArray(values), name, values, "numbers in a Float32Array");
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

/** That a shape is one of examples. @throws TangentLabError `invalid-argument`. */
export function checkShape(shape: readonly number[]): void {
  const isShape =
    Array.isArray(shape) && shape.length > 0 && shape.every((d) => Number.isInteger(d) && d >= 1);
  check(isShape, "shape", shape, "[height, width, channels], of points [dim]");
}

/** Examples of this shape in `values`, [height, width, channels] or [dim]; at least `least`. @throws TangentLabError `invalid-argument`. */
export function countExamples(
  name: string,
  values: Float32Array,
  shape: readonly number[],
  least = 1,
): number {
  checkShape(shape);
  return countRows(
    name,
    values,
    shape.reduce((a, b) => a * b, 1),
    least,
  );
}
