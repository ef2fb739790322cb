import * as random from "../engine/random.js";
import { check, required } from "../errors.js";

/** Times whose logarithm is normal. */
export interface LogNormal {
  /** Mean of ln t. */
  mean: number;
  /** Standard deviation of ln t. */
  std: number;
}

/** That a distribution of times is one. @throws TangentLabError `invalid-argument`. */
export function checkLogNormal(time: LogNormal): void {
  const { mean, std } = required("time", time, "an object with mean and std");
  check(Number.isFinite(mean), "time.mean", mean, "a finite number");
  check.number("time.std", std, (s) => s >= 0 && Number.isFinite(s), "a finite number >= 0");
}

/**
 * `count` noise levels t with ln t ~ N(mean, std^2), [count].
 * @throws TangentLabError `invalid-argument` for a mean that is not finite or std < 0.
 */
export function logNormal(key: random.Key, count: number, time: LogNormal): Float32Array {
  checkLogNormal(time);
  const { mean, std } = time;
  return random.normal(key, count).map((value) => Math.exp(mean + std * value));
}
