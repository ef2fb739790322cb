import * as tf from "@tensorflow/tfjs-core";
import { perExample } from "../diffusion/edm.js";
import type { Tensor } from "../engine/tensor.js";

/**
 * Each example mixed with its counterpart in the batch read backwards: (1 - w) x_i + w x_(count-1-i), weights [count]. Needs examples in random order;
 * the middle one of an odd number is its own counterpart.
 */
export const mixup = (x: Tensor, weight: Tensor): Tensor =>
  tf.add(x, tf.mul(tf.sub(tf.reverse(x, 0), x), perExample(weight, x)));

/** Weights 0 for the middle one of an odd number of examples, as nothing is mixed into it. */
export const withoutMiddle = (weights: Float32Array): Float32Array =>
  weights.map((weight, i) => (2 * i + 1 === weights.length ? 0 : weight));
