import { checkDenoiser } from "../diffusion/denoising.js";
import type { Denoiser } from "../diffusion/edm.js";
import type { Denoise } from "../diffusion/ode.js";
import type { TrainedDenoiser } from "../diffusion/trained.js";
import type { Tensor } from "../engine/tensor.js";
import { check, required } from "../errors.js";
import type { Json } from "../loop/record.js";
import type { Condition } from "../nn/network.js";
import type { Context, Method, TrainingConfig } from "../optim/method.js";
import { asLoss, type ConsistencyLoss, type Distance, type Loss } from "./losses.js";
import type { PairSchedule } from "./times.js";

/** How outputs at neighbouring times of a trajectory are made to agree: `ect()`, `ict()`, `ct()`, `cd()`, `sct()`, `scd()`. A new one is one file. */
export interface Objective {
  readonly name: string;
  /** Its options, as given; runs record them. */
  readonly settings: Readonly<Record<string, Json>>;
  /** The loss if training is given none. Default pseudo-Huber. */
  readonly loss?: Distance;
  /** Whose trajectories are followed, if not the data's own: "from" is the denoiser that training starts from. */
  readonly teacher?: TrainedDenoiser | "from";
  /** Pairs of times, of which the closest are probed. Default those of `ect()`. */
  readonly pairs?: (iterations: number) => PairSchedule;
  /** The method of a training of so many iterations. */
  method(config: ObjectiveConfig & { iterations: number; teacher?: Teacher | undefined }): Method;
}

/** A trained denoiser along whose trajectories a consistency model is distilled. */
export interface Teacher {
  readonly denoiser: Denoiser;
  /** [P], frozen. */
  readonly parameters: Tensor;
}

/** The configuration that all objectives share. */
export interface ObjectiveConfig extends TrainingConfig {
  /** Trained as f(x, t). Usually starts from a trained denoiser's parameters: `method.from(state.ema)`. */
  denoiser: Denoiser;
  /** Shape of one example. */
  shape: readonly number[];
  loss: Loss;
  /** Number of the data's classes, for a network with class labels. Default: without classes. */
  classes?: number | undefined;
}

/** Checks denoiser and shape. Returns the loss. @throws TangentLabError `invalid-argument` naming what is missing. */
export function checkObjective(config: ObjectiveConfig): ConsistencyLoss {
  const { denoiser, shape, loss } = required("config", config, "an object with denoiser, shape and loss");
  checkDenoiser(denoiser, shape);
  if (config.classes !== undefined) check.count("classes", config.classes);
  return asLoss(loss);
}

/** The model for any parameters, and the teacher if there is one, under a batch's condition. The teacher drops nothing. */
export function modelsAt(
  { denoiser, teacher }: { denoiser: Denoiser; teacher?: Teacher | undefined },
  condition: Condition,
  context: Context,
): { student: (parameters: Tensor) => Denoise; guide: Denoise } {
  const { masks: _, ...undropped } = condition;
  return {
    student: (parameters) => (x, t) => denoiser.apply(parameters, x, t, condition),
    guide: (x, t) => teacher!.denoiser.apply(context.teacher!, x, t, undropped),
  };
}

/** That a teacher has its parameters. @throws TangentLabError `invalid-argument`. */
export function checkTeacher(teacher: Teacher | undefined): void {
  const known =
    teacher === undefined || (teacher?.denoiser !== undefined && teacher.parameters !== undefined);
  check(known, "teacher", teacher, "a trained denoiser: await its run first");
}

/** Options that were given, for an objective's settings. */
export const given = (options: object): Record<string, Json> =>
  Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined));
