import * as tf from "@tensorflow/tfjs-core";
import type { Tensor } from "../engine/tensor.js";
import { check } from "../errors.js";
import type { Condition } from "../nn/network.js";
import { addNoise, type Denoiser } from "./edm.js";
import { type Denoise, eulerStep } from "./ode.js";
import { karrasSigmas } from "./sampling.js";

/** Times of the customary samplers: one step, and two with the middle time of ECT on small images. */
export const oneStep = [80] as const;
/** Times of the usual sampler of two steps: from pure noise, then again from the level 0.821. */
export const twoStep = [80, 0.821] as const;

/**
 * Times of a sampler of n >= 1 steps: `oneStep`, `twoStep`, from three on EDM's levels from 80 down, the lowest of n + 1 left out.
 * @throws TangentLabError `invalid-argument` for steps < 1.
 */
export function samplingTimes(steps: number): readonly number[] {
  check.count("steps", steps);
  if (steps === 1) return oneStep;
  return steps === 2 ? twoStep : karrasSigmas({ steps: steps + 1 }).slice(0, steps);
}

/** @throws TangentLabError `invalid-argument` for no times, and for such as do not fall or are not above 0. */
export function checkSamplingTimes(times: readonly number[]): void {
  const falling = times.every((t, i) => t > 0 && (i === 0 || t < times[i - 1]!));
  check(times.length >= 1 && falling, "times", times, "one or more falling numbers > 0");
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
 * Consistency sampling (Song et al., 2303.01469, algorithm 1): x = f(t_0 z_0, t_0), then for each further time x = f(x + t z, t).
 * One standard normal [count, ...] for each of the falling times; the same noises give the same samples.
 * @throws TangentLabError `invalid-argument` for times that do not fall, an end above them, and another number of noises.
 */
export function sample(
  denoiser: Denoiser,
  parameters: Tensor,
  noises: readonly Tensor[],
  times: readonly number[] = oneStep,
  { end = 0, condition }: SampleConfig = {},
): Tensor {
  checkSamplingTimes(times);
  check(end >= 0 && end < times[times.length - 1]!, "end", end, "a number >= 0 and below all times");
  check(noises.length === times.length, "noises", noises.length, `one for each of ${times.length} times`);
  const f: Denoise = (x, t) => denoiser.apply(parameters, x, t, condition);
  return times.reduce((x, t, i) => {
    const level = tf.fill([noises[i]!.shape[0]!], t);
    const noisy = addNoise(x, noises[i]!, level);
    return end === 0 ? f(noisy, level) : eulerStep(f, noisy, level, tf.fill(level.shape, end));
  }, tf.zerosLike(noises[0]!) as Tensor);
}
