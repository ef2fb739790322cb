import { denoising } from "../diffusion/denoising.js";
import { type Denoiser, denoiser } from "../diffusion/edm.js";
import type { LogNormal } from "../diffusion/times.js";
import { trigflow } from "../diffusion/trigflow.js";
import type { Tensor } from "../engine/tensor.js";
import { check, required } from "../errors.js";
import type { TimeNetwork } from "../nn/network.js";
import { networkFrom } from "../nn/network-from.js";
import type { TrainingConfig } from "../optim/method.js";
import { checkData, classesOf, deviation, type TrainingData } from "./data.js";
import { defaultNetwork } from "./networks.js";
import type { Json, RunRecord } from "./record.js";
import type { Run } from "./run.js";
import { keep, type RunOptions, train } from "./train.js";

/** A trained denoiser, or a trained consistency function: x0 from x_t. */
export interface TrainedDenoiser {
  readonly denoiser: Denoiser;
  /** Average over training [P]: the parameters to use, `denoiser.apply(parameters, x, t)`. */
  readonly parameters: Tensor;
  readonly record: RunRecord;
}

/**
 * That a model is a trained one: a run that was not awaited has neither denoiser nor parameters.
 * @throws TangentLabError `invalid-argument`.
 */
export function checkTrained(argument: string, model: TrainedDenoiser): void {
  const trained =
    model?.denoiser !== undefined && model.parameters !== undefined && model.record !== undefined;
  check(trained, argument, "no parameters", "a trained denoiser or consistency model: await its run first");
}

/** What makes a denoiser of a network, by its preconditioning. */
export const preconditionings = { edm: denoiser, trigflow } as const;

/** EDM's (2206.00364), or TrigFlow's of sCM (2410.11081). */
export type Preconditioning = Denoiser["preconditioning"];

/** The network of a training, or the one that fits the data, as a denoiser. */
export function denoiserFor(
  data: TrainingData,
  { network, preconditioning = "edm" }: Pick<DenoiserTraining, "network" | "preconditioning">,
  sigmaData: number,
  classes: number | undefined,
): Denoiser {
  const known = Object.hasOwn(preconditionings, preconditioning);
  check(known, "preconditioning", preconditioning, Object.keys(preconditionings).join(" or "));
  return preconditionings[preconditioning](network ?? defaultNetwork(data, classes), { sigmaData });
}

/**
 * The same denoiser with this dropout in training. The parameters are the same: dropout has none.
 * @throws TangentLabError `invalid-argument` for a share out of range, and for a network that has no dropout.
 */
export function withDropout(model: Denoiser, dropout: number): Denoiser {
  const { settings } = model;
  const { kind = "none" } = (settings ?? {}) as { kind?: string };
  const able = kind === "unet" || kind === "songUnet";
  check(able, "dropout", `of a network of kind ${kind}`, "dropout of nn.unet or nn.songUnet");
  return preconditionings[model.preconditioning](networkFrom({ ...settings, dropout }), model);
}

export interface DenoiserTraining extends Omit<RunOptions, "steps">, TrainingConfig {
  /** Default 2000. */
  steps?: number;
  /** Default an MLP for points and a small U-Net for images. */
  network?: TimeNetwork;
  /** How the network becomes a denoiser. Default "edm". */
  preconditioning?: Preconditioning;
  /** Standard deviation of the data. Default as measured on 1000 examples. */
  sigmaData?: number;
  /** Distribution of the noise level. */
  time?: LogNormal;
  /** Gives the network the examples' classes, one-hot; the default network then has them, one of your own needs `classes`. Default false. */
  classConditional?: boolean;
  /** For legends. Default "denoiser". */
  name?: string;
}

/**
 * Trains a denoiser with EDM's preconditioning and weights (2206.00364). Iterate over the run, or await it.
 * @throws TangentLabError `invalid-argument` for options out of range; while it runs as `train`.
 */
export function trainDenoiser(data: TrainingData, options: DenoiserTraining = {}): Run<TrainedDenoiser> {
  checkData(data);
  required("options", options);
  const { name = "denoiser", steps = 2000, time, preconditioning, ...rest } = options;
  const { sigmaData = deviation(data) } = options;
  const classes = classesOf(data, options);
  const model = denoiserFor(data, options, sigmaData, classes);
  return train({
    ...rest,
    steps,
    name,
    kind: "denoiser",
    data,
    method: denoising({ ...rest, denoiser: model, shape: data.shape, classes, ...(time && { time }) }),
    settings: {
      objective: "denoising",
      sigmaData,
      ...(preconditioning && { preconditioning }),
      ...(classes !== undefined && { classes }),
      ...optimizerSettings(options),
      network: model.structure.size,
    },
    finish: (state, record) => ({ denoiser: model, parameters: keep(state.ema), record }),
  });
}

/** The learning rate, and an optimizer that is not the usual one, as a run's record has them. */
export const optimizerSettings = ({
  learningRate = 1e-3,
  optimizer,
}: TrainingConfig): Record<string, Json> => ({
  learningRate: typeof learningRate === "number" ? learningRate : "scheduled",
  ...(optimizer && { optimizer: optimizer.name }),
});
