import * as tf from "@tensorflow/tfjs-core";
import type { Tensor } from "../engine/tensor.js";
import * as tree from "../engine/tree.js";
import { check } from "../errors.js";

/** Decay of the average where none is given. */
export const defaultEma = 0.999;

/** How the average of a training is taken. */
export interface EmaConfig {
  /** In [0, 1). Default 0.999. */
  decay?: number;
  /**
   * Whether the decay is reached after a warm-up, see `warmDecay`. Without it, the average starts from the initial parameters and forgets them only after
   * some 1 / (1 - decay) updates: as in ECT's published training, 0.9999. Default true.
   */
  warmup?: boolean;
}

/** A decay, reached after a warm-up, or all of it. @throws TangentLabError `invalid-argument` for a decay outside [0, 1). */
export function emaConfig(given: number | EmaConfig = {}): Required<EmaConfig> {
  const isObject = typeof given === "object" && given !== null;
  check(isObject || typeof given === "number", "ema", given, "a number in [0, 1), or { decay, warmup }");
  const { decay = defaultEma, warmup = true } = typeof given === "number" ? { decay: given } : given;
  check(decay >= 0 && decay < 1, isObject ? "ema.decay" : "ema", decay, "a number in [0, 1)");
  check(typeof warmup === "boolean", "ema.warmup", warmup, "true or false");
  return { decay, warmup };
}

/** Exponential moving average of trees with the same leaves: decay * average + (1 - decay) * parameters, decay in [0, 1). */
export const ema = <P extends tree.Tree>(average: P, parameters: P, decay: Tensor | number): P =>
  tree.map((a, p) => tf.add(p, tf.mul(tf.sub(a, p), decay)), average, parameters);

/**
 * A decay that starts low, so that the average does not remember the initial parameters: min(decay, (1 + step) / (10 + step)).
 * `step` is the count of updates made so far, a scalar tensor.
 */
export const warmDecay = (step: Tensor, decay: number): Tensor =>
  tf.minimum(decay, tf.div(tf.add(step, 1), tf.add(step, 10)));
