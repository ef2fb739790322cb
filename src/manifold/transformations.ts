import * as tf from "@tensorflow/tfjs-core";
import { perExample } from "../diffusion/edm.js";
import * as random from "../engine/random.js";
import type { Tensor } from "../engine/tensor.js";
import { check } from "../errors.js";

/** Random parameters of a batch of transformations, as tensors, and the labels to regress: [count, labels]. */
export type Draws = { readonly labels: Tensor; readonly [name: string]: Tensor };

/** A family of random transformations with labels, on which a feature network is trained (Align Your Tangent, 2510.00658). */
export interface Transformations {
  /** One name for each label. */
  readonly labelNames: readonly string[];
  /**
   * On the host: random parameters for `count` examples. `strength` in [0, 1] scales the probability of each transformation; at 0 nothing is
   * changed. A transformation that is not applied has labels 0.
   */
  draw(key: random.Key, count: number, strength: number): Draws;
  /** x [count, ...shape] transformed; tensor ops only. */
  apply(x: Tensor, draws: Draws): Tensor;
}

/** What transformations of images and of points have in common. */
export interface TransformationsConfig<Group extends string> {
  /** Which of the transformations; the choice decides what features keep. Default all. */
  groups?: readonly Group[];
  /** Probability of each transformation, in [0, 1]. */
  probability?: number;
}

/** That a value is a family of transformations. @throws TangentLabError `invalid-argument`. */
export function checkTransformations(transformations: Transformations): void {
  check(
    typeof transformations?.draw === "function" && Array.isArray(transformations.labelNames),
    "transformations",
    transformations,
    "imageTransformations(...) or pointTransformations(...)",
  );
}

/** `groups`, or all, checked. */
export function chosen<Group extends string>(
  all: readonly Group[],
  groups: readonly Group[] | undefined,
): ReadonlySet<Group> {
  const allowed = `one or more of ${all.join(", ")}`;
  check(groups === undefined || (Array.isArray(groups) && groups.length > 0), "groups", groups, allowed);
  for (const group of groups ?? []) check(all.includes(group), "groups", group, allowed);
  return new Set(groups ?? all);
}

/**
 * Turns transformations whose `draw` takes the probability of each as its third argument into ones that take the strength, a factor of that probability; both
 * are checked.
 */
export function withProbability(probability: number, { draw, ...rest }: Transformations): Transformations {
  check.number("probability", probability, (p) => p >= 0 && p <= 1, "a number in [0, 1]");
  return {
    ...rest,
    draw: (key, count, strength) => {
      check(strength >= 0 && strength <= 1, "strength", strength, "a number in [0, 1]");
      return draw(key, count, probability * strength);
    },
  };
}

/** Checks that transformations get the examples they were drawn for: x [count, ...shape]. */
export function checkExamples(x: Tensor, { labels }: Draws, shape: readonly number[]): void {
  const expected = [labels.shape[0]!, ...shape];
  check(`${x.shape}` === `${expected}`, "x", x.shape, `[${expected}], as the parameters were drawn for`);
}

/** The values at the examples a transformation is applied to, each with this probability, and 0 elsewhere. */
export function sometimes(key: random.Key, values: Float32Array, probability: number): Float32Array {
  const chance = random.uniform(key, values.length);
  return values.map((value, i) => (chance[i]! < probability ? value : 0));
}

/** Normals [count, dim], each row scaled to root mean square 1: a direction on a sphere, so that only the size is left to know. */
export function sphere(key: random.Key, count: number, dim: number): Float32Array {
  const noise = random.normal(key, count * dim);
  for (let i = 0; i < count; i++) {
    const row = noise.subarray(i * dim, (i + 1) * dim);
    const norm = Math.sqrt(row.reduce((sum, value) => sum + value * value, 0) / dim);
    for (let j = 0; j < dim; j++) row[j]! /= norm;
  }
  return noise;
}

/** Rows of `dim` numbers, each times its scale. */
export const scaleRows = (rows: ArrayLike<number>, dim: number, scales: Float32Array): Float32Array =>
  Float32Array.from(rows, (value, i) => value * scales[Math.floor(i / dim)]!);

/** Columns of labels, each [count], as a tensor [count, columns]. */
export function labelTensor(columns: readonly Float32Array[], count: number): Tensor {
  const out = new Float32Array(count * columns.length);
  columns.forEach((column, j) => {
    for (let i = 0; i < count; i++) out[i * columns.length + j] = column[i]!;
  });
  return tf.tensor2d(out, [count, columns.length]);
}

/**
 * Each example mixed with its counterpart in the batch read backwards: (1 - w) x_i + w x_(count-1-i), weights [count]. Needs examples in random order; the
 * middle one of an odd number is its own counterpart.
 */
export const mixup = (x: Tensor, weight: Tensor): Tensor =>
  tf.add(x, tf.mul(tf.sub(tf.reverse(x, 0), x), perExample(weight, x)));

/** Weights 0 for the middle one of an odd number of examples, as nothing is mixed into it. */
export const withoutMiddle = (weights: Float32Array): Float32Array =>
  weights.map((weight, i) => (2 * i + 1 === weights.length ? 0 : weight));
