import * as tf from "@tensorflow/tfjs-core";
import * as tree from "../engine/tree.js";
import { check } from "../errors.js";
import { type AdamConfig, biasCorrection, nextState, type Optimizer, zeroState } from "./optimizer.js";

export interface AdamWConfig extends AdamConfig {
  /** Decoupled decay: each step first shrinks the parameters by learningRate * weightDecay. Default 0.01. */
  weightDecay?: number;
}

/**
 * Adam (Kingma and Ba, 1412.6980), PyTorch's definition.
 * @throws TangentLabError `invalid-argument` for options out of range.
 */
export function adam(config: AdamConfig = {}): Optimizer {
  check.only("adam", config, adamOptions);
  return adamw({ ...config, weightDecay: 0 });
}

/**
 * AdamW: Adam with decoupled weight decay (Loshchilov and Hutter, 1711.05101), PyTorch's definition.
 * @throws TangentLabError `invalid-argument` for options out of range.
 */
export function adamw(config: AdamWConfig = {}): Optimizer {
  check.only("adamw", config, [...adamOptions, "weightDecay"]);
  const { beta1 = 0.9, beta2 = 0.999, epsilon = 1e-8, weightDecay = 0.01 } = config;
  checkAdam({ beta1, beta2, epsilon });
  check.number("weightDecay", weightDecay, (w) => w >= 0, "a number >= 0");
  const decay = weightDecay === 0 ? "" : `, ${weightDecay}`;
  return {
    name: `Adam${decay && "W"}(${beta1}, ${beta2}, ${epsilon}${decay})`,
    init: zeroState,
    update: (gradients, state, parameters, learningRate) => {
      const next = nextState(gradients, state, { beta1, beta2, epsilon });
      // m^ / (sqrt(v^) + epsilon) with the moments' factors and corrections drawn out of the root and the fraction.
      const root = tf.sqrt(tf.div(1 - beta2, biasCorrection(next.step, beta2)));
      const rate = tf.div(tf.mul(learningRate, 1 - beta1), tf.mul(biasCorrection(next.step, beta1), root));
      const floor = tf.div(epsilon, root);
      const keep = weightDecay === 0 ? undefined : tf.sub(1, tf.mul(learningRate, weightDecay));
      const updated = tree.map(
        (p, m, v) =>
          tf.sub(
            keep === undefined ? p : tf.mul(p, keep),
            tf.div(tf.mul(m, rate), tf.add(tf.sqrt(v), floor)),
          ),
        parameters,
        next.m,
        next.v,
      );
      return { parameters: updated, state: next };
    },
  };
}

/** The options every optimizer of the family shares. */
export const adamOptions: readonly (keyof AdamConfig)[] = ["beta1", "beta2", "epsilon"];

/** The ranges every optimizer of the family shares. */
export function checkAdam({ beta1, beta2, epsilon }: Required<AdamConfig>): void {
  check.share("beta1", beta1);
  check.number("beta2", beta2, (beta) => beta > 0 && beta < 1, "a number in (0, 1)");
  check.number("epsilon", epsilon, (e) => e > 0, "a number > 0");
}
