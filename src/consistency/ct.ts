import { check } from "../errors.js";
import { type CurriculumConfig, rootCurriculum } from "./curriculum.js";
import { discrete, uniformWeight } from "./discrete.js";
import { given, type Objective } from "./objective.js";
import { type LevelRange, levelTimes } from "./times.js";

/** Options of `ct`, consistency training (Song et al., 2303.01469). */
export interface CtOptions extends Omit<CurriculumConfig, "iterations">, LevelRange {
  /** mu_0, the target's decay while there are N = s0 levels, in (0, 1). Default 0.9. */
  targetDecay?: number;
}

/**
 * Consistency training (2303.01469, algorithm 3): neighbouring levels, all alike, of a growing number (2 to 150). The target is an average of the parameters
 * with decay mu = exp(s0 ln(mu_0) / N), N the number of levels, as in the paper: mu_0 = 0.9 at step 0. The published code divides by the number of intervals,
 * N - 1, and so has 0.9^2 = 0.81 there, and less than the paper throughout.
 * @throws TangentLabError `invalid-argument` for unknown options; training throws it for options out of range.
 */
export function ct(options: CtOptions = {}): Objective {
  check.only("ct", options, ["s0", "s1", "targetDecay", "min", "max", "rho"]);
  const { s0 = 2, targetDecay: first = 0.9 } = options;
  return {
    name: "ct",
    settings: given(options),
    method: ({ iterations, ...config }) => {
      check.number("targetDecay", first, (decay) => decay > 0 && decay < 1, "a number > 0 and < 1");
      const curriculum = rootCurriculum({ ...options, s0, iterations });
      return discrete({
        ...config,
        times: levelTimes({ ...options, curriculum, time: "uniform" }),
        weight: uniformWeight,
        // N counts the levels, one more than the intervals.
        targetDecay: (iteration) => Math.exp((s0 * Math.log(first)) / (curriculum(iteration) + 1)),
      });
    },
  };
}
