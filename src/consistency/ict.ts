import type { LogNormal } from "../diffusion/times.js";
import { check } from "../errors.js";
import { type CurriculumConfig, exponentialCurriculum } from "./curriculum.js";
import { discrete, inverseGap } from "./discrete.js";
import { given, type Objective } from "./objective.js";
import { type LevelRange, levelTimes } from "./times.js";

/** Options of `ict`, improved consistency training (Song and Dhariwal, 2310.14189). */
export interface IctOptions extends Omit<CurriculumConfig, "iterations">, LevelRange {
  /** How often which level. Default ln t ~ N(-1.1, 2^2). */
  time?: LogNormal;
}

/**
 * Improved consistency training (2310.14189): neighbouring levels, whose number doubles from 10 to 1280, each pair chosen as often as a log-normal time falls
 * between them. The weight is 1/(t - r); the target has no average. Its distance is the pseudo-Huber one.
 * @throws TangentLabError `invalid-argument` for unknown options; training throws it for options out of range.
 */
export function ict(options: IctOptions = {}): Objective {
  check.only("ict", options, ["s0", "s1", "time", "min", "max", "rho"]);
  const { time = { mean: -1.1, std: 2 } } = options;
  return {
    name: "ict",
    settings: given(options),
    method: ({ iterations, ...config }) => {
      const curriculum = exponentialCurriculum({ ...options, iterations });
      return discrete({ ...config, times: levelTimes({ ...options, curriculum, time }), weight: inverseGap });
    },
  };
}
