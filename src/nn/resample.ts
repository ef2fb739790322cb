import * as tf from "@tensorflow/tfjs-core";
import type { Tensor } from "../engine/tensor.js";
import { check } from "../errors.js";
import { downsample2x, upsample2x } from "./functional.js";

/** Halves or doubles the height and width of images [N, H, W, C] with a filter; H and W even. */
export interface Resampler {
  down(x: Tensor): Tensor;
  up(x: Tensor): Tensor;
}

/**
 * Resampling by 2 with a separable filter and zero borders, as in EDM's networks: [1, 1] are 2x2 means and nearest neighbours, [1, 3, 3, 1]
 * StyleGAN's and NCSN++'s. Normalized to sum 1.
 * @param taps An even number of weights, their sum not 0.
 */
export function resampler(taps: readonly number[]): Resampler {
  const sum = taps.reduce((a, b) => a + b, 0);
  check(
    taps.length >= 2 && taps.length % 2 === 0 && taps.every(Number.isFinite) && sum !== 0,
    "resampleFilter",
    taps,
    "an even number of finite weights whose sum is not 0",
  );
  if (taps.length === 2 && taps[0] === taps[1]) return { down: downsample2x, up: upsample2x };
  const weights = taps.map((tap) => tap / sum);
  // Both ways are matrices along each axis; up is the transpose of down, times 2 per axis.
  return {
    down: (x) => along(x, halving(weights, x.shape[1]!), halving(weights, x.shape[2]!)),
    up: (x) => along(x, doubling(weights, x.shape[1]!), doubling(weights, x.shape[2]!)),
  };
}

interface Matrix {
  readonly data: Float32Array;
  readonly shape: [number, number];
}

/** [size / 2, size]: row i has the filter around pixels 2i and 2i + 1. */
function halving(weights: readonly number[], size: number): Matrix {
  const data = new Float32Array((size / 2) * size);
  const before = weights.length / 2 - 1;
  for (let i = 0; i < size / 2; i++) {
    weights.forEach((weight, k) => {
      const j = 2 * i + k - before;
      if (j >= 0 && j < size) data[i * size + j] = weight;
    });
  }
  return { data, shape: [size / 2, size] };
}

function doubling(weights: readonly number[], size: number): Matrix {
  const { data } = halving(weights, 2 * size);
  const turned = Float32Array.from(
    data,
    (_, at) => 2 * data[(at % size) * 2 * size + Math.floor(at / size)]!,
  );
  return { data: turned, shape: [2 * size, size] };
}

/** Multiplies the rows (axis 1) and columns (axis 2) of x by matrices, without moving pixels about. */
function along(x: Tensor, rows: Matrix, columns: Matrix): Tensor {
  const [n, h, w, c] = x.shape as [number, number, number, number];
  const [height, width] = [rows.shape[0], columns.shape[0]];
  const tall = tf.matMul(tf.tensor2d(rows.data, rows.shape), tf.reshape(x, [n, h, w * c]));
  const wide = tf.matMul(tf.tensor2d(columns.data, columns.shape), tf.reshape(tall, [n * height, w, c]));
  return tf.reshape(wide, [n, height, width, c]);
}
