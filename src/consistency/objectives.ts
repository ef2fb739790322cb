import { eulerStep, heunStep } from "../diffusion/ode.js";
import type { LogNormal } from "../diffusion/times.js";
import { check } from "../errors.js";
import type { Method } from "../optim/method.js";
import { type CurriculumConfig, exponentialCurriculum, rootCurriculum } from "./curriculum.js";
import {
  checkObjective,
  discrete,
  inverseGap,
  type ObjectiveConfig,
  type Teacher,
  uniformWeight,
} from "./discrete.js";
import { type LevelsConfig, levelTimes } from "./times.js";

/** The range of noise levels. */
type Range = Pick<LevelsConfig, "min" | "max" | "rho">;

export interface CtConfig extends ObjectiveConfig, CurriculumConfig, Range {
  /** mu_0, the target's decay while there are N = s0 levels, in (0, 1). Default 0.9. */
  targetDecay?: number;
}

/**
 * Consistency training (2303.01469, algorithm 3): neighbouring levels, all alike, of a growing number (2 to 150); the target is an average of the
 * parameters with decay mu = exp(s0 ln(mu_0) / N), N the number of levels, as in the paper: mu_0 = 0.9 at step 0. The published code divides by the number of
 * intervals, N - 1, and so has 0.9^2 = 0.81 there, and less than the paper throughout.
 * @throws TangentLabError `invalid-argument` for options out of range.
 */
export function ct(config: CtConfig): Method {
  checkObjective(config);
  const { s0 = 2, targetDecay: first = 0.9 } = config;
  check(first > 0 && first < 1, "targetDecay", first, "a number > 0 and < 1");
  const curriculum = rootCurriculum({ ...config, s0 });
  return discrete({
    ...config,
    times: levelTimes({ ...config, curriculum, time: "uniform" }),
    weight: uniformWeight,
    // N counts the levels, one more than the intervals.
    targetDecay: (iteration) => Math.exp((s0 * Math.log(first)) / (curriculum(iteration) + 1)),
  });
}

export interface IctConfig extends ObjectiveConfig, CurriculumConfig, Range {
  /** How often which level. Default ln t ~ N(-1.1, 2^2). */
  time?: LogNormal;
}

/**
 * Improved consistency training (2310.14189): neighbouring levels, chosen as often as a log-normal time falls between them, of a number that doubles from 10
 * to 1280; weight 1/(t - r), no average in the target. Its distance is the pseudo-Huber one.
 * @throws TangentLabError `invalid-argument` for options out of range.
 */
export const ict = (config: IctConfig): Method =>
  discrete({
    ...config,
    times: levelTimes({
      ...config,
      curriculum: exponentialCurriculum(config),
      time: config.time ?? { mean: -1.1, std: 2 },
    }),
    weight: inverseGap,
  });

/** Solvers by name. */
export const solvers = { euler: eulerStep, heun: heunStep } as const;

export interface CdConfig extends ObjectiveConfig, Range {
  teacher: Teacher;
  /** Intervals between the noise levels. Default 17. */
  intervals?: number;
  /** Default "heun". */
  solver?: keyof typeof solvers;
  /** Decay of the average of the parameters that gives the target, in [0, 1); 0 for the parameters themselves. Default 0.95. */
  targetDecay?: number;
}

/**
 * Consistency distillation (2303.01469, algorithm 2): x_r is one step of a solver from x_t, to the next lower level, along the trajectory of a trained
 * denoiser; the target is an average of the parameters.
 * @throws TangentLabError `invalid-argument` for options out of range.
 */
export function cd(config: CdConfig): Method {
  checkObjective(config);
  const { intervals = 17, solver = "heun", targetDecay = 0.95 } = config;
  check(Number.isInteger(intervals) && intervals >= 1, "intervals", intervals, "an integer >= 1");
  check(Object.hasOwn(solvers, solver), "solver", solver, Object.keys(solvers).join(" or "));
  check(targetDecay >= 0 && targetDecay < 1, "targetDecay", targetDecay, "a number in [0, 1)");
  return discrete({
    ...config,
    times: levelTimes({ ...config, curriculum: () => intervals, time: "uniform" }),
    weight: uniformWeight,
    solver: solvers[solver],
    targetDecay: targetDecay === 0 ? undefined : () => targetDecay,
  });
}
