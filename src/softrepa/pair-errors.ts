import * as tf from "@tensorflow/tfjs-core";
import type { Tensor } from "../engine/tensor.js";
import * as tree from "../engine/tree.js";
import type { EncodedText, FrozenFlow } from "./frozen-flow.js";

/**
 * E[i][j], the denoising error of image i with its caption j: images x0 [n, ...shape], noise e [1, ...shape] for all or [n, ...shape] for each, one time t [1]
 * for all, encoded captions, soft tokens at t, L x [1, tokens, dim] -> [n, m].
 * @param columns The m captions of each image, by their numbers. Default all of them, for all images.
 */
export function pairErrors(
  flow: FrozenFlow,
  parameters: Tensor,
  x: Tensor,
  noise: Tensor,
  t: Tensor,
  text: EncodedText,
  softTokens?: readonly Tensor[],
  columns?: readonly (readonly number[])[],
): Tensor {
  const [n, ...shape] = x.shape as [number, ...number[]];
  const m = columns ? columns[0]!.length : Object.values(text)[0]!.shape[0]!;
  const all = n * m;
  const times = (tensor: Tensor, count: number): Tensor =>
    tf.tile(tensor as tf.Tensor, [count, ...tensor.shape.slice(1).map(() => 1)]);
  /** Each image m times in a row; captions then repeat as a whole. */
  const eachImage = (images: Tensor): Tensor =>
    tf.reshape(tf.tile(tf.reshape(images, [n, 1, -1]), [1, m, 1]), [all, ...shape]);
  const captionsOf = (tensor: Tensor): Tensor =>
    columns ? tf.gather(tensor as tf.Tensor, tf.tensor1d(columns.flat(), "int32")) : times(tensor, n);
  const noisy = tf.add(tf.mul(x, tf.sub(1, t)), tf.mul(noise, t));
  const velocity = flow.velocity(
    parameters,
    eachImage(noisy),
    times(t, all),
    tree.map(captionsOf, text),
    softTokens?.map((tokens) => times(tokens, all)),
  );
  const error = tf.sub(velocity, eachImage(tf.sub(noise, x)));
  return tf.reshape(tf.mean(tf.reshape(tf.square(error), [all, -1]), 1), [n, m]);
}
