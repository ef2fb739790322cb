import type { LogNormal } from "../diffusion/times.js";
import { check } from "../errors.js";
import { discrete } from "./discrete.js";
import type { Objective } from "./objective.js";
import { continuousTimes, type EctSchedule, ectPairs } from "./times.js";

/** Options of `ect`, Easy Consistency Tuning (Geng et al., 2406.14548). */
export interface EctOptions extends Omit<EctSchedule, "iterations"> {
  /** Distribution of the farther time. Default ln t ~ N(-1.1, 2^2). */
  time?: LogNormal;
}

/**
 * Easy Consistency Tuning from data (2406.14548): mean over the batch of loss(f(x_t, t), f(x_r, r)) / (t - r), where x_t and x_r share their noise and the
 * target carries no gradient. At r = 0 the target is x0, because f(x, 0) = x. The stages bring r closer to t.
 * @throws TangentLabError `invalid-argument` for unknown options; training throws it for options out of range.
 */
export function ect(options: EctOptions = {}): Objective {
  check.only("ect", options, ["stages", "q", "k", "b", "time"]);
  const { stages = 8, q = 2, k = 8, b = 1, time } = options;
  const pairs = (iterations: number) => ectPairs({ iterations, stages, q, k, b });
  return {
    name: "ect",
    settings: { stages, q, k, b, ...(time && { time: { ...time } }) },
    pairs,
    method: (config) => discrete({ ...config, times: continuousTimes(pairs(config.iterations), time) }),
  };
}
