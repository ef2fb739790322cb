import * as tf from "@tensorflow/tfjs-core";
import type { Tensor } from "../engine/tensor.js";
import * as tree from "../engine/tree.js";

/** Exponential moving average of a tree: decay * average + (1 - decay) * parameters. */
export const ema = <P extends tree.Tree>(average: P, parameters: P, decay: Tensor | number): P =>
  tree.map((a, p) => tf.add(p, tf.mul(tf.sub(a, p), decay)), average, parameters);

/**
 * A decay that starts low, so that the average does not remember the initial parameters: min(decay, (1 + step) / (10 + step)).
 * `step` is the count of updates made so far, a scalar tensor.
 */
export const warmDecay = (step: Tensor, decay: number): Tensor =>
  tf.minimum(decay, tf.div(tf.add(step, 1), tf.add(step, 10)));
