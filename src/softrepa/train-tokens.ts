import type { Tensor } from "../engine/tensor.js";
import { check } from "../errors.js";
import { checkpointFolder } from "../io/checkpoint.js";
import { type CaptionedData, checkData } from "../loop/data.js";
import type { RunRecord } from "../loop/record.js";
import type { Run } from "../loop/run.js";
import * as loop from "../loop/train.js";
import type { TrainingConfig } from "../optim/method.js";
import { cosineRestarts } from "../optim/schedules.js";
import { attributeNegatives } from "./attribute-negatives.js";
import { checkCaptions } from "./captions.js";
import { type ContrastiveConfig, contrastive, type FrozenFlow } from "./contrastive.js";
import { checkContrastive } from "./contrastive-loss.js";
import { checkFlow } from "./frozen-flow.js";
import { captionVectors, nearestNegatives } from "./nearest-negatives.js";
import type { HardNegatives } from "./negatives.js";
import { type SoftTokens, type SoftTokensConfig, softTokens } from "./tokens.js";

/** Trained soft tokens: with the flow they were trained on they make a model, `saveTokens` makes them a small file. */
export interface TrainedTokens {
  readonly model: SoftTokens;
  /** Average over training [P]. */
  readonly parameters: Tensor;
  readonly record: RunRecord;
}

/** Options of `trainTokens`. */
export interface SoftTokenTraining
  extends Omit<loop.RunOptions, "steps">,
    TrainingConfig,
    Omit<SoftTokensConfig, "dim" | "textDim">,
    Omit<ContrastiveConfig, "flow" | "tokens" | "captions" | "negatives" | keyof TrainingConfig> {
  /**
   * Tokens as wide as the text before the flow's embedder, which they pass, as SoftREPA trains those of SD3; default false: as wide as the transformer, as they
   * are released.
   */
  beforeEmbedder?: boolean;
  /**
   * Hard negatives: "attributes", the picture's caption with one attribute changed or two exchanged, for data that know what their captions mean; "nearest",
   * the nearest captions in the flow's own text vectors; or your own. Default none, as published.
   */
  negatives?: "attributes" | "nearest" | HardNegatives;
  /** Default 400. */
  steps?: number;
  /** b: images of a step, each with all b captions. Default 8. */
  batchSize?: number;
  /** Steps from one restart of the cosine schedule to the next. Default 5000, as published, or half of `steps` where that is less. */
  restartEvery?: number;
  /** The rate to which the cosine falls. Default 1e-5, as published. */
  rateFloor?: number;
  /** For legends. Default "soft tokens". */
  name?: string;
}

/**
 * Trains soft tokens for a frozen flow by SoftREPA's contrastive loss (2503.08250): AdamW, a rate of 1e-3 that falls along a cosine to a floor and starts again
 * (in the published code in ten steps along the same cosine).
 * @param flow a trained flow, which stays as it is.
 * @throws TangentLabError `invalid-argument` for options out of range, among them negatives by attributes for captions without known attributes.
 */
export function trainTokens(
  data: CaptionedData,
  flow: FrozenFlow & { readonly tokenDim: number },
  options: SoftTokenTraining = {},
): Run<TrainedTokens> {
  checkData(data);
  checkFlow(flow);
  check.only("trainTokens", options, [
    ...loop.trainingOptions,
    ...["layers", "tokens", "timeRows", "start", "timeStart", "standardDeviation"],
    ...["logits", "temperature", "scale", "positiveWeight", "tMin", "tMax", "timesPerStep", "chunk"],
    ...["contrast", "beforeEmbedder", "negatives", "restartEvery", "rateFloor"],
  ]);
  checkCaptions("captions", data.captions);
  const { name = "soft tokens", steps = 400, batchSize = 8, beforeEmbedder = false, ...rest } = options;
  const { restartEvery = Math.min(5000, Math.max(1, Math.ceil(steps / 2))), learningRate = 1e-3 } = options;
  const { rateFloor = 1e-5, tMin = 0, tMax = 1, timesPerStep = 1, contrast = true } = options;
  check.number("rateFloor", rateFloor, (rate) => rate >= 0 && Number.isFinite(rate), "a finite number >= 0");
  if (beforeEmbedder)
    check(flow.embedText !== undefined, "beforeEmbedder", true, "false: the flow has no embedder of text");
  check.flag("beforeEmbedder", beforeEmbedder);
  check.count("steps", steps);
  check.count("restartEvery", restartEvery);
  const { layers, tokens, timeRows, start, timeStart, standardDeviation } = options;
  const chosen = { layers, tokens, timeRows, start, timeStart, standardDeviation };
  const model = softTokens({
    ...(Object.fromEntries(
      Object.entries(chosen).filter(([, value]) => value !== undefined),
    ) as Partial<SoftTokensConfig>),
    dim: flow.tokenDim,
    textDim: beforeEmbedder ? flow.textDim : undefined,
  });
  const loss = checkContrastive(options);
  const negatives = negativesOf(options.negatives, data, flow);
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
        typeof learningRate === "number"
          ? cosineRestarts(learningRate, restartEvery, { final: Math.min(1, rateFloor / learningRate) })
          : learningRate,
      flow,
      tokens: model,
      captions: data.captions,
      negatives,
    }),
    settings: {
      ...loop.optimizerSettings(options),
      layers: model.layers,
      tokens: model.tokens,
      timeRows: model.timeRows,
      restartEvery,
      rateFloor,
      beforeEmbedder,
      tMin,
      tMax,
      timesPerStep,
      contrast,
      ...(contrast ? loss : { positiveWeight: options.positiveWeight ?? 1 }),
      negatives: typeof options.negatives === "object" ? "own" : (options.negatives ?? null),
    },
    finish: (state, record) => ({ model, parameters: loop.keep(state.ema), record }),
  });
}

function negativesOf(
  given: SoftTokenTraining["negatives"],
  data: CaptionedData,
  flow: FrozenFlow,
): HardNegatives | undefined {
  if (given === "attributes") return attributeNegatives(data);
  if (given === "nearest") return nearestNegatives(data, () => captionVectors(flow, data.captions));
  check(
    given === undefined || (typeof given === "object" && given !== null),
    "negatives",
    given,
    '"attributes", "nearest" or { of, count }',
  );
  return given;
}
