import type { Tensor } from "../engine/tensor.js";
import { checkpointFolder } from "../io/checkpoint.js";
import type { CaptionedData } from "../loop/data.js";
import type { RunRecord } from "../loop/record.js";
import type { Run } from "../loop/run.js";
import * as loop from "../loop/train.js";
import type { TrainingConfig } from "../optim/method.js";
import { cosineRestarts } from "../optim/schedules.js";
import { type ContrastiveConfig, contrastive, type FrozenFlow } from "./contrastive.js";
import { type SoftTokens, type SoftTokensConfig, softTokens } from "./tokens.js";

/** Trained soft tokens: with the flow they were trained on they make a model, `saveTokens` makes them a small file. */
export interface TrainedTokens {
  readonly model: SoftTokens;
  /** Average over training [P]. */
  readonly parameters: Tensor;
  readonly record: RunRecord;
}

export interface SoftTokenTraining
  extends Omit<loop.RunOptions, "steps">,
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
 * @param flow a trained flow, which stays as it is.
 */
export function trainTokens(
  data: CaptionedData,
  flow: FrozenFlow & { readonly tokenDim: number },
  options: SoftTokenTraining = {},
): Run<TrainedTokens> {
  const { name = "soft tokens", steps = 400, batchSize = 8, ...rest } = options;
  const { restartEvery = Math.max(1, Math.ceil(steps / 2)), learningRate = 1e-3 } = options;
  const model = softTokens({ ...rest, dim: flow.tokenDim });
  const { temperature = 0.07, scale = 4, positiveWeight = 0 } = options;
  return loop.train({
    ...rest,
    steps,
    batchSize,
    name,
    kind: "soft-tokens",
    checkpoint: checkpointFolder(options.checkpoint),
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
      ...loop.optimizerSettings(options),
      ...{ layers: model.layers, tokens: model.tokens, timeRows: model.timeRows },
      ...{ restartEvery, temperature, scale, positiveWeight },
    },
    finish: (state, record) => ({ model, parameters: loop.keep(state.ema), record }),
  });
}
