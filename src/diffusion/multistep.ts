import * as tf from "@tensorflow/tfjs-core";
import type { Tensor } from "../engine/tensor.js";
import { check } from "../errors.js";
import type { Condition } from "../nn/network.js";
import { noiseTo } from "./consistency-function.js";
import { addNoise, checkUsable, type Denoiser } from "./edm.js";
import { type Denoise, eulerStep } from "./ode.js";
import { karrasSigmas } from "./sampling.js";

/** Noise level of one-step sampling. */
export const oneStep = [80] as const;

/** Noise levels of two-step sampling; the middle one is customary for 32x32 images (2310.14189, 2406.14548). */
export const twoStep = [80, 0.821] as const;

/**
 * Noise levels of a sampler of n >= 1 steps: 80 for one, `twoStep` for two, from three on EDM's levels from 80 down, the lowest of n + 1 left out.
 * @throws TangentLabError `invalid-argument` for steps < 1.
 */
export function samplingTimes(steps: number): readonly number[] {
  check.count("steps", steps);
  if (steps === 1) return oneStep;
  return steps === 2 ? twoStep : karrasSigmas({ steps: steps + 1 }).slice(0, steps);
}

/** @throws TangentLabError `invalid-argument` for an empty list of times, and for times that do not decrease or are not above 0. */
export function checkSamplingTimes(times: readonly number[]): void {
  const falling =
    Array.isArray(times) &&
    times.every((t, i) => typeof t === "number" && t > 0 && (i === 0 || t < times[i - 1]!));
  check(falling && times.length >= 1, "times", times, "one or more falling numbers > 0");
}

/** Options of `sample`. */
export interface SampleConfig {
  /**
   * Noise level at which each step ends, below all times: the point on the line from the noisy x to f(x, t) that has it. Default 0, f(x, t) itself;
   * published code ends at 0.002.
   */
  end?: number;
  /** With the classes to draw [count, classes], where the network has classes. */
  condition?: Condition;
}

/**
 * Consistency sampling (Song et al., 2303.01469, algorithm 1): x = f(t_0 z_0, t_0), then for each further time x = f(x + t z, t). One standard normal [count,
 * ...] for each of the falling times; the same noises give the same samples.
 * @throws TangentLabError `invalid-argument` for times that do not decrease, an end above them, and a wrong number of noises.
 */
export function sample(
  denoiser: Denoiser,
  parameters: Tensor,
  noises: readonly Tensor[],
  times: readonly number[] = oneStep,
  config: SampleConfig = {},
): Tensor {
  check.only("sample", config, ["end", "condition"]);
  const { end = 0, condition } = config;
  checkUsable(denoiser, parameters);
  checkSamplingTimes(times);
  const last = times[times.length - 1]!;
  check.number("end", end, (t) => t >= 0 && t < last, "a number >= 0 and below all times");
  const areTensors = Array.isArray(noises) && noises.every((noise) => noise instanceof tf.Tensor);
  check(areTensors, "noises", noises, `one for each of ${times.length} times`);
  check(noises.length === times.length, "noises", noises.length, `one for each of ${times.length} times`);
  const f: Denoise = (x, t) => denoiser.apply(parameters, x, t, condition);
  return times.reduce((x, t, i) => {
    const level = tf.fill([noises[i]!.shape[0]!], t);
    const noisy = addNoise(x, noises[i]!, tf.fill(level.shape, noiseTo(denoiser, t)));
    return end === 0 ? f(noisy, level) : eulerStep(f, noisy, level, tf.fill(level.shape, end));
  }, tf.zerosLike(noises[0]!) as Tensor);
}
