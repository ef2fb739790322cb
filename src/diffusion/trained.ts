import type { Tensor } from "../engine/tensor.js";
import { check, required } from "../errors.js";
import type { RunRecord } from "../loop/record.js";
import type { TimeNetwork } from "../nn/network.js";
import { consistencyFunction } from "./consistency-function.js";
import { ddpm } from "./ddpm.js";
import { type Denoiser, type DenoiserConfig, denoiser } from "./edm.js";
import type { ConsistencySchedule, DdpmSchedule } from "./schedule.js";
import { trigflow } from "./trigflow.js";

/** A trained denoiser, or a trained consistency function: x0 from x_t. */
export interface TrainedDenoiser {
  readonly denoiser: Denoiser;
  /** Average over training [P]: the parameters to use, `denoiser.apply(parameters, x, t)`. */
  readonly parameters: Tensor;
  readonly record: RunRecord;
}

/**
 * Checks that a model is a trained one: a run that was not awaited has neither denoiser nor parameters.
 * @throws TangentLabError `invalid-argument`.
 */
export function checkTrained(argument: string, model: TrainedDenoiser): void {
  const trained =
    model?.denoiser !== undefined && model.parameters !== undefined && model.record !== undefined;
  check(trained, argument, "no parameters", "a trained denoiser or consistency model: await its run first");
}

/** Functions that make a denoiser of a network, by the preconditioning's name. */
export const preconditionings = { edm: denoiser, trigflow } as const satisfies Record<
  Preconditioning,
  unknown
>;

/** EDM's (2206.00364), or TrigFlow's of sCM (2410.11081). */
export type Preconditioning = "edm" | "trigflow";

/** The same with those that only published weights have: they come with a schedule. */
const published = { ...preconditionings, consistency: consistencyFunction, ddpm } as const;

export const isPreconditioning = (name: string): name is Denoiser["preconditioning"] =>
  Object.hasOwn(published, name);

/**
 * A denoiser of a network, of any preconditioning by its name.
 * @throws TangentLabError `invalid-argument` for settings out of range.
 */
export function denoiserOf(
  network: TimeNetwork,
  { preconditioning, sigmaData, schedule }: Pick<Denoiser, "preconditioning" | "sigmaData" | "schedule">,
): Denoiser {
  const make = published[preconditioning] as (
    network: TimeNetwork,
    config: DenoiserConfig & { schedule?: ConsistencySchedule & DdpmSchedule },
  ) => Denoiser;
  return make(network, { sigmaData, ...(schedule && { schedule: schedule as object }) });
}

/** Options of `pretrained`. */
export interface PretrainedOptions {
  /** Of one example: [dim] or [height, width, channels]. */
  shape: readonly number[];
  /** Number of classes, of a class-conditional model. Default: without classes. */
  classes?: number;
  /** For legends. Default "pretrained". */
  name?: string;
}

/**
 * A denoiser or consistency model whose parameters [P] come from elsewhere (`importPublished`), as one trained here: to sample from, to measure, and for
 * training to start from. The tensor is kept, not copied.
 * @throws TangentLabError `invalid-argument` for parameters of another network, a shape of no example, and classes < 1.
 */
export function pretrained(
  denoiser: Denoiser,
  parameters: Tensor,
  options: PretrainedOptions,
): TrainedDenoiser {
  const { shape, classes, name = "pretrained" } = required("options", options, "an object with shape");
  check.only("pretrained", options, ["shape", "classes", "name"]);
  check(typeof name === "string", "name", name, "text");
  check(denoiser?.structure !== undefined, "denoiser", denoiser, "denoiser(network) or trigflow(network)");
  const { size } = denoiser.structure;
  check(parameters?.size === size, "parameters", parameters?.shape, `[${size}], the denoiser's`);
  check(Array.isArray(shape), "shape", shape, "[dim] or [height, width, channels]");
  const isExample = shape.length === 1 || shape.length === 3;
  check(
    isExample && shape.every((d) => Number.isInteger(d) && d >= 1),
    "shape",
    shape,
    "[dim] or [height, width, channels]",
  );
  const known = classes === undefined || (Number.isInteger(classes) && classes >= 1);
  check(known, "classes", classes, "an integer >= 1");
  return {
    denoiser,
    parameters,
    record: {
      name,
      kind: "denoiser",
      dataset: "",
      shape: [...shape],
      parameters: size,
      settings: classes === undefined ? {} : { classes },
      engine: "",
      seconds: 0,
      losses: [],
      curve: [],
      samples: [],
      probeSet: null,
      probes: [],
    },
  };
}
