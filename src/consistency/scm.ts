import type { TrainedDenoiser } from "../diffusion/trained.js";
import { check } from "../errors.js";
import { type ContinuousConfig, continuous } from "./continuous.js";
import { l2 } from "./losses.js";
import { given, type Objective } from "./objective.js";

/** Options of `sct`, training in continuous time (Lu and Song, 2410.11081). */
export type SctOptions = Pick<ContinuousConfig, "process" | "time" | "normalization" | "warmup">;

/** Options of `scd`, distillation in continuous time (Lu and Song, 2410.11081). */
export interface ScdOptions extends SctOptions {
  /** A trained denoiser. Default the one that training starts from. */
  teacher?: TrainedDenoiser;
}

const known = ["process", "time", "normalization", "warmup"];

/**
 * sCM's consistency training in continuous time (2410.11081), from data: see `continuous`. The loss is l2 where none is given.
 * @throws TangentLabError `invalid-argument` for unknown options; training throws it for options out of range.
 */
export function sct(options: SctOptions = {}): Objective {
  check.only("sct", options, known);
  return {
    name: "sct",
    settings: given(options),
    loss: l2(),
    method: ({ teacher: _, ...config }) => continuous({ ...config, ...options }),
  };
}

/** sCM's distillation in continuous time (2410.11081): the same along a teacher's trajectories. Throws as `sct` does. */
export function scd(options: ScdOptions = {}): Objective {
  check.only("scd", options, ["teacher", ...known]);
  const { teacher = "from", ...rest } = options;
  return {
    name: "scd",
    settings: given(rest),
    loss: l2(),
    teacher,
    method: (config) => continuous({ ...config, ...rest }),
  };
}
