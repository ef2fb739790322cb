import * as tf from "@tensorflow/tfjs-core";
import * as random from "../engine/random.js";
import type { Tensor } from "../engine/tensor.js";
import type { Tree } from "../engine/tree.js";
import { check, required } from "../errors.js";
import { checkpointFolder } from "../io/checkpoint.js";
import { type CaptionedData, checkCaptionLabels, checkData, checkShape, imageShape } from "../loop/data.js";
import type { RunRecord } from "../loop/record.js";
import type { Run } from "../loop/run.js";
import * as loop from "../loop/train.js";
import { convFeatures, type FeatureModel } from "../nn/features.js";
import { type Affine, linear, silu } from "../nn/functional.js";
import { denseInit } from "../nn/initializers.js";
import { flatten, type Model, type Network } from "../nn/network.js";
import { type Method, method, type TrainingConfig } from "../optim/method.js";

/** Options of `dualEncoder`. */
export interface DualEncoderConfig {
  /** Height and width of the images, a multiple of 8. */
  size: number;
  channels: number;
  /** Number of different tokens, and tokens of a caption. */
  vocabulary: number;
  length: number;
  /** Dimension of the common space. Default 64. */
  dim?: number;
}

/** A judge of images and captions on a flat vector of parameters: directions of unit length [batch, dim] in one space. */
export interface DualEncoder {
  readonly model: Model<[images: Tensor, words: Tensor], { images: Tensor; captions: Tensor; scale: Tensor }>;
  readonly vocabulary: number;
  readonly length: number;
}

/**
 * A small CLIP (Radford et al., 2103.00020): a convolutional image tower and a text tower of words at their places, trained apart from every model it judges.
 * `words` are one-hot rows, [captions, length * vocabulary]: see `oneHotWords`.
 * @throws TangentLabError `invalid-argument` for sizes that are not counts or do not fit the image tower.
 */
export function dualEncoder(config: DualEncoderConfig): DualEncoder {
  required("config", config, "an object with size, channels, vocabulary and length");
  const { size, channels, vocabulary, length, dim = 64 } = config;
  check.only("dualEncoder", config, ["size", "channels", "vocabulary", "length", "dim"]);
  for (const [name, value] of Object.entries({ channels, vocabulary, length, dim })) check.count(name, value);
  const tower: FeatureModel = flatten(
    convFeatures({ size, inChannels: channels, labels: dim, channels: [16, 32, 64], groups: 8 }),
  );
  const hidden = 128;
  const network: Network<[Tensor, Tensor], { images: Tensor; captions: Tensor; scale: Tensor }> = {
    init: (key) => {
      const keys = random.split(key, 4);
      return {
        images: tower.init(keys[0]),
        // Only one word of the vocabulary is at each place: the others do not count as inputs.
        words: { ...denseInit(keys[1], length * vocabulary, hidden, Math.sqrt(vocabulary)) },
        hidden: denseInit(keys[2], hidden, hidden, Math.SQRT2),
        captions: denseInit(keys[3], hidden, dim),
        scale: tf.tensor1d([Math.log(10)]),
      };
    },
    apply: (parameters, images, words) => {
      const p = parameters as Record<"words" | "hidden" | "captions", Affine> &
        Record<"images" | "scale", Tensor>;
      const text = linear(silu(linear(silu(linear(words, p.words)), p.hidden)), p.captions);
      return {
        images: normalize(tower.apply(p.images, images).labels),
        captions: normalize(text),
        scale: tf.exp(p.scale),
      };
    },
  };
  return { model: flatten(network), vocabulary, length };
}

const normalize = (x: Tensor): Tensor => tf.mul(x, tf.rsqrt(tf.add(tf.sum(tf.square(x), -1, true), 1e-8)));

/**
 * Captions' token numbers [captions * length] as one-hot rows [captions, length * vocabulary].
 * @throws TangentLabError `invalid-argument` for a number outside of the vocabulary.
 */
export function oneHotWords(
  ids: ArrayLike<number>,
  { length, vocabulary }: Pick<DualEncoder, "length" | "vocabulary">,
): Tensor {
  for (const [name, value] of Object.entries({ length, vocabulary })) check.count(name, value);
  const whole = typeof ids?.length === "number" && ids.length > 0 && ids.length % length === 0;
  check(whole, "ids", ids, `${length} numbers of tokens for each caption`);
  const count = ids.length / length;
  const rows = new Float32Array(ids.length * vocabulary);
  for (let i = 0; i < ids.length; i++) {
    const id = ids[i]!;
    check(
      Number.isInteger(id) && id >= 0 && id < vocabulary,
      `ids[${i}]`,
      id,
      `an integer from 0 to ${vocabulary - 1}`,
    );
    rows[i * vocabulary + id] = 1;
  }
  return tf.tensor2d(rows, [count, length * vocabulary]);
}

/** Options of `pairing`. */
export interface PairingConfig extends TrainingConfig {
  encoder: DualEncoder;
  /** Shape of one image. */
  shape: readonly number[];
  /** Token numbers of captions; a batch's labels are indices into them. */
  ids: readonly (readonly number[])[];
}

