import * as tf from "@tensorflow/tfjs-core";
import type { Tensor } from "../engine/tensor.js";
import { check } from "../errors.js";
import type { Denoiser } from "./edm.js";

export interface KarrasConfig {
  /** Levels before the last 0, at least 2. */
  steps: number;
  /** Lowest level above 0. Default 0.002. */
  min?: number;
  /** Highest level. Default 80. */
  max?: number;
  /** Higher puts more levels at low noise. Default 7. */
  rho?: number;
}

/** EDM's noise levels (2206.00364, eq. 5), falling from `max` to `min`, and a last 0: `steps` + 1 numbers. */
export function karrasSigmas({ steps, min = 0.002, max = 80, rho = 7 }: KarrasConfig): number[] {
  check(Number.isInteger(steps) && steps >= 2, "steps", steps, "an integer >= 2");
  check(min > 0 && min < max, "min", min, "a number > 0 and < max");
  check(rho > 0, "rho", rho, "a number > 0");
  const [low, high] = [min ** (1 / rho), max ** (1 / rho)];
  const levels = Array.from({ length: steps }, (_, i) => (high + (i / (steps - 1)) * (low - high)) ** rho);
  return [...levels, 0];
}

/** A solver of the probability-flow ODE from `latent` (a point at level sigmas[0], such as sigmas[0] z) through falling levels. */
export type Solver = (
  denoiser: Denoiser,
  parameters: Tensor,
  latent: Tensor,
  sigmas: readonly number[],
) => Tensor;

/** Euler's method on dx/dt = (x - D(x, t))/t. One evaluation a step. */
export const euler: Solver = (denoiser, parameters, latent, sigmas) =>
  solve(sigmas, latent, (x, from, to) =>
    tf.add(x, tf.mul(velocity(denoiser, parameters, x, from), to - from)),
  );

/** Heun's second-order method (EDM, algorithm 1 without churn). Two evaluations a step, one in a step to 0. */
export const heun: Solver = (denoiser, parameters, latent, sigmas) =>
  solve(sigmas, latent, (x, from, to) => {
    const slope = velocity(denoiser, parameters, x, from);
    const end = tf.add(x, tf.mul(slope, to - from));
    if (to === 0) return end;
    const corrected = tf.add(slope, velocity(denoiser, parameters, end, to));
    return tf.add(x, tf.mul(corrected, (to - from) / 2));
  });

/** dx/dt of the probability-flow ODE at level t > 0. */
function velocity(denoiser: Denoiser, parameters: Tensor, x: Tensor, t: number): Tensor {
  return tf.div(tf.sub(x, denoiser.apply(parameters, x, tf.fill([x.shape[0]!], t))), t);
}

function solve(
  sigmas: readonly number[],
  latent: Tensor,
  step: (x: Tensor, from: number, to: number) => Tensor,
): Tensor {
  const falling = sigmas.every((sigma, i) => sigma >= 0 && (i === 0 || sigma < sigmas[i - 1]!));
  check(sigmas.length >= 2 && falling, "sigmas", sigmas, "at least two falling numbers, only the last 0");
  let x = latent;
  for (let i = 0; i + 1 < sigmas.length; i++) x = step(x, sigmas[i]!, sigmas[i + 1]!);
  return x;
}
