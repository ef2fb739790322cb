import * as tf from "@tensorflow/tfjs-core";
import { addNoise, type Denoiser } from "../diffusion/edm.js";
import type { Tensor } from "../engine/tensor.js";
import { check } from "../errors.js";

/** Times of the customary samplers: one step, and two with the middle time of ECT on small images. */
export const oneStep = [80] as const;
export const twoStep = [80, 0.821] as const;

/**
 * Consistency sampling (Song et al., 2303.01469, algorithm 1): x = f(t_0 z_0, t_0), then for each further time x = f(x + t z, t).
 * One standard normal [count, ...] for each of the falling `times`; the same noises give the same samples.
 */
export function sample(
  denoiser: Denoiser,
  parameters: Tensor,
  noises: readonly Tensor[],
  times: readonly number[] = oneStep,
): Tensor {
  const falling = times.every((t, i) => t > 0 && (i === 0 || t < times[i - 1]!));
  check(times.length >= 1 && falling, "times", times, "one or more falling numbers > 0");
  check(noises.length === times.length, "noises", noises.length, `one for each of ${times.length} times`);
  return times.reduce((x, t, i) => {
    const level = tf.fill([noises[i]!.shape[0]!], t);
    return denoiser.apply(parameters, addNoise(x, noises[i]!, level), level);
  }, tf.zerosLike(noises[0]!) as Tensor);
}
