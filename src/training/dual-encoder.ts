import type { Tensor } from "../engine/tensor.js";
import { check } from "../errors.js";
import { type DualEncoder, dualEncoder, pairing } from "../metrics/dual-encoder.js";
import type { TrainingConfig } from "../optim/method.js";
import { optimizerSettings } from "./denoiser.js";
import { imageShape } from "./networks.js";
import type { RunRecord } from "./record.js";
import type { Run } from "./run.js";
import type { CaptionedData } from "./soft-tokens.js";
import { keep, type RunOptions, train } from "./train.js";

/** A trained judge of images and captions: `dualScore(encoder)(parameters, ...)`. */
export interface TrainedDualEncoder {
  readonly encoder: DualEncoder;
  /** Average over training [P]. */
  readonly parameters: Tensor;
  readonly record: RunRecord;
}

export interface DualEncoderTraining extends Omit<RunOptions, "steps">, TrainingConfig {
  /** Token numbers of each of the data's captions, all of one length. */
  ids: readonly (readonly number[])[];
  /** Number of different tokens. */
  vocabulary: number;
  /** Default 1000. */
  steps?: number;
  /** Default 64. */
  batchSize?: number;
  /** Default "dual encoder". */
  name?: string;
}

/** Trains the judge of how well images and captions belong together. Iterate over the run, or await it. */
export function trainDualEncoder(data: CaptionedData, options: DualEncoderTraining): Run<TrainedDualEncoder> {
  const { name = "dual encoder", steps = 1000, batchSize = 64, ids, vocabulary, ...rest } = options;
  const image = imageShape(data);
  check(image !== undefined, "data.shape", data.shape, "[size, size, channels]");
  check(ids.length === data.captions.length, "ids", `${ids.length} captions`, `${data.captions.length}`);
  const encoder = dualEncoder({ ...image, vocabulary, length: ids[0]!.length });
  return train({
    ...rest,
    steps,
    batchSize,
    name,
    kind: "dual-encoder",
    data,
    method: pairing({ ...rest, encoder, shape: data.shape, ids }),
    settings: { ...optimizerSettings(options), vocabulary, length: encoder.length },
    finish: (state, record) => ({ encoder, parameters: keep(state.ema), record }),
  });
}
