import type { Key } from "../engine/random.js";
import * as random from "../engine/random.js";
import { check, TangentLabError } from "../errors.js";
import type { KnownManifold } from "../manifold/split.js";

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

/**
 * That training gets a dataset: one that is still being loaded has neither shape nor examples.
 * @throws TangentLabError `invalid-argument`.
 */
export function checkData(data: TrainingData): void {
  const loaded = typeof data?.sample === "function" && Array.isArray(data.shape);
  check(loaded, "data", data, "a dataset with shape and sample(): await what loads it first");
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
