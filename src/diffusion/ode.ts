import * as tf from "@tensorflow/tfjs-core";
import type { Tensor } from "../engine/tensor.js";
import { perExample } from "./edm.js";

/** A denoiser with its parameters and condition: points [batch, ...] at levels [batch] -> clean data. */
export type Denoise = (x: Tensor, t: Tensor) => Tensor;

/** dx/dt = (x - D(x, t))/t of the probability-flow ODE (EDM, 2206.00364, eq. 3), at levels t [batch] > 0. */
export const velocity = (denoise: Denoise, x: Tensor, t: Tensor): Tensor =>
  tf.div(tf.sub(x, denoise(x, t)), perExample(t, x));

/** One step of a solver from levels t to levels r < t, both [batch]; r may be 0. */
export type OdeStep = (denoise: Denoise, x: Tensor, t: Tensor, r: Tensor) => Tensor;

/** Euler's method. One evaluation. */
export const eulerStep: OdeStep = (denoise, x, t, r) =>
  tf.add(x, tf.mul(velocity(denoise, x, t), perExample(tf.sub(r, t), x)));

/** Heun's second-order method; Euler's where r is 0, at which there is no velocity. Two evaluations. */
export const heunStep: OdeStep = (denoise, x, t, r) => {
  const slope = velocity(denoise, x, t);
  const step = perExample(tf.sub(r, t), x);
  const end = tf.add(x, tf.mul(slope, step));
  const slopeAtEnd = velocity(denoise, end, tf.maximum(r, LOWEST));
  // Half of the difference of the slopes is what Heun's method adds to Euler's.
  const correction = tf.mul(tf.mul(tf.sub(slopeAtEnd, slope), step), 0.5);
  return tf.add(end, tf.mul(correction, perExample(tf.cast(tf.greater(r, LOWEST), "float32"), x)));
};

/** Levels up to here count as 0: the velocity is a difference divided by the level. */
const LOWEST = 1e-6;
