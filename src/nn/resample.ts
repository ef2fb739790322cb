import * as tf from "@tensorflow/tfjs-core";
import type { Tensor } from "../engine/tensor.js";
import { check } from "../errors.js";
import { downsample2x, upsample2x } from "./functional.js";

/** Halves or doubles the height and width of images [N, H, W, C] with a filter; H and W even. */
export interface Resampler {
  down(x: Tensor): Tensor;
  up(x: Tensor): Tensor;
  /** A filtered half of the size of f(x), where f keeps the size: what f gives beyond the borders (f of zeros around x) counts, too. */
  downOf(f: (x: Tensor) => Tensor, x: Tensor): Tensor;
}

/**
 * Resampling by 2 with a separable filter and zero borders, as in EDM's networks: [1, 1] are 2x2 means and nearest neighbours, [1, 3, 3, 1]
 * StyleGAN's and NCSN++'s. Normalized to sum 1.
 * @param taps An even number of weights, their sum not 0.
 */
export function resampler(taps: readonly number[]): Resampler {
  const sum = Array.isArray(taps) ? taps.reduce((a, b) => a + b, 0) : Number.NaN;
  check(
    Array.isArray(taps) &&
      taps.length >= 2 &&
      taps.length % 2 === 0 &&
      taps.every(Number.isFinite) &&
      sum !== 0,
    "resampleFilter",
    taps,
    "an even number of finite weights whose sum is not 0",
  );
  if (taps.length === 2 && taps[0] === taps[1])
    return { down: downsample2x, up: upsample2x, downOf: (f, x) => downsample2x(f(x)) };
  const weights = taps.map((tap) => tap / sum);
  const border = taps.length / 2 - 1;
  // Both ways are matrices along each axis; up is the transpose of down, times 2 per axis.
  return {
    down: (x) => along(x, (size) => halving(weights, size, border)),
    up: (x) => along(x, (size) => doubling(weights, size, border)),
    downOf: (f, x) => {
      const around = [border, border] as [number, number];
      const wide = f(tf.pad(x as tf.Tensor4D, [[0, 0], around, around, [0, 0]]));
      return along(wide, (size) => halving(weights, size - 2 * border, 0));
    },
  };
}

interface Matrix {
  readonly data: Float32Array;
  readonly shape: [number, number];
}

/** From size + 2 (length / 2 - 1 - border) pixels to half of `size`: row i has the filter from pixel 2i - border on. */
function halving(weights: readonly number[], size: number, border: number): Matrix {
  const width = size + 2 * (weights.length / 2 - 1 - border);
  const data = new Float32Array((size / 2) * width);
  for (let i = 0; i < size / 2; i++) {
    weights.forEach((weight, k) => {
      const j = 2 * i + k - border;
      if (j >= 0 && j < width) data[i * width + j] = weight;
    });
  }
  return { data, shape: [size / 2, width] };
}

function doubling(weights: readonly number[], size: number, border: number): Matrix {
  const { data } = halving(weights, 2 * size, border);
  const turned = Float32Array.from(
    data,
    (_, at) => 2 * data[(at % size) * 2 * size + Math.floor(at / size)]!,
  );
  return { data: turned, shape: [2 * size, size] };
}

/** Multiplies the rows (axis 1) and columns (axis 2) of x by the matrices for their sizes, without moving pixels about. */
function along(x: Tensor, matrix: (size: number) => Matrix): Tensor {
  const [n, h, w, c] = x.shape as [number, number, number, number];
  const [rows, columns] = [matrix(h), matrix(w)];
  const [height, width] = [rows.shape[0], columns.shape[0]];
  const tall = tf.matMul(tf.tensor2d(rows.data, rows.shape), tf.reshape(x, [n, h, w * c]));
  const wide = tf.matMul(tf.tensor2d(columns.data, columns.shape), tf.reshape(tall, [n * height, w, c]));
  return tf.reshape(wide, [n, height, width, c]);
}
