import { denoising } from "../diffusion/denoising.js";
import { type Denoiser, denoiser } from "../diffusion/edm.js";
import type { LogNormal } from "../diffusion/times.js";
import type { Tensor } from "../engine/tensor.js";
import type { TimeNetwork } from "../nn/network.js";
import type { TrainingConfig } from "../optim/method.js";
import { classesOf, deviation, type TrainingData } from "./data.js";
import { defaultNetwork } from "./networks.js";
import type { RunRecord } from "./record.js";
import type { Run } from "./run.js";
import { keep, type RunOptions, train } from "./train.js";

/** A trained denoiser, or a trained consistency function: x0 from x_t. */
export interface TrainedDenoiser {
  readonly denoiser: Denoiser;
  /** Average over training [P]: the parameters to use, `denoiser.apply(parameters, x, t)`. */
  readonly parameters: Tensor;
  readonly record: RunRecord;
}

export interface DenoiserTraining extends Omit<RunOptions, "steps">, TrainingConfig {
  /** Default 2000. */
  steps?: number;
  /** Default an MLP for points and a small U-Net for images. */
  network?: TimeNetwork;
  /** Standard deviation of the data. Default as measured on 1000 examples. */
  sigmaData?: number;
  /** Distribution of the noise level. */
  time?: LogNormal;
  /** Gives the network the examples' classes, one-hot. Default false. */
  classConditional?: boolean;
  /** For legends. Default "denoiser". */
  name?: string;
}

/** Trains a denoiser with EDM's preconditioning and weights (2206.00364). Iterate over the run, or await it. */
export function trainDenoiser(data: TrainingData, options: DenoiserTraining = {}): Run<TrainedDenoiser> {
  const { name = "denoiser", steps = 2000, network, time, ...rest } = options;
  const { sigmaData = deviation(data) } = options;
  const classes = classesOf(data, options);
  const model = denoiser(network ?? defaultNetwork(data), { sigmaData });
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
      ...(classes !== undefined && { classes }),
      ...rateSetting(options),
      network: model.structure.size,
    },
    finish: (state, record) => ({ denoiser: model, parameters: keep(state.ema), record }),
  });
}

/** The learning rate as a run's record has it. */
export const rateSetting = ({ learningRate = 1e-3 }: TrainingConfig): { learningRate: number | string } => ({
  learningRate: typeof learningRate === "number" ? learningRate : "scheduled",
});
