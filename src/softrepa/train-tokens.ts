import type { Tensor } from "../engine/tensor.js";
import { check } from "../errors.js";
import { checkpointFolder } from "../io/checkpoint.js";
import { type CaptionedData, checkData } from "../loop/data.js";
import type { RunRecord } from "../loop/record.js";
import type { Run } from "../loop/run.js";
import * as loop from "../loop/train.js";
import { checkCaptions } from "./captions.js";
import type { FrozenFlow } from "./contrastive.js";
import { type ContrastiveTraining, contrastiveMethod, contrastiveOptions } from "./contrastive-training.js";
import { checkFlow } from "./frozen-flow.js";
import { type SoftTokens, type SoftTokensConfig, softTokens } from "./tokens.js";

/** Trained soft tokens: with the flow they were trained on they make a model, `saveTokens` makes them a small file. */
export interface TrainedTokens {
  readonly model: SoftTokens;
  /** Average over training [P]. */
  readonly parameters: Tensor;
  readonly record: RunRecord;
}

/** Options of `trainTokens`. */
export interface SoftTokenTraining extends ContrastiveTraining, Omit<SoftTokensConfig, "dim" | "textDim"> {
  /**
   * Tokens as wide as the text before the flow's embedder, which they pass, as SoftREPA trains those of SD3; default false: as wide as the transformer, as they
   * are released.
   */
  beforeEmbedder?: boolean;
  /** For legends. Default "soft tokens". */
  name?: string;
}

/**
 * Trains soft tokens for a frozen flow by SoftREPA's contrastive loss (2503.08250): AdamW, a rate of 1e-3 that falls along a cosine to a floor and starts again
 * (in the published code in ten steps along the same cosine).
 * @param flow a trained flow, which stays as it is.
 * @throws TangentLabError `invalid-argument` for options out of range, a flow of another shape than the data's, captions that it cannot take and negatives of other
 * captions.
 */
export function trainTokens(
  data: CaptionedData,
  flow: FrozenFlow & { readonly tokenDim: number },
  options: SoftTokenTraining = {},
): Run<TrainedTokens> {
  checkData(data);
  checkFlow(flow);
  check(`${flow.shape}` === `${data.shape}`, "flow.shape", flow.shape, `[${data.shape}], as the data`);
  check.only("trainTokens", options, [
    ...contrastiveOptions,
    ...["layers", "tokens", "timeRows", "start", "timeStart", "standardDeviation", "beforeEmbedder"],
  ]);
  checkCaptions("captions", data.captions);
  const { name = "soft tokens", steps = 400, batchSize = 8, beforeEmbedder = false } = options;
  if (beforeEmbedder)
    check(flow.embedText !== undefined, "beforeEmbedder", true, "false: the flow has no embedder of text");
  check.flag("beforeEmbedder", beforeEmbedder);
  const { layers, tokens, timeRows, start, timeStart, standardDeviation } = options;
  const chosen = { layers, tokens, timeRows, start, timeStart, standardDeviation };
  const model = softTokens({
    ...(Object.fromEntries(
      Object.entries(chosen).filter(([, value]) => value !== undefined),
    ) as Partial<SoftTokensConfig>),
    dim: flow.tokenDim,
    textDim: beforeEmbedder ? flow.textDim : undefined,
  });
  const { method, settings } = contrastiveMethod(data, flow, model, options, 1e-3);
  return loop.train({
    ...options,
    steps,
    batchSize,
    name,
    kind: "soft-tokens",
    checkpoint: checkpointFolder(options.checkpoint),
    data,
    method,
    settings: {
      ...settings,
      layers: model.layers,
      tokens: model.tokens,
      timeRows: model.timeRows,
      beforeEmbedder,
    },
    finish: (state, record) => ({ model, parameters: loop.keep(state.ema), record }),
  });
}
