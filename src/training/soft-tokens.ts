import type { Tensor } from "../engine/tensor.js";
import type { TrainingConfig } from "../optim/method.js";
import { cosineRestarts } from "../optim/schedules.js";
import { type ContrastiveConfig, contrastive, type FrozenFlow } from "../softrepa/contrastive.js";
import { type SoftTokens, type SoftTokensConfig, softTokens } from "../softrepa/tokens.js";
import type { TrainingData } from "./data.js";
import { optimizerSettings } from "./denoiser.js";
import type { RunRecord } from "./record.js";
import type { Run } from "./run.js";
import { keep, type RunOptions, train } from "./train.js";

/** What training with captions needs of a dataset: a batch's labels are indices into `captions`. */
export interface CaptionedData extends TrainingData {
  readonly captions: readonly string[];
}

/** Trained soft tokens: with the flow they were trained on they make a model, `saveTokens` makes them a small file. */
export interface TrainedTokens {
  readonly model: SoftTokens;
  /** Average over training [P]. */
  readonly parameters: Tensor;
  readonly record: RunRecord;
}

export interface SoftTokenTraining
  extends Omit<RunOptions, "steps">,
    TrainingConfig,
    Omit<SoftTokensConfig, "dim">,
    Pick<ContrastiveConfig, "temperature" | "scale" | "positiveWeight" | "chunk"> {
  /** Default 400. */
  steps?: number;
  /** b: images of a step, each with all b captions. Default 8. */
  batchSize?: number;
  /** Steps from one restart of the cosine schedule to the next. Default half of `steps`. */
  restartEvery?: number;
  /** For legends. Default "soft tokens". */
  name?: string;
}

/**
 * Trains soft tokens for a frozen flow by SoftREPA's contrastive loss (2503.08250): AdamW, a rate of 1e-3 that falls along a cosine and starts again.
 * @param flow the frozen model and the dimension of its text tokens.
 */
export function trainSoftTokens(
  data: CaptionedData,
  flow: FrozenFlow & { readonly tokenDim: number },
  options: SoftTokenTraining = {},
): Run<TrainedTokens> {
  const { name = "soft tokens", steps = 400, batchSize = 8, ...rest } = options;
  const { restartEvery = Math.max(1, Math.ceil(steps / 2)), learningRate = 1e-3 } = options;
  const model = softTokens({ ...rest, dim: flow.tokenDim });
  const { temperature = 0.07, scale = 4, positiveWeight = 0 } = options;
  return train({
    ...rest,
    steps,
    batchSize,
    name,
    kind: "soft-tokens",
    data,
    method: contrastive({
      ...rest,
      learningRate:
        typeof learningRate === "number" ? cosineRestarts(learningRate, restartEvery) : learningRate,
      flow,
      tokens: model,
      captions: data.captions,
    }),
    settings: {
      ...optimizerSettings(options),
      ...{ layers: model.layers, tokens: model.tokens, timeRows: model.timeRows },
      ...{ restartEvery, temperature, scale, positiveWeight },
    },
    finish: (state, record) => ({ model, parameters: keep(state.ema), record }),
  });
}
