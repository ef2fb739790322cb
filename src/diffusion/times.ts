import * as random from "../engine/random.js";

/** Times whose logarithm is normal. */
export interface LogNormal {
  /** Mean of ln t. */
  mean: number;
  /** Standard deviation of ln t. */
  std: number;
}

/** `count` times t with ln t ~ N(mean, std^2). */
export const logNormal = (key: random.Key, count: number, { mean, std }: LogNormal): Float32Array =>
  random.normal(key, count).map((value) => Math.exp(mean + std * value));
