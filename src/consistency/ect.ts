import type { LogNormal } from "../diffusion/times.js";
import type { Method } from "../optim/method.js";
import { discrete, type ObjectiveConfig } from "./discrete.js";
import { continuousTimes, type EctSchedule, ectPairs } from "./times.js";

export interface EctConfig extends ObjectiveConfig, EctSchedule {
  /** Distribution of the farther time. Default ln t ~ N(-1.1, 2^2). */
  time?: LogNormal;
}

/**
 * Easy Consistency Training from data (2406.14548): mean over the batch of loss(f(x_t, t), f(x_r, r)) / (t - r), where x_t and x_r share
 * their noise and the target carries no gradient. At r = 0 the target is x0, because f(x, 0) = x.
 * @throws TangentLabError `invalid-argument` for options out of range.
 */
export const ect = (config: EctConfig): Method =>
  discrete({ ...config, times: continuousTimes(ectPairs(config), config.time) });
