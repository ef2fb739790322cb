import * as tf from "@tensorflow/tfjs-core";
import type { Tensor } from "../engine/tensor.js";
import { check, required } from "../errors.js";
import type { Condition } from "../nn/network.js";
import { addNoise, checkUsable, type Denoiser } from "./edm.js";
import { type Denoise, eulerStep, heunStep, type OdeStep } from "./ode.js";

/** Options of `karrasSigmas` (2206.00364, equation 5). */
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

/**
 * EDM's noise levels (2206.00364, eq. 5), falling from `max` to `min`, and a last 0: `steps` + 1 numbers.
 * @throws TangentLabError `invalid-argument` for options out of range.
 */
export function karrasSigmas(config: KarrasConfig): number[] {
  const { steps, min = 0.002, max = 80, rho = 7 } = required("config", config, "an object with steps");
  check.only("karrasSigmas", config, ["steps", "min", "max", "rho"]);
  check.count("steps", steps, 2);
  check.positive("max", max);
  check.number("min", min, (level) => level > 0 && level < max, "a number > 0 and < max");
  check.number("rho", rho, (power) => power > 0 && Number.isFinite(power), "a number > 0");
  const [low, high] = [min ** (1 / rho), max ** (1 / rho)];
  const levels = Array.from({ length: steps }, (_, i) => (high + (i / (steps - 1)) * (low - high)) ** rho);
  return [...levels, 0];
}

/**
 * A solver of the probability-flow ODE from `latent` (a point at level sigmas[0], such as sigmas[0] z) through falling levels, of which only the last
 * may be 0. The same latent gives the same samples. `condition` has the classes to draw, where the network has classes.
 */
export type Solver = (
  denoiser: Denoiser,
  parameters: Tensor,
  latent: Tensor,
  sigmas: readonly number[],
  condition?: Condition,
) => Tensor;

/**
 * Euler's method on dx/dt = (x - D(x, t))/t (2206.00364, eq. 3). One evaluation a step.
 * @throws TangentLabError `invalid-argument` for levels that do not decrease.
 */
export const euler: Solver = (denoiser, parameters, latent, sigmas, condition) => {
  checkSolver(denoiser, parameters, latent);
  const denoise: Denoise = (x, t) => denoiser.apply(parameters, x, t, condition);
  return solve(sigmas, latent, (x, from, to) => stepTo(eulerStep, denoise, x, from, to));
};

/**
 * Heun's second-order method (2206.00364, algorithm 1). Two evaluations a step, one in a step to 0.
 * @throws TangentLabError `invalid-argument` for levels that do not decrease.
 */
export const heun: Solver = (denoiser, parameters, latent, sigmas, condition) => {
  checkSolver(denoiser, parameters, latent);
  const denoise: Denoise = (x, t) => denoiser.apply(parameters, x, t, condition);
  return solve(sigmas, latent, (x, from, to) =>
    stepTo(to === 0 ? eulerStep : heunStep, denoise, x, from, to),
  );
};

/** EDM's stochastic sampler (Karras et al., 2206.00364, algorithm 2): how much noise is added again, and where. */
export interface ChurnConfig {
  /** S_churn: noise added over all steps; more forgets more of the latent. Default 40. */
  churn?: number;
  /** S_min: no noise is added at lower levels. Default 0.05. */
  min?: number;
  /** S_max: nor at higher ones. Default 50. */
  max?: number;
  /** S_noise: standard deviation of the added noise. Default 1.003. */
  noise?: number;
}

/** A solver that draws: one standard normal like `latent` for each of the steps; the same noises give the same samples. */
export type StochasticSolver = (
  denoiser: Denoiser,
  parameters: Tensor,
  latent: Tensor,
  sigmas: readonly number[],
  noises: readonly Tensor[],
  condition?: Condition,
) => Tensor;

/**
 * EDM's stochastic sampler (2206.00364, algorithm 2): before each step of Heun's method the level is raised a little by fresh noise.
 * @throws TangentLabError `invalid-argument` for options out of range, and, when it samples, for levels that do not decrease and a wrong number of noises.
 */
