import { check, required } from "../errors.js";
import { checkpointFolder } from "../io/checkpoint.js";
import { checkData, classesOf, deviation, imageShape, type TrainingData } from "../loop/data.js";
import type { Run } from "../loop/run.js";
import * as loop from "../loop/train.js";
import { mlp } from "../nn/mlp.js";
import type { TimeNetwork } from "../nn/network.js";
import { networkFrom } from "../nn/network-from.js";
import { unet } from "../nn/unet.js";
import type { TrainingConfig } from "../optim/method.js";
import type { Augmentation } from "./augment.js";
import { denoising } from "./denoising.js";
import type { Denoiser } from "./edm.js";
import type { LogNormal } from "./times.js";
import { denoiserOf, type Preconditioning, preconditionings, type TrainedDenoiser } from "./trained.js";

/** The network that fits the data: an MLP for points, a small U-Net for images; with `classes` it has class labels. */
export function defaultNetwork(data: TrainingData, classes = 0): TimeNetwork {
  checkData(data);
  const image = imageShape(data);
  return image
    ? unet({ size: image.size, inChannels: image.channels, classes })
    : mlp({ dim: data.shape[0]!, classes });
}

/** The network of a training, or the one that fits the data, as a denoiser. */
export function denoiserFor(
  data: TrainingData,
  { network, preconditioning = "edm" }: Pick<DenoiserTraining, "network" | "preconditioning">,
  sigmaData: number,
  classes: number | undefined,
): Denoiser {
  const known = Object.hasOwn(preconditionings, preconditioning);
  check(known, "preconditioning", preconditioning, Object.keys(preconditionings).join(" or "));
  return preconditionings[preconditioning](network === undefined ? defaultNetwork(data, classes) : network, {
    sigmaData,
  });
}

/**
 * The same denoiser with this dropout in training. The parameters are the same: dropout has none.
 * @throws TangentLabError `invalid-argument` for a share out of range, and for a network that has no dropout.
 */
export function withDropout(model: Denoiser, dropout: number): Denoiser {
  const { settings } = model;
  const { kind = "none" } = (settings ?? {}) as { kind?: string };
  const able = ["unet", "songUnet", "unet2d"].includes(kind);
  check(able, "dropout", `of a network of kind ${kind}`, "dropout of nn.unet, nn.songUnet or nn.unet2d");
  return denoiserOf(networkFrom({ ...settings, dropout }), model);
}

/** Options of `train`. */
export interface DenoiserTraining extends Omit<loop.RunOptions, "steps">, TrainingConfig {
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
  /**
   * Random changes of examples, of which the network is told by labels that it must take: `manifold.edmAugmentation(...)` with `nn.songUnet({ augmentLabels: 9 })`.
   * Default none.
   */
  augment?: Augmentation;
  /** Gives the network the examples' classes, one-hot; the default network then has them, one of your own needs `classes`. Default false. */
  classConditional?: boolean;
  /** For legends. Default "denoiser". */
  name?: string;
}

/**
 * Trains a denoiser with EDM's preconditioning and weights (2206.00364). Iterate over the run, or await it.
 * @throws TangentLabError `invalid-argument` for options out of range; while it runs as `train`.
 */
export function train(data: TrainingData, options: DenoiserTraining = {}): Run<TrainedDenoiser> {
  checkData(data);
  required("options", options);
  check.only("diffusion.train", options, [
    ...loop.trainingOptions,
    ...["network", "preconditioning", "sigmaData", "time", "classConditional", "augment"],
  ]);
  const { name = "denoiser", steps = 2000, time, preconditioning, ...rest } = options;
  const { sigmaData = deviation(data) } = options;
  const classes = classesOf(data, options);
  const model = denoiserFor(data, options, sigmaData, classes);
  return loop.train({
    ...rest,
    steps,
    name,
    kind: "denoiser",
    checkpoint: checkpointFolder(options.checkpoint),
    data,
    method: denoising({
      ...rest,
      denoiser: model,
      shape: data.shape,
      classes,
      ...(time !== undefined && { time }),
    }),
    settings: {
      objective: "denoising",
      sigmaData,
      ...(preconditioning && { preconditioning }),
      ...(classes !== undefined && { classes }),
      ...(options.augment && { augment: options.augment.settings ?? [...options.augment.labelNames] }),
      ...loop.optimizerSettings(options),
      network: model.structure.size,
    },
    finish: (state, record) => ({ denoiser: model, parameters: loop.keep(state.ema), record }),
  });
}
