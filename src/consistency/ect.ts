import * as tf from "@tensorflow/tfjs-core";
import { addNoise, type Denoiser } from "../diffusion/edm.js";
import { type LogNormal, logNormal } from "../diffusion/times.js";
import * as random from "../engine/random.js";
import type { Tensor } from "../engine/tensor.js";
import { check } from "../errors.js";
import { type Method, method, type TrainingConfig } from "../optim/method.js";
import type { ConsistencyLoss } from "./losses.js";

export interface EctSchedule {
  /** Iterations of the whole training. */
  iterations: number;
  /** Stages of equal length; each brings r closer to t by a factor of q. Default 8. */
  stages?: number;
  /** Default 2. */
  q?: number;
  /** How much wider the gap is at low noise. Default 8. */
  k?: number;
  /** How fast that fades with t. Default 1. */
  b?: number;
}

/** The nearer time r of a pair, as a function of the farther time t and the iteration (0, 1, ...). */
export type PairSchedule = (t: number, iteration: number) => number;

/**
 * Easy Consistency Tuning's pairs (Geng et al., 2406.14548): r = max(0, t (1 - (1 + k sigmoid(-b t)) / q^(stage + 1))),
 * stage = floor(iteration / (iterations / stages)).
 */
export function ectPairs({ iterations, stages = 8, q = 2, k = 8, b = 1 }: EctSchedule): PairSchedule {
  check(Number.isInteger(iterations) && iterations >= 1, "iterations", iterations, "an integer >= 1");
  check(Number.isInteger(stages) && stages >= 1, "stages", stages, "an integer >= 1");
  check(q > 1, "q", q, "a number > 1");
  check(k >= 0, "k", k, "a number >= 0");
  return (t, iteration) => {
    const stage = Math.min(Math.floor((iteration * stages) / iterations), stages - 1);
    const widening = 1 + k / (1 + Math.exp(b * t));
    return Math.max(0, t * (1 - widening / q ** (stage + 1)));
  };
}

export interface EctConfig extends TrainingConfig, EctSchedule {
  /** Trained as f(x, t). Usually starts from a trained denoiser's parameters: `method.from(state.ema)`. */
  denoiser: Denoiser;
  /** Shape of one example. */
  shape: readonly number[];
  loss: ConsistencyLoss;
  /** Distribution of the farther time. Default ln t ~ N(-1.1, 2^2). */
  time?: LogNormal;
}

/**
 * Easy Consistency Training from data (2406.14548): mean over the batch of loss(f(x_t, t), f(x_r, r)) / (t - r), where x_t and x_r share
 * their noise and the target carries no gradient. At r = 0 the target is x0, because f(x, 0) = x.
 */
export function ect(config: EctConfig): Method {
  const { denoiser, shape, loss, time = { mean: -1.1, std: 2 } } = config;
  const pairs = ectPairs(config);
  return method({
    ...config,
    context: loss.context,
    init: denoiser.init,
    batch: (key, x, iteration) => {
      const [noiseKey, timeKey] = random.split(key, 2) as [random.Key, random.Key];
      const count = x.length / shape.reduce((a, b) => a * b, 1);
      const t = logNormal(timeKey, count, time);
      return {
        x: tf.tensor(x, [count, ...shape]) as Tensor,
        noise: tf.tensor(random.normal(noiseKey, x.length), [count, ...shape]) as Tensor,
        t: tf.tensor1d(t) as Tensor,
        r: tf.tensor1d(t.map((value) => pairs(value, iteration))) as Tensor,
      };
    },
    loss: (parameters, { x, noise, t, r }, context) => {
      const target = denoiser.apply(parameters, addNoise(x, noise, r), r);
      const noisy = addNoise(x, noise, t);
      const weight = tf.div(1, tf.sub(t, r));
      return (parameters) => {
        const output = denoiser.apply(parameters, noisy, t);
        const { loss: losses, distance } = loss.apply(output, target, context);
        return { loss: tf.mean(tf.mul(losses, weight)), aux: { distance } };
      };
    },
  });
}
