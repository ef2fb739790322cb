import { check } from "../errors.js";
import { checkpointFolder } from "../io/checkpoint.js";
import { type CaptionedData, checkData, imageShape } from "../loop/data.js";
import type { RunRecord } from "../loop/record.js";
import type { Run } from "../loop/run.js";
import * as loop from "../loop/train.js";
import type { TrainingConfig } from "../optim/method.js";
import { checkCaptions } from "./captions.js";
import { type FlowMatchingConfig, flowMatching } from "./flow-matching.js";
import { type JointTransformerConfig, jointTransformer } from "./joint-transformer.js";
import { textEncoder } from "./text/encoder.js";
import { trainVocabulary } from "./text/vocabulary.js";
import { textToImage } from "./text-to-image.js";
import type { Flow, TextEncoder, VelocityNetwork } from "./types.js";

/** A trained text-to-image flow, with the average over training as its parameters: what soft tokens, generation and editing take. */
export interface TrainedFlow extends Flow {
  readonly record: RunRecord;
}

/** Options of `trainFlow`. */
export interface FlowTraining
  extends Omit<loop.RunOptions, "steps">,
    TrainingConfig,
    Pick<FlowMatchingConfig, "captionDropout" | "time">,
    Pick<JointTransformerConfig, "patch" | "layers" | "heads" | "headDim" | "qkNorm"> {
  /** Default 2000. */
  steps?: number;
  /** Default 64. */
  batchSize?: number;
  /** Start from this flow's parameters, with its network and text encoder, whose vocabulary the captions' words must be of: fine-tuning. Default random ones. */
  from?: Flow;
  /** Another network than the joint-attention transformer of `layers`, `heads`, ...; it must read what `text` gives. */
  network?: VelocityNetwork;
  /** Default a small transformer over the words of the data's captions, as long as the longest caption and at least 16. */
  text?: TextEncoder;
  /** For legends. Default "flow". */
  name?: string;
}

/**
 * Trains a text-to-image model by rectified flow (2209.03003), the text encoder with it; or goes on with a trained one on these data. Iterate over the run, or
 * await it.
 * @throws TangentLabError `invalid-argument` for points instead of images and for options out of range.
 */
export function trainFlow(data: CaptionedData, options: FlowTraining = {}): Run<TrainedFlow> {
  checkData(data);
  check.only("trainFlow", options, [
    ...[...loop.trainingOptions, "captionDropout", "time", "from", "network", "text"],
    ...["patch", "layers", "heads", "headDim", "qkNorm"],
  ]);
  checkCaptions("captions", data.captions);
  const { name = "flow", steps = 2000, batchSize = 64, captionDropout = 0.1, time, ...rest } = options;
  const image = imageShape(data);
  check(image !== undefined, "data.shape", data.shape, "[size, size, channels]");
  const { from } = options;
  if (from !== undefined) {
    checkStart("from", from, data);
    for (const name of ["network", "text", "patch", "layers", "heads", "headDim", "qkNorm"] as const)
      check(options[name] === undefined, name, options[name], "none beside from, whose it is");
  }
  const { text = from?.model.text ?? captionEncoder(data.captions) } = options;
  check(typeof text?.tokenize === "function", "text", text, "textEncoder(...) or embeddedText(...)");
  const { textDim, pooledDim } = text;
  const { patch, layers, heads, headDim, qkNorm } = options;
  const sizes = Object.fromEntries(
    Object.entries({ patch, layers, heads, headDim, qkNorm }).filter(([, value]) => value !== undefined),
  );
  const { network = from?.model.network ?? jointTransformer({ ...image, textDim, pooledDim, ...sizes }) } =
    options;
  check(typeof network?.apply === "function", "network", network, "jointTransformer(...) or crossUnet(...)");
  check(`${network.shape}` === `${data.shape}`, "network.shape", network.shape, `[${data.shape}]`);
  const model = from?.model ?? textToImage(network, text);
  return loop.train({
    ...rest,
    steps,
    batchSize,
    name,
    kind: "flow",
    checkpoint: checkpointFolder(options.checkpoint),
    data,
    from: from?.parameters,
    method: flowMatching({
      ...rest,
      flow: model,
      captions: data.captions,
      captionDropout,
      ...(time !== undefined && { time }),
    }),
    settings: {
      ...loop.optimizerSettings(options),
      attention: network.attention,
      layers: network.layers,
      width: network.tokenDim,
      ...sizes,
      captionDropout,
      textLength: text.length,
      network: model.structure.size,
      ...(from && { tuned: true }),
      ...(time && { time: time === "uniform" ? time : { ...time } }),
    },
    finish: (state, record) => ({ ...model.freeze(loop.keep(state.ema)), model, record }),
  });
}

/** That training can start from a flow. @throws TangentLabError `invalid-argument` naming the argument. */
export function checkStart(argument: "from" | "flow", flow: Flow, data: CaptionedData): void {
  const trained = flow?.parameters !== undefined && typeof flow.model?.freeze === "function";
  check(trained, argument, flow, "a trained flow, of trainFlow or loadFlow: await its run first");
  check(`${flow.shape}` === `${data.shape}`, `${argument}.shape`, flow.shape, `[${data.shape}], as the data`);
  checkCaptions("captions", data.captions);
  const unknown = flow.model.text.unknownWords(data.captions);
  check(unknown.length === 0, argument, unknown, "a flow that knows the words of the captions");
}

/** A text encoder whose vocabulary and length fit the captions. */
export function captionEncoder(captions: readonly string[]): TextEncoder {
  const vocabulary = trainVocabulary(captions);
  const longest = captions.reduce((most, caption) => Math.max(most, vocabulary.numbers(caption).length), 0);
  return textEncoder({ vocabulary, length: Math.max(16, longest + 2) });
}
