import * as tf from "@tensorflow/tfjs-core";
import { drawCondition } from "../diffusion/condition.js";
import { addNoise, type Denoiser } from "../diffusion/edm.js";
import * as random from "../engine/random.js";
import type { Tensor } from "../engine/tensor.js";
import { check, required } from "../errors.js";
import { countExamples } from "../loop/data.js";
import type { Condition } from "../nn/network.js";
import type { Context } from "../optim/method.js";
import { asLoss, type Loss } from "./losses.js";
import type { PairSchedule } from "./times.js";

/** Fixed places at which tangents are followed over training: data x, noise, times t and r, [count, ...shape] and [count]. */
export type Probes = {
  readonly x: Tensor;
  readonly noise: Tensor;
  readonly t: Tensor;
  readonly r: Tensor;
  /** With the examples' classes, where the network has classes. */
  readonly condition?: Condition;
};

/** What happens at the probes, all [count, ...shape]. */
export type Tangents = {
  /** x + t noise. */
  readonly noisy: Tensor;
  /** f(x_t, t). */
  readonly output: Tensor;
  /** f(x_r, r). */
  readonly target: Tensor;
  /** The direction in which the loss moves the output: minus its gradient with respect to f(x_t, t). */
  readonly tangent: Tensor;
};

/**
 * The CM tangents of a loss at probes, minus its gradient with respect to f(x_t, t), [count, ...shape] (2510.00658): a pure function of the parameters [P] and
 * the loss's context (`state.context`). Compile it.
 */
export function tangents(
  denoiser: Denoiser,
  loss: Loss,
): (parameters: Tensor, context: Context, probes: Probes) => Tangents {
  const applies = typeof denoiser?.apply === "function" && denoiser.structure !== undefined;
  check(applies, "denoiser", denoiser, "denoiser(network) or trigflow(network)");
  const { apply } = asLoss(loss);
  return (parameters, context, { x, noise, t, r, condition }) => {
    const noisy = addNoise(x, noise, t);
    const output = denoiser.apply(parameters, noisy, t, condition);
    const target = denoiser.apply(parameters, addNoise(x, noise, r), r, condition);
    const gradient = tf.grad((output: tf.Tensor) => tf.sum(apply(output, target, context).loss));
    return { noisy, output, target, tangent: tf.neg(gradient(output as tf.Tensor)) };
  };
}

/** Where tangents are looked at: data, noise and times, the same at every recording. */
export interface ProbeConfig {
  /** Data, one row per probe, flat. */
  x: Float32Array;
  /** Shape of one example. */
  shape: readonly number[];
  /** Time of each probe, > 0. */
  times: ArrayLike<number>;
  /** Gives r for each t. The last iteration's pairs are close, and so the tangents those of the end of training. */
  pairs: PairSchedule;
  /** The iteration to ask `pairs` for. */
  iteration: number;
  /** Class of each probe out of `classes`, for a network with classes. */
  labels?: Int32Array | undefined;
  classes?: number | undefined;
}

/** Probes x, noise [count, ...shape] and t, r [count], with noise from a key.
 * @throws TangentLabError `invalid-argument` if the number of times is not that of the examples, `invalid-data` for missing labels.
 */
export function drawProbes(key: random.Key, config: ProbeConfig): Probes {
  const { x, shape, times, pairs, iteration, labels, classes } = required(
    "config",
    config,
    "an object with x, shape, times, pairs and iteration",
  );
  const count = countExamples("x", x, shape);
  check.callable("pairs", pairs, "ectPairs(...) or the like");
  check.count("iteration", iteration, 0);
  if (classes !== undefined) check.count("classes", classes);
  const areTimes = typeof times === "object" && Array.from(times).every((t) => Number.isFinite(t) && t > 0);
  check(areTimes, "times", times, `one for each of ${count} probes`);
  check(times.length === count, "times", times.length, `one for each of ${count} probes`);
  const t = Float32Array.from(times);
  return {
    x: tf.tensor(x, [count, ...shape]),
    noise: tf.tensor(random.normal(key, x.length), [count, ...shape]),
    t: tf.tensor1d(t),
    r: tf.tensor1d(t.map((value) => pairs(value, iteration))),
    ...(classes !== undefined && { condition: drawCondition({}, key, count, labels, classes) }),
  };
}
