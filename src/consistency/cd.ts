import { eulerStep, heunStep } from "../diffusion/ode.js";
import type { TrainedDenoiser } from "../diffusion/trained.js";
import { check } from "../errors.js";
import { discrete, uniformWeight } from "./discrete.js";
import { given, type Objective } from "./objective.js";
import { type LevelRange, levelTimes } from "./times.js";

/** Solvers by name. */
const solvers = { euler: eulerStep, heun: heunStep } as const;

/** Options of `cd`, consistency distillation (Song et al., 2303.01469). */
export interface CdOptions extends LevelRange {
  /** A trained denoiser. Default the one that training starts from. */
  teacher?: TrainedDenoiser;
  /** Intervals between the noise levels. Default 17. */
  intervals?: number;
  /** How the teacher's trajectory is followed. Default "heun". */
  solver?: keyof typeof solvers;
  /** Decay of the average of the parameters that gives the target, in [0, 1); 0 for the parameters themselves. Default 0.95. */
  targetDecay?: number;
}

/**
 * Consistency distillation (2303.01469, algorithm 2): x_r is one step of a solver from x_t, to the next lower level, along the trajectory of a trained
 * denoiser. The target is an average of the parameters.
 * @throws TangentLabError `invalid-argument` for unknown options; training throws it for options out of range.
 */
export function cd(options: CdOptions = {}): Objective {
  check.only("cd", options, ["teacher", "intervals", "solver", "targetDecay", "min", "max", "rho"]);
  const { teacher = "from", ...rest } = options;
  const { intervals = 17, solver = "heun", targetDecay = 0.95, ...range } = rest;
  return {
    name: "cd",
    settings: given(rest),
    teacher,
    method: (config) => {
      check.count("intervals", intervals);
      check.oneOf("solver", solver, solvers);
      check.share("targetDecay", targetDecay);
      return discrete({
        ...config,
        times: levelTimes({ ...range, curriculum: () => intervals, time: "uniform" }),
        weight: uniformWeight,
        solver: solvers[solver],
        targetDecay: targetDecay === 0 ? undefined : () => targetDecay,
      });
    },
  };
}
