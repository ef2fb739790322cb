import * as tf from "@tensorflow/tfjs-core";
import type { Tensor } from "../engine/tensor.js";
import { reflect } from "../io/resample.js";

/**
 * Gaussian blur of images [N, H, W, C] with one standard deviation in pixels for each, `sigma` [N], in a window of an odd number of `taps`; borders are
 * reflected. Nothing is changed where sigma is 0.
 */
export function gaussianBlur(images: Tensor, sigma: Tensor, taps = 11): Tensor {
  const n = images.shape[0]!;
  const squares = Float32Array.from({ length: taps }, (_, k) => (k - (taps - 1) / 2) ** 2);
  // The floor leaves exactly the identity for sigma = 0.
  const precision = tf.div(0.5, tf.square(tf.maximum(sigma, 0.05)));
  const kernel = tf.exp(tf.mul(tf.reshape(tf.neg(precision), [n, 1]), tf.tensor2d(squares, [1, taps])));
  const window = tf.div(kernel, tf.sum(kernel, 1, true));
  const alongRows = blurRows(images, window);
  return tf.transpose(blurRows(tf.transpose(alongRows, [0, 2, 1, 3]), window), [0, 2, 1, 3]);
}

/** Blur along the first spatial axis with windows [N, taps], as a product with a matrix [N, H, H]. */
function blurRows(images: Tensor, window: Tensor): Tensor {
  const [n, h, w, c] = images.shape as [number, number, number, number];
  const taps = window.shape[1]!;
  const places = new Float32Array(taps * h * h);
  for (let k = 0; k < taps; k++)
    for (let i = 0; i < h; i++) places[(k * h + i) * h + reflect(i + k - (taps - 1) / 2, h)] = 1;
  const weights = tf.reshape(tf.matMul(window, tf.tensor2d(places, [taps, h * h])), [n, h, h]);
  return tf.reshape(tf.matMul(weights, tf.reshape(images, [n, h, w * c])), [n, h, w, c]);
}
