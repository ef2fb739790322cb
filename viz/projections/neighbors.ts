import * as tf from "@tensorflow/tfjs-core";
import { compile } from "../../src/engine/compile.js";
import type { Tensor } from "../../src/engine/tensor.js";
import { check } from "../../src/errors.js";
import type { Points } from "../spec.js";
import { checkRows } from "./check.js";
import { matrixShape } from "./projection.js";

/** The nearest neighbours of every point among all points, itself first. */
export interface Neighbors {
  readonly indices: readonly (readonly number[])[];
  /** Euclidean, rising along each row; the first is 0. */
  readonly distances: readonly (readonly number[])[];
}

/** Rows of the distance matrix that are computed at once. */
const blockRows = 500;

/** |b|^2 - 2 a.b: what orders points b by their distance from a. */
const product = compile((a: Tensor, b: Tensor, norms: Tensor) => tf.sub(norms, tf.matMul(a, b, false, true)));

/**
 * The `k` nearest neighbours of every point, itself among them, exactly: distances to all points as matrix products on the device in use, block by block.
 * @param points [count, dim] or [count, height, width, channels].
 * @throws TangentLabError `invalid-argument` where k is not an integer from 1 to the number of points, or values are not finite.
 */
export async function nearestNeighbors(points: Points, k: number): Promise<Neighbors> {
  checkRows("points", points, 2);
  const [count, dim] = matrixShape(points);
  check(Number.isInteger(k) && k >= 1 && k <= count, "k", k, `an integer from 1 to ${count}`);
  const values = centred(points, count, dim);
  const norms = new Float32Array(count);
  for (let i = 0; i < count; i++)
    for (let d = i * dim; d < (i + 1) * dim; d++) norms[i]! += values[d]! ** 2 / 2;
  const all = tf.tensor2d(values, [count, dim]);
  const halves = tf.tensor1d(norms);
  const rows = Math.min(blockRows, count);
  const indices: number[][] = [];
  const distances: number[][] = [];
  try {
    for (let start = 0; start < count; start += rows) {
      // The last block overlaps the one before: one shape, one compilation.
      const from = Math.min(start, count - rows);
      const block = tf.tensor2d(values.subarray(from * dim, (from + rows) * dim), [rows, dim]);
      const near = await product(block, all, halves);
      const order = await near.data();
      tf.dispose([block, near]);
      for (let i = start; i < from + rows; i++) {
        const found = smallest(order as Float32Array, (i - from) * count, count, k, i);
        const exact = found
          .map((j) => ({ j, distance: j === i ? 0 : distance(values, i, j, dim) }))
          .sort((a, b) => a.distance - b.distance || Number(b.j === i) - Number(a.j === i) || a.j - b.j);
        indices.push(exact.map(({ j }) => j));
        distances.push(exact.map(({ distance }) => distance));
      }
    }
  } finally {
    tf.dispose([all, halves]);
  }
  return { indices, distances };
}

/** The points minus their mean: differences of large, alike products would lose the small distances. */
function centred({ values }: Points, count: number, dim: number): Float32Array {
  const mean = new Float64Array(dim);
  for (let i = 0; i < count * dim; i++) mean[i % dim]! += values[i]! / count;
  const out = new Float32Array(count * dim);
  for (let i = 0; i < count; i++)
    for (let d = 0; d < dim; d++) out[i * dim + d] = values[i * dim + d]! - mean[d]!;
  return out;
}

/** Places of the `k` smallest of `count` values from `offset` on; `self` is always among them. A sorted list, since k is small. */
function smallest(values: Float32Array, offset: number, count: number, k: number, self: number): number[] {
  const places = new Int32Array(k).fill(-1);
  const keys = new Float32Array(k).fill(Number.POSITIVE_INFINITY);
  places[0] = self;
  keys[0] = Number.NEGATIVE_INFINITY;
  let last = keys[k - 1]!;
  for (let j = 0; j < count; j++) {
    const value = values[offset + j]!;
    if (value >= last || j === self) continue;
    let at = k - 1;
    while (at > 0 && keys[at - 1]! > value) {
      keys[at] = keys[at - 1]!;
      places[at] = places[at - 1]!;
      at--;
    }
    keys[at] = value;
    places[at] = j;
    last = keys[k - 1]!;
  }
  return Array.from(places);
}

function distance(values: Float32Array, i: number, j: number, dim: number): number {
  let square = 0;
  for (let d = 0; d < dim; d++) square += (values[i * dim + d]! - values[j * dim + d]!) ** 2;
  return Math.sqrt(square);
}
