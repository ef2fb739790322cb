import * as tf from "@tensorflow/tfjs-core";
import type { Tensor } from "../engine/tensor.js";

/**
 * Images [N, H, W, C] seen through affine maps: the value at an output position is read, bilinearly, at the input position that
 * `inverse` [N, 2, 3] sends it to. Positions are (x, y) in pixels from the image's centre; borders are reflected.
 *
 * Made of matrix products, not of gathers: with one row of interpolation weights per output position and axis, a row of the image is
 * read by a product with the weights along x, and the rows are put together with the weights along y.
 */
export function warp(images: Tensor, inverse: Tensor): Tensor {
  const [n, h, w, c] = images.shape as [number, number, number, number];
  const positions = tf.matMul(tf.reshape(inverse, [n * 2, 3]), grid(h, w));
  const [x, y] = tf.split(tf.reshape(positions, [n, 2, h * w]), 2, 1) as [Tensor, Tensor];
  const alongX = hats(tf.reshape(x, [n, h * w, 1]), w);
  const alongY = hats(tf.reshape(y, [n, h * w, 1]), h);
  const columnsFirst = tf.reshape(tf.transpose(images, [0, 2, 1, 3]), [n, w, h * c]);
  const read = tf.reshape(tf.matMul(alongX, columnsFirst), [n, h * w, h, c]);
  const sum = tf.sum(tf.mul(read, tf.reshape(alongY, [n, h * w, h, 1])), 2);
  return tf.reshape(sum, [n, h, w, c]);
}

/** Output positions as homogeneous columns (x, y, 1): [3, H W]. */
function grid(h: number, w: number): tf.Tensor2D {
  const values = new Float32Array(3 * h * w);
  for (let i = 0; i < h * w; i++) {
    values[i] = (i % w) - (w - 1) / 2;
    values[h * w + i] = Math.floor(i / w) - (h - 1) / 2;
    values[2 * h * w + i] = 1;
  }
  return tf.tensor2d(values, [3, h * w]);
}

/** Linear interpolation weights [N, positions, size] of positions from the centre, reflected at the outer edges of the first and last pixel. */
function hats(position: Tensor, size: number): Tensor {
  // A triangle wave of period 2 size: 0 at the left edge, size at the right edge and back.
  const period = tf.div(tf.add(position, size / 2), 2 * size);
  const phase = tf.sub(period, tf.floor(period));
  const folded = tf.mul(tf.sub(1, tf.abs(tf.sub(1, tf.mul(phase, 2)))), size);
  const index = tf.clipByValue(tf.sub(folded, 0.5), 0, size - 1);
  return tf.relu(tf.sub(1, tf.abs(tf.sub(index, tf.range(0, size)))));
}
