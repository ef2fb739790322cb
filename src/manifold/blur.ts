import * as tf from "@tensorflow/tfjs-core";
import type { Tensor } from "../engine/tensor.js";

/** Gaussian blur of images [N, H, W, C] with one standard deviation in pixels for each, `sigma` [N]; the window is renormalized at the borders. */
export function gaussianBlur(images: Tensor, sigma: Tensor): Tensor {
  const alongRows = blurRows(images, sigma);
  return tf.transpose(blurRows(tf.transpose(alongRows, [0, 2, 1, 3]), sigma), [0, 2, 1, 3]);
}

/** Blur along the first spatial axis, as a product with a matrix [N, H, H] of weights. */
function blurRows(images: Tensor, sigma: Tensor): Tensor {
  const [n, h, w, c] = images.shape as [number, number, number, number];
  const index = tf.range(0, h);
  const squares = tf.square(tf.sub(tf.reshape(index, [h, 1]), tf.reshape(index, [1, h])));
  // The floor leaves exactly the identity for sigma = 0.
  const precision = tf.div(0.5, tf.square(tf.maximum(sigma, 0.05)));
  const weights = tf.exp(tf.neg(tf.mul(tf.reshape(precision, [n, 1, 1]), tf.reshape(squares, [1, h, h]))));
  const window = tf.div(weights, tf.sum(weights, 2, true));
  return tf.reshape(tf.matMul(window, tf.reshape(images, [n, h, w * c])), [n, h, w, c]);
}
