import * as tf from "@tensorflow/tfjs-core";
import type { Tensor } from "../../src/engine/tensor.js";
import type { FrozenFlow } from "../../src/softrepa/contrastive.js";

/** Dimension of the toy flow's text tokens. */
export const dim = 3;

const words = ["", "one", "two", "three", "four", "five", "six"];

/** A flow of images [2, 2, 1] small enough to see through: v = tanh(parameters (x + t)) + the caption's number + soft tokens (first layer's mean times the caption's number). */
export const toyFlow: FrozenFlow = {
  shape: [2, 2, 1],
  parameters: tf.tensor1d([0.7]),
  tokenize: (captions) => tf.tensor2d(captions.map((caption) => [words.indexOf(caption)])),
  encode: (_parameters, ids) => ({ numbers: tf.mul(ids, 0.3) }),
  velocity: (parameters, x, t, { numbers }, softTokens) => {
    const column = (v: Tensor): Tensor => tf.reshape(v, [-1, 1, 1, 1]);
    const v = tf.add(tf.tanh(tf.mul(parameters, tf.add(x, column(t)))), column(numbers!));
    if (!softTokens) return v;
    return tf.add(v, column(tf.mul(tf.mean(softTokens[0]!, [1, 2]), tf.squeeze(numbers!, [1]))));
  },
};

export const captions = words.slice(1);
