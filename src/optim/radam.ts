import * as tf from "@tensorflow/tfjs-core";
import type { Tensor } from "../engine/tensor.js";
import * as tree from "../engine/tree.js";
import { check } from "../errors.js";
import { adamOptions, checkAdam } from "./adam.js";
import {
  type AdamConfig,
  biasCorrection,
  halfTanh,
  nextState,
  type Optimizer,
  zeroState,
} from "./optimizer.js";

/**
 * Rectified Adam (Liu et al., 1908.03265), PyTorch's definition: while the variance of the adaptive rate is not yet tractable (rho <= 5, the first steps) it is
 * a plain step along the first moment. Afterwards it is Adam's step times a rectification that grows to 1. Needs no warm-up.
 * @throws TangentLabError `invalid-argument` for options out of range.
 */
export function radam(config: AdamConfig = {}): Optimizer {
  check.only("radam", config, adamOptions);
  const { beta1 = 0.9, beta2 = 0.999, epsilon = 1e-8 } = config;
  checkAdam({ beta1, beta2, epsilon });
  return {
    name: `RAdam(${beta1}, ${beta2}, ${epsilon})`,
    init: zeroState,
    update: (gradients, state, parameters, learningRate) => {
      const next = nextState(gradients, state, { beta1, beta2, epsilon });
      const { rectified, factor } = rectification(next.step, beta2);
      const rate = tf.mul(tf.div(tf.mul(learningRate, 1 - beta1), biasCorrection(next.step, beta1)), factor);
      // The denominator is sqrt(v) + epsilon where rectified, else 1; v is 1 - beta2 times the sum.
      const root = tf.mul(rectified, Math.sqrt(1 - beta2));
      const floor = tf.add(tf.mul(rectified, epsilon), tf.sub(1, rectified));
      const updated = tree.map(
        (p, m, v) => tf.sub(p, tf.div(tf.mul(m, rate), tf.add(tf.mul(tf.sqrt(v), root), floor))),
        parameters,
        next.m,
        next.v,
      );
      return { parameters: updated, state: next };
    },
  };
}

/** `rectified` is 1 or 0; `factor` is what the adaptive step is multiplied with (1 where not rectified). Scalars. */
function rectification(step: Tensor, beta2: number): { rectified: Tensor; factor: Tensor } {
  const rhoInf = 2 / (1 - beta2) - 1;
  // rho = rhoInf - 2 step b2^step / (1 - b2^step), and 2 b^n / (1 - b^n) = 1 / tanh(u/2) - 1 where b^n = e^-u.
  const rho = tf.sub(tf.add(step, rhoInf), tf.div(step, halfTanh(step, beta2)));
  const rectified = tf.cast(tf.greater(rho, 5), "float32");
  const safe = tf.maximum(rho, 5);
  const variance = tf.div(
    tf.mul(tf.mul(tf.sub(safe, 4), tf.sub(safe, 2)), rhoInf / ((rhoInf - 4) * (rhoInf - 2))),
    safe,
  );
  const adaptive = tf.sqrt(tf.mul(variance, biasCorrection(step, beta2)));
  return { rectified, factor: tf.where(tf.greater(rho, 5), adaptive, tf.onesLike(adaptive)) };
}
