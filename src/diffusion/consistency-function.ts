import * as tf from "@tensorflow/tfjs-core";
import type { Tensor } from "../engine/tensor.js";
import { check, required } from "../errors.js";
import { flatten, type TimeNetwork } from "../nn/network.js";
import { type Denoiser, type DenoiserConfig, perExample, shapedLike } from "./edm.js";
import type { ConsistencySchedule } from "./schedule.js";

/** Options of `consistencyFunction`. */
export interface ConsistencyFunctionConfig extends DenoiserConfig {
  schedule?: ConsistencySchedule;
}

/**
 * A network as Song et al. made a consistency function of it (2303.01469, appendix C), with s = sigmaData and e = schedule.min:
 * f(x, t) = s^2/((t - e)^2 + s^2) x + s (t - e)/sqrt(t^2 + s^2) F(x/sqrt(t^2 + s^2), 250 ln t). At levels t [batch] up to e it is x itself. For weights that were trained in
 * this form; `denoiser` is the form of what is trained here.
 * @throws TangentLabError `invalid-argument` for sigmaData <= 0 and a schedule out of range, and, when it is applied, for an output whose shape is not that of x.
 */
export function consistencyFunction(network: TimeNetwork, config: ConsistencyFunctionConfig = {}): Denoiser {
  const { sigmaData = 0.5, schedule: given = {} } = required("config", config);
  check.positive("sigmaData", sigmaData);
  const schedule = checkSchedule(given);
  const { min } = schedule;
  const model = flatten(network);
  return {
    ...model,
    sigmaData,
    preconditioning: "consistency",
    schedule,
    apply: (parameters, x, given, condition): Tensor => {
      const t = tf.maximum(given as tf.Tensor, min);
      const inverse = tf.rsqrt(tf.add(tf.square(t), sigmaData ** 2));
      const from = tf.sub(t, min);
      const skip = tf.div(sigmaData ** 2, tf.add(tf.square(from), sigmaData ** 2));
      const out = tf.mul(tf.mul(from, sigmaData), inverse);
      const noise = tf.mul(tf.log(t), 250);
      const F = shapedLike(x, model.apply(parameters, tf.mul(x, perExample(inverse, x)), noise, condition));
      return tf.add(tf.mul(x, perExample(skip, x)), tf.mul(F, perExample(out, x)));
    },
  };
}

function checkSchedule(given: ConsistencySchedule): Required<ConsistencySchedule> {
  required("schedule", given);
  check.only("schedule", given, ["steps", "min", "max", "rho", "clip"]);
  const { steps = 40, min = 0.002, max = 80, rho = 7, clip = true } = given;
  check.count("schedule.steps", steps, 2);
  check.positive("schedule.max", max);
  check.number("schedule.min", min, (level) => level > 0 && level < max, "a number > 0 and < max");
  check.positive("schedule.rho", rho);
  check.flag("schedule.clip", clip);
  return { steps, min, max, rho, clip };
}

/** The schedule of a denoiser that has one for its sampling. */
export const consistencySchedule = (denoiser: Denoiser): Required<ConsistencySchedule> | undefined =>
  denoiser.preconditioning === "consistency"
    ? (denoiser.schedule as Required<ConsistencySchedule>)
    : undefined;

/**
 * The levels at which a published consistency model is sampled in so many steps: every k-th of its own, from the highest on.
 * @throws TangentLabError `invalid-argument` for more steps than it has levels.
 */
export function scheduledTimes(
  { steps: levels, min, max, rho }: Required<ConsistencySchedule>,
  steps: number,
): number[] {
  check(steps <= levels, "steps", steps, `at most ${levels}, the levels that the model was trained at`);
  const [low, high] = [min ** (1 / rho), max ** (1 / rho)];
  const every = Math.floor(levels / steps);
  return Array.from({ length: steps }, (_, i) => (high + ((i * every) / (levels - 1)) * (low - high)) ** rho);
}

/**
 * The standard deviation of the noise that brings what a consistency function gives to level t: its samples have the level `min` (2303.01469, algorithm 1), which is 0
 * for all but published ones.
 */
export function noiseTo(denoiser: Denoiser, t: number): number {
  const min = consistencySchedule(denoiser)?.min ?? 0;
  return Math.sqrt(Math.max(0, t ** 2 - min ** 2));
}
