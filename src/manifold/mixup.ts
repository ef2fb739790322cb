import * as tf from "@tensorflow/tfjs-core";
import { perExample } from "../diffusion/edm.js";
import type { Tensor } from "../engine/tensor.js";

/** Each example mixed with the next one of the batch: (1 - w) x_i + w x_(i+1), weights [count]. Needs examples in random order. */
export function mixup(x: Tensor, weight: Tensor): Tensor {
  const count = x.shape[0]!;
  if (count === 1) return x;
  const rest = x.shape.slice(1);
  const zeros = rest.map(() => 0);
  const next = tf.concat(
    [tf.slice(x, [1, ...zeros], [count - 1, ...rest]), tf.slice(x, [0, ...zeros], [1, ...rest])],
    0,
  );
  return tf.add(x, tf.mul(tf.sub(next, x), perExample(weight, x)));
}
