import type { Tensor } from "../engine/tensor.js";
import { check } from "../errors.js";
import type { TrainingConfig } from "../optim/method.js";
import { type FlowMatchingConfig, flowMatching } from "../softrepa/flow-matching.js";
import { type JointTransformerConfig, jointTransformer } from "../softrepa/joint-transformer.js";
import { textEncoder } from "../softrepa/text/encoder.js";
import { trainVocabulary } from "../softrepa/text/vocabulary.js";
import { textToImage } from "../softrepa/text-to-image.js";
import type { TextEncoder, TextToImage, VelocityNetwork } from "../softrepa/types.js";
import { optimizerSettings } from "./denoiser.js";
import { imageShape } from "./networks.js";
import type { RunRecord } from "./record.js";
import type { Run } from "./run.js";
import type { CaptionedData } from "./soft-tokens.js";
import { keep, type RunOptions, train } from "./train.js";

/** A trained text-to-image flow; `model.freeze(parameters)` is what soft tokens, generation and editing take. */
export interface TrainedFlow {
  readonly model: TextToImage;
  /** Average over training [P]. */
  readonly parameters: Tensor;
  readonly record: RunRecord;
}

export interface FlowTraining
  extends Omit<RunOptions, "steps">,
    TrainingConfig,
    Pick<FlowMatchingConfig, "captionDropout" | "time">,
    Pick<JointTransformerConfig, "patch" | "layers" | "heads" | "headDim" | "qkNorm"> {
  /** Default 2000. */
  steps?: number;
  /** Default 64. */
  batchSize?: number;
  /** Another network than the joint-attention transformer of `layers`, `heads`, ...; it must read what `text` gives. */
  network?: VelocityNetwork;
  /** Default a small transformer over the words of the data's captions, as long as the longest caption and at least 16. */
  text?: TextEncoder;
  /** For legends. Default "flow". */
  name?: string;
}

/**
 * Trains a text-to-image model by rectified flow (2209.03003), the text encoder with it. Iterate over the run, or await it.
 * @throws TangentLabError `invalid-argument` for points instead of images and for options out of range.
 */
export function trainFlow(data: CaptionedData, options: FlowTraining = {}): Run<TrainedFlow> {
  const { name = "flow", steps = 2000, batchSize = 64, captionDropout = 0.1, time, ...rest } = options;
  const image = imageShape(data);
  check(image !== undefined, "data.shape", data.shape, "[size, size, channels]");
  const text = options.text ?? captionEncoder(data.captions);
  const { textDim, pooledDim } = text;
  const { patch, layers, heads, headDim, qkNorm } = options;
  const sizes = Object.fromEntries(
    Object.entries({ patch, layers, heads, headDim, qkNorm }).filter(([, value]) => value !== undefined),
  );
  const network = options.network ?? jointTransformer({ ...image, textDim, pooledDim, ...sizes });
  check(`${network.shape}` === `${data.shape}`, "network.shape", network.shape, `[${data.shape}]`);
  const model = textToImage(network, text);
  return train({
    ...rest,
    steps,
    batchSize,
    name,
    kind: "flow",
    data,
    method: flowMatching({
      ...rest,
      flow: model,
      captions: data.captions,
      captionDropout,
      ...(time && { time }),
    }),
    settings: {
      ...optimizerSettings(options),
      ...{ attention: network.attention, layers: network.layers, width: network.tokenDim, ...sizes },
      ...{ captionDropout, textLength: text.length, network: model.structure.size },
      ...(time && { time: time === "uniform" ? time : { ...time } }),
    },
    finish: (state, record) => ({ model, parameters: keep(state.ema), record }),
  });
}

/** A text encoder that knows the captions' words and has room for the longest caption. */
export function captionEncoder(captions: readonly string[]): TextEncoder {
  const vocabulary = trainVocabulary(captions);
  const longest = captions.reduce((most, caption) => Math.max(most, vocabulary.numbers(caption).length), 0);
  return textEncoder({ vocabulary, length: Math.max(16, longest + 2) });
}
