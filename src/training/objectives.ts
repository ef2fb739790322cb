import { continuous } from "../consistency/continuous.js";
import type { ObjectiveConfig, Teacher } from "../consistency/discrete.js";
import { ect } from "../consistency/ect.js";
import { type CdConfig, cd, ct, ict } from "../consistency/objectives.js";
import type { ProcessName } from "../consistency/processes.js";
import type { EctSchedule } from "../consistency/times.js";
import type { LogNormal } from "../diffusion/times.js";
import { check } from "../errors.js";
import type { Method } from "../optim/method.js";
import { checkTrained, type TrainedDenoiser } from "./denoiser.js";
import type { Json } from "./record.js";

/** Options of the objectives; each says of which. */
export interface ObjectiveOptions extends Omit<EctSchedule, "iterations"> {
  /**
   * How the model's outputs at neighbouring times are made to agree. From data: "ect" Easy Consistency Tuning (2406.14548), "ct" consistency training
   * (2303.01469), "ict" improved consistency training (2310.14189), "continuous-training" (sCM's sCT, 2410.11081). Along a teacher's trajectories: "cd"
   * consistency distillation (2303.01469), "continuous-distillation" (sCD). Default "ect".
   */
  objective?: ObjectiveName;
  /** "cd", "continuous-distillation": a trained denoiser. Default `from`. */
  teacher?: TrainedDenoiser;
  /** "ct", "ict": intervals between noise levels at the start. Default 2 and 10. */
  s0?: number;
  /** "ct", "ict": at the end. Default 150 and 1280. */
  s1?: number;
  /** "cd": intervals between noise levels. Default 17. */
  intervals?: number;
  /** "cd": how the teacher's trajectory is followed. Default "heun". */
  solver?: CdConfig["solver"];
  /** "ct": decay of the average in the target at the start, default 0.9; "cd": throughout, 0 for none, default 0.95. */
  targetDecay?: number;
  /** "ct", "ict", "cd": lowest noise level. Default 0.002. */
  min?: number;
  /** "ct", "ict", "cd": highest noise level. Default 80. */
  max?: number;
  /** "ct", "ict", "cd": higher puts more levels at low noise. Default 7. */
  rho?: number;
  /** "ect", "ict", continuous ones: distribution of the farther time. */
  time?: LogNormal;
  /** Continuous ones: the variables in which tangents are measured and weighted. Default the preconditioning's. */
  process?: ProcessName;
  /** Continuous ones: c of tangent / (|tangent| + c), or false. Default 0.1. */
  normalization?: number | false;
  /** Continuous ones: iterations over which the unstable part of the tangent is brought in. Default 0. */
  warmup?: number;
}

interface Objective {
  /** What it takes of the options. */
  options: readonly (keyof ObjectiveOptions)[];
  distils?: boolean;
  make(config: ObjectiveConfig & Omit<ObjectiveOptions, "teacher" | "objective">, more: More): Method;
}

interface More {
  iterations: number;
  teacher: Teacher | undefined;
}

const levels = ["min", "max", "rho"] as const;
const inContinuousTime = ["time", "process", "normalization", "warmup"] as const;

const objectives = {
  ect: {
    options: ["stages", "q", "k", "b", "time"],
    make: (config, { iterations }) => ect({ ...config, iterations }),
  },
  ct: {
    options: ["s0", "s1", "targetDecay", ...levels],
    make: (config, { iterations }) => ct({ ...config, iterations }),
  },
  ict: {
    options: ["s0", "s1", "time", ...levels],
    make: (config, { iterations }) => ict({ ...config, iterations }),
  },
  cd: {
    options: ["teacher", "intervals", "solver", "targetDecay", ...levels],
    distils: true,
    make: (config, { teacher }) => cd({ ...config, teacher: teacher! }),
  },
  "continuous-training": {
    options: inContinuousTime,
    make: (config) => continuous(config),
  },
  "continuous-distillation": {
    options: ["teacher", ...inContinuousTime],
    distils: true,
    make: (config, { teacher }) => continuous({ ...config, teacher }),
  },
} as const satisfies Record<string, Objective>;

export type ObjectiveName = keyof typeof objectives;

const names = Object.keys(objectives) as ObjectiveName[];
const allOptions = new Set<keyof ObjectiveOptions>(names.flatMap((name) => [...objectives[name].options]));

/**
 * The method of an objective by name, and what to record of its options.
 * @throws TangentLabError `invalid-argument` for an unknown name, an option of another objective, or a missing teacher.
 */
export function objectiveMethod(
  config: ObjectiveConfig,
  options: ObjectiveOptions & { from?: TrainedDenoiser },
  iterations: number,
): { method: Method; settings: Record<string, Json> } {
  const { objective: name = "ect", from } = options;
  check(Object.hasOwn(objectives, name), "objective", name, names.join(", "));
  const objective: Objective = objectives[name];
  for (const option of allOptions) {
    if (options[option] === undefined || objective.options.includes(option)) continue;
    const takers = names.filter((other) => (objectives[other] as Objective).options.includes(option));
    check(false, option, options[option], `only with objective ${takers.join(", ")}, not ${name}`);
  }
  const taken = Object.fromEntries(
    objective.options.flatMap((option) =>
      option === "teacher" || options[option] === undefined ? [] : [[option, options[option]]],
    ),
  );
  const teacher = objective.distils ? (options.teacher ?? from) : undefined;
  check(
    !objective.distils || teacher !== undefined,
    "teacher",
    teacher,
    `a trained denoiser, as teacher or as from, for "${name}"`,
  );
  if (teacher !== undefined) {
    checkTrained("teacher", teacher);
    check(
      `${teacher.record.shape}` === `${config.shape}`,
      "teacher",
      `a model of [${teacher.record.shape}]`,
      `one of [${config.shape}], the data's shape`,
    );
    const { classes } = teacher.record.settings;
    const of = (count: unknown): string => (count === undefined ? "no classes" : `${count} classes`);
    check(
      classes === config.classes,
      "teacher",
      `one of ${of(classes)}`,
      `one of ${of(config.classes)}, as the student`,
    );
  }
  const defaults: Record<string, Json> = name === "ect" ? { stages: 8, q: 2, k: 8, b: 1 } : {};
  return {
    method: objective.make({ ...config, ...taken }, { iterations, teacher }),
    settings: {
      objective: name,
      ...defaults,
      ...(taken as Record<string, Json>),
      ...(teacher && teacher !== from && { teacher: teacher.record.name }),
    },
  };
}