export function stochastic(config: ChurnConfig = {}): StochasticSolver {
  check.only("stochastic", config, ["churn", "min", "max", "noise"]);
  raising(config, 1); // its checks
  return (denoiser, parameters, latent, sigmas, noises, condition) => {
    checkSolver(denoiser, parameters, latent);
    const steps = sigmas.length - 1;
    check(noises.length === steps, "noises", noises.length, `one for each of ${steps} steps`);
    const raise = raising(config, steps);
    const denoise: Denoise = (x, t) => denoiser.apply(parameters, x, t, condition);
    return solve(sigmas, latent, (x, level, to, i) => {
      const { from, added } = raise(level);
      const noisy = added > 0 ? tf.add(x, tf.mul(noises[i]!, added)) : x;
      return stepTo(to === 0 ? eulerStep : heunStep, denoise, noisy, from, to);
    });
  };
}

/**
 * For a sampler of `steps` steps: the level to which one is raised before its step, and the factor of the standard normal that does so (2206.00364,
 * algorithm 2, lines 4 to 6).
 * @throws TangentLabError `invalid-argument` for options out of range.
 */
export function raising(
  { churn = 40, min = 0.05, max = 50, noise: scale = 1.003 }: ChurnConfig = {},
  steps: number,
): (level: number) => { from: number; added: number } {
  const finite = (value: number): boolean => value >= 0 && Number.isFinite(value);
  check.number("churn", churn, finite, "a finite number >= 0");
  check.number("max", max, (level) => level >= 0, "a number >= 0");
  check.number("min", min, (level) => level >= 0 && level <= max, "a number >= 0 and <= max");
  check.number("noise", scale, finite, "a finite number >= 0");
  return (level) => {
    const gamma = level >= min && level <= max ? Math.min(churn / steps, Math.SQRT2 - 1) : 0;
    const from = level * (1 + gamma);
    return { from, added: scale * Math.sqrt(from ** 2 - level ** 2) };
  };
}

/**
 * "Denoising" samples: D(x0 + sigma e, sigma) of data x0 and standard normals e, both [batch, ...]; their quality per level is dFID.
 * @throws TangentLabError `invalid-argument` for sigma <= 0.
 */
export function denoised(
  denoiser: Denoiser,
  parameters: Tensor,
  x: Tensor,
  noise: Tensor,
  sigma: number,
  condition?: Condition,
): Tensor {
  check.positive("sigma", sigma);
  const level = tf.fill([x.shape[0]!], sigma);
  return denoiser.apply(parameters, addNoise(x, noise, level), level, condition);
}

const stepTo = (step: OdeStep, denoise: Denoise, x: Tensor, from: number, to: number): Tensor =>
  step(denoise, x, tf.fill([x.shape[0]!], from), tf.fill([x.shape[0]!], to));

/** @throws TangentLabError `invalid-argument` for fewer than two levels, and for levels that do not decrease. */
export function checkLevels(sigmas: readonly number[]): void {
  const falling =
    Array.isArray(sigmas) &&
    sigmas.every(
      (sigma, i) => typeof sigma === "number" && sigma >= 0 && (i === 0 || sigma < sigmas[i - 1]!),
    );
  check(falling && sigmas.length >= 2, "sigmas", sigmas, "at least two falling numbers, only the last 0");
}

function checkSolver(denoiser: Denoiser, parameters: Tensor, latent: Tensor): void {
  checkUsable(denoiser, parameters);
  check(latent instanceof tf.Tensor, "latent", latent, "a tensor [batch, ...], a point at the first level");
}

function solve(
  sigmas: readonly number[],
  latent: Tensor,
  step: (x: Tensor, from: number, to: number, index: number) => Tensor,
): Tensor {
  checkLevels(sigmas);
  let x = latent;
  for (let i = 0; i + 1 < sigmas.length; i++) x = step(x, sigmas[i]!, sigmas[i + 1]!, i);
  return x;
}
