import * as tf from "@tensorflow/tfjs-core";
import type { Tensor } from "../engine/tensor.js";

/** Sines, then cosines, of c [N] at frequencies [1, n]: [N, 2n]; or cosines first. */
export function waves(c: Tensor, frequencies: Tensor, cosinesFirst = false): Tensor {
  const angles = tf.matMul(tf.reshape(c, [-1, 1]), frequencies);
  const [sines, cosines] = [tf.sin(angles), tf.cos(angles)];
  return tf.concat(cosinesFirst ? [cosines, sines] : [sines, cosines], 1);
}

/** x without a gradient: parameters that are not trained, such as random frequencies. */
export const frozen = (x: Tensor): Tensor =>
  tf.customGrad((x) => ({
    value: tf.clone(x as tf.Tensor),
    gradFunc: (dy: Tensor) => tf.zerosLike(dy as tf.Tensor),
  }))(x as tf.Tensor);
