import * as tf from "@tensorflow/tfjs-core";
import type { Tensor } from "../engine/tensor.js";
import { reflect } from "../io/resample.js";

/** The low-pass filter of the sym6 wavelet (Daubechies, Ten Lectures on Wavelets, 1992). Its shifts by 2 are orthonormal: up and down again is the identity. */
const sym6 = [
  0.015404109327027373, 0.0034907120842174702, -0.11799011114819057, -0.048311742585633, 0.4910559419267466,
  0.787641141030194, 0.3379294217276218, -0.07263752278646252, -0.021060292512300564, 0.04472490177066578,
  0.0017677118642428036, -0.007800708325034148,
];
const taps = sym6.length;
/** Pixels around the output that the filter looks at. */
const margin = taps / 4;

/**
 * Square images [N, S, S, C] seen through affine maps: the value at an output position is read at the input position that `inverse` [N, 2, 3] sends it
 * to. Positions are (x, y) in pixels from the image's centre. As in StyleGAN2-ADA (2006.06676) and EDM (2206.00364): reflected once beyond the borders
 * and black further out, at twice the resolution, read bilinearly there, and brought down again, all with a band-limiting filter.
 *
 * Both filters and the reflection are products with constant matrices; the bilinear reading is four gathers of rows of channels.
 */
export function warp(images: Tensor, inverse: Tensor): Tensor {
  const [n, size, , c] = images.shape as [number, number, number, number];
  const padded = 3 * size - 2;
  // One black row more at each end, for reads outside of the image.
  const fine = 2 * padded + 2;
  const seen = 2 * (size + 2 * margin);
  // x is the first axis from here to the second product with `down`.
  const upRows = product(upsampling(size, padded), images, fine);
  const up = product(upsampling(size, padded), swapped(upRows), fine);

  const positions = tf.matMul(tf.reshape(inverse, [2 * n, 3]), positionsSeen(seen));
  const fromEdge = tf.clipByValue(tf.add(tf.mul(positions, 2), padded - 1), -1, 2 * padded);
  const before = tf.minimum(tf.floor(fromEdge), 2 * padded - 1);
  const [fx, fy] = axes(tf.sub(fromEdge, before), n, seen);
  const [x, y] = axes(tf.cast(tf.add(before, 1), "int32") as Tensor, n, seen);
  const first = Int32Array.from({ length: n }, (_, i) => i * fine * fine);
  const corner = tf.add(tf.add(tf.mul(x, tf.scalar(fine, "int32")), y), tf.tensor(first, [n, 1, 1], "int32"));
  const rows = tf.reshape(corner, [n, seen * seen]);
  const values = tf.reshape(up, [n * fine * fine, c]);
  const read = (offset: number): Tensor => tf.gather(values, tf.add(rows, tf.scalar(offset, "int32")));
  const between = (a: Tensor, b: Tensor, share: Tensor): Tensor => tf.add(a, tf.mul(tf.sub(b, a), share));
  const sampled = between(between(read(0), read(1), fy), between(read(fine), read(fine + 1), fy), fx);

  const down = downsampling(size, seen);
  const columns = product(down, tf.reshape(sampled, [n, seen, seen, c]), size);
  return product(down, swapped(columns), size);
}

/** A matrix [rows, H] applied along the first spatial axis of [N, H, W, C]. */
function product(matrix: Tensor, images: Tensor, rows: number): Tensor {
  const [n, h, w, c] = images.shape as [number, number, number, number];
  const result = tf.matMul(tf.reshape(matrix, [1, rows, h]), tf.reshape(images, [n, h, w * c]));
  return tf.reshape(result, [n, rows, w, c]);
}

const swapped = (images: Tensor): Tensor => tf.transpose(images, [0, 2, 1, 3]);

/** [2 N, seen²] as x and y, each [N, seen², 1]. */
const axes = (both: Tensor, n: number, seen: number): [Tensor, Tensor] =>
  tf
    .split(tf.reshape(both, [n, 2, seen * seen, 1]), 2, 1)
    .map((axis) => tf.reshape(axis, [n, seen * seen, 1])) as [Tensor, Tensor];

/** From S pixels to `padded` reflected ones at twice the resolution, with a zero row at each end: [2 padded + 2, S]. */
function upsampling(size: number, padded: number): Tensor {
  const matrix = new Float32Array((2 * padded + 2) * size);
  for (let row = 0; row < 2 * padded; row++) {
    for (let k = row % 2; k < taps; k += 2) {
      const source = (row + k - taps / 2) / 2;
      if (source >= 0 && source < padded)
        matrix[(row + 1) * size + reflect(source - (size - 1), size)]! += sym6[taps - 1 - k]!;
    }
  }
  return tf.tensor2d(matrix, [2 * padded + 2, size]);
}

/** From twice the resolution, with margins, to S pixels: [S, seen]. */
function downsampling(size: number, seen: number): Tensor {
  const matrix = new Float32Array(size * seen);
  for (let row = 0; row < size; row++) {
    for (let k = 0; k < taps; k++) {
      const source = 2 * (row + margin) + k - (taps / 2 - 1);
      if (source >= 0 && source < seen) matrix[row * seen + source] = sym6[k]!;
    }
  }
  return tf.tensor2d(matrix, [size, seen]);
}

/** Positions at twice the resolution in pixels from the centre, x first, as homogeneous columns (x, y, 1): [3, seen²]. */
function positionsSeen(seen: number): Tensor {
  const values = new Float32Array(3 * seen * seen).fill(1);
  for (let i = 0; i < seen * seen; i++) {
    values[i] = (Math.floor(i / seen) - seen / 2 + 1) / 2;
    values[seen * seen + i] = ((i % seen) - seen / 2 + 1) / 2;
  }
  return tf.tensor2d(values, [3, seen * seen]);
}
