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

/** Euler's method: x [batch, ...] from t to r, each [batch]. One evaluation. */
export const eulerStep: OdeStep = (denoise, x, t, r) => towards(denoise(x, t), x, t, r);

/** Heun's second-order method, x [batch, ...] from t to r; Euler's where r is 0, at which there is no velocity. Two evaluations. */
export const heunStep: OdeStep = (denoise, x, t, r) => {
  const clean = denoise(x, t);
  const end = towards(clean, x, t, r);
  const slope = tf.div(tf.sub(x, clean), perExample(t, x));
  const bend = tf.sub(velocity(denoise, end, tf.maximum(r, LOWEST)), slope);
  // Half of the change of slope is what Heun's method adds to Euler's.
  const half = tf.mul(tf.mul(tf.sub(r, t), 0.5), tf.cast(tf.greater(r, LOWEST), "float32"));
  return tf.add(end, tf.mul(bend, perExample(half, x)));
};

/** x + (r - t) dx/dt, as a mean of x and D(x, t): nothing cancels at high levels, and at r = 0 it is D itself. */
function towards(clean: Tensor, x: Tensor, t: Tensor, r: Tensor): Tensor {
  const left = perExample(tf.div(r, t), x);
  return tf.add(tf.mul(x, left), tf.mul(clean, tf.sub(1, left)));
}

/** Levels up to here count as 0: the velocity is a difference divided by the level. */
const LOWEST = 1e-6;