/**
 * CLIP's training (2103.00020): symmetric cross-entropy of every image with all captions of the batch and the other way round. Metrics: loss, accuracy in [0,
 * 1].
 * @throws TangentLabError `invalid-argument` for a missing configuration and, in a batch, for missing labels.
 */
export function pairing(config: PairingConfig): Method {
  const { encoder, shape, ids, ...training } = required(
    "config",
    config,
    "an object with encoder, shape and ids",
  );
  checkEncoder(encoder);
  checkShape(shape);
  checkIds(ids, encoder.length);
  return method({
    ...training,
    init: encoder.model.init,
    batch: (_key, x, _iteration, labels) => {
      const count = x.length / shape.reduce((a, b) => a * b, 1);
      checkCaptionLabels(labels, count);
      return {
        x: tf.tensor(x, [count, ...shape]) as Tensor,
        words: oneHotWords(
          Array.from(labels).flatMap((label) => [...ids[label]!]),
          encoder,
        ),
      };
    },
    loss: (_parameters, { x, words }) => {
      const own = tf.eye(x.shape[0]!);
      return (parameters) => {
        const { images, captions, scale } = encoder.model.apply(parameters, x, words);
        const logits = tf.mul(tf.matMul(images, captions, false, true), scale);
        const crossEntropy = (rows: Tensor): Tensor =>
          tf.neg(tf.mean(tf.sum(tf.mul(tf.log(tf.add(tf.softmax(rows), 1e-12)), own), 1)));
        const best = tf.cast(tf.equal(logits, tf.max(logits, 1, true)), "float32");
        return {
          loss: tf.mul(tf.add(crossEntropy(logits), crossEntropy(tf.transpose(logits))), 0.5),
          aux: { accuracy: tf.mean(tf.sum(tf.mul(best, own), 1)) },
        };
      };
    },
  });
}

const checkEncoder = (encoder: DualEncoder): void =>
  check(typeof encoder?.model?.apply === "function", "encoder", encoder, "a judge: dualEncoder(...)");

/** That each caption has as many token numbers as the others. */
function checkIds(ids: readonly (readonly number[])[], length: number | undefined): void {
  const listed = Array.isArray(ids) && ids.length > 0 && ids.every(Array.isArray);
  check(listed, "ids", ids, "a list of token numbers for each caption");
  const other = ids.findIndex((each) => each.length !== (length ?? ids[0]!.length));
  check(other < 0, `ids[${other}]`, ids[other]?.length, `${length ?? ids[0]!.length} token numbers`);
}

/** Cosine of each image with its caption [batch], and the image features [batch, dim] for a Fréchet distance. Compile it. */
export function dualScore(
  encoder: DualEncoder,
): (parameters: Tensor, images: Tensor, words: Tensor) => { cosine: Tensor; features: Tensor } & Tree {
  checkEncoder(encoder);
  return (parameters, x, words) => {
    const { images, captions } = encoder.model.apply(parameters, x, words);
    return { cosine: tf.sum(tf.mul(images, captions), 1), features: images };
  };
}

/** A trained judge of images and captions: `dualScore(encoder)(parameters, ...)`. */
export interface TrainedDualEncoder {
  readonly encoder: DualEncoder;
  /** Average over training [P]. */
  readonly parameters: Tensor;
  readonly record: RunRecord;
}

/** Options of `trainDualEncoder`. */
export interface DualEncoderTraining extends Omit<loop.RunOptions, "steps">, TrainingConfig {
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

/**
 * Trains the judge of how well images [size, size, channels] and captions belong together. Iterate over the run, or await it.
 * @throws TangentLabError `invalid-argument` for points, for data without captions, for ids that are not one list for each caption, and for options out of range; while it runs as
 * `train`.
 */
export function trainDualEncoder(data: CaptionedData, options: DualEncoderTraining): Run<TrainedDualEncoder> {
  checkData(data);
  check(Array.isArray(data.captions), "data", "no captions", "captioned data: objects(), pairs(), emoji()");
  required("options", options, "an object with ids and vocabulary");
  check.only("trainDualEncoder", options, [...loop.trainingOptions, "ids", "vocabulary"]);
  const { name = "dual encoder", steps = 1000, batchSize = 64, ids, vocabulary, ...rest } = options;
  const image = imageShape(data);
  check(image !== undefined, "data.shape", data.shape, "[size, size, channels]");
  checkIds(ids, undefined);
  check(ids.length === data.captions.length, "ids", `${ids.length} captions`, `${data.captions.length}`);
  const encoder = dualEncoder({ ...image, vocabulary, length: ids[0]!.length });
  return loop.train({
    ...rest,
    steps,
    batchSize,
    name,
    kind: "dual-encoder",
    checkpoint: checkpointFolder(options.checkpoint),
    data,
    method: pairing({ ...rest, encoder, shape: data.shape, ids }),
    settings: { ...loop.optimizerSettings(options), vocabulary, length: encoder.length },
    finish: (state, record) => ({ encoder, parameters: loop.keep(state.ema), record }),
  });
}
