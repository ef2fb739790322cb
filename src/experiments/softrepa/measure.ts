import * as tf from "@tensorflow/tfjs-core";
import {
  type Agreement,
  type Attributes,
  agreement,
  type CaptionedDataset,
  type Split,
} from "../../../datasets/index.js";
import { compile } from "../../engine/compile.js";
import * as random from "../../engine/random.js";
import type { Tensor } from "../../engine/tensor.js";
import * as tree from "../../engine/tree.js";
import type { TrainedDualEncoder } from "../../metrics/dual-encoder.js";
import { type DualEncoder, dualScore, oneHotWords } from "../../metrics/dual-encoder.js";
import { frechetDistance } from "../../metrics/frechet.js";
import { type EncodedText, type FrozenFlow, pairErrors } from "../../softrepa/contrastive.js";
import { contrastiveLoss, infoNceBound } from "../../softrepa/contrastive-loss.js";
import { tokensAt } from "../../softrepa/frozen-flow.js";
import { generate } from "../../softrepa/generate.js";
import type { LoadedTokens } from "../../softrepa/token-file.js";

/** Soft tokens, or none. */
export type Tokens = Pick<LoadedTokens, "model" | "parameters"> | undefined;

/** What judges: the dataset's own read-out and a dual encoder trained apart. */
export interface Judges {
  data: CaptionedDataset;
  dual: TrainedDualEncoder;
  /** Token numbers of a caption. */
  ids(captions: readonly string[]): number[];
}

/** How well generated images are what their captions ask for; JSON. */
export type Quality = {
  /** Exact read-out against the captions' attributes. */
  agreement: Agreement;
  /** Mean cosine of image and caption in the dual encoder. */
  dualScore: number;
  /** Fréchet distance to real images of the same captions, in the dual encoder's image features. */
  frechet: number;
};

export type GeneratePlan = {
  /** Images of each split. */
  images: number;
  steps: number;
  guidance: number;
};

/** Captions of a split, with what they ask for and real images of it. */
export interface Prompts {
  captions: string[];
  attributes: Attributes[];
  real: Float32Array;
}

export function drawPrompts(data: CaptionedDataset, key: random.Key, count: number, split: Split): Prompts {
  const { x, captions, attributes } = data.sample(key, count, split);
  return { captions, attributes, real: x };
}

/** Generates an image of every prompt, always from the same noise, and judges it. */
export async function quality(
  flow: FrozenFlow,
  tokens: Tokens,
  prompts: Prompts,
  { steps, guidance }: GeneratePlan,
  judges: Judges,
  key: random.Key,
): Promise<{ images: Float32Array; quality: Quality }> {
  const { captions, attributes, real } = prompts;
  const images = (await generate(flow, { captions, tokens, steps, guidance, key })).map((value) =>
    Math.max(-1, Math.min(1, value)),
  );
  const [ours, theirs] = [await judge(images, captions, judges), await judge(real, captions, judges)];
  return {
    images,
    quality: {
      agreement: agreement(judges.data.readOut!(images), attributes),
      dualScore: mean(ours.cosine),
      frechet: frechetDistance(ours.features, theirs.features, {
        dim: ours.features.length / captions.length,
      }),
    },
  };
}

/** Cosines with the captions and image features by the dual encoder. */
export async function judge(
  images: Float32Array,
  captions: readonly string[],
  { data, dual, ids }: Judges,
): Promise<{ cosine: Float32Array; features: Float32Array }> {
  const score = compile(dualScore(dual.encoder as DualEncoder));
  const size = Math.min(64, captions.length);
  const width = data.shape.reduce((a, b) => a * b, 1);
  const cosine: number[] = [];
  const features: number[] = [];
  for (let from = 0; from < captions.length; from += size) {
    const own = captions.slice(from, from + size);
    // The last batch is filled up, so that one compiled function serves for all.
    const filled = [...own, ...Array<string>(size - own.length).fill(own[0]!)];
    const x = new Float32Array(size * width);
    x.set(images.subarray(from * width, (from + own.length) * width));
    const inputs = {
      x: tf.tensor(x, [size, ...data.shape]) as Tensor,
      words: oneHotWords(ids(filled), dual.encoder),
    };
    const result = await score(dual.parameters, inputs.x, inputs.words);
    cosine.push(...(result.cosine.dataSync() as Float32Array).subarray(0, own.length));
    features.push(
      ...(result.features.dataSync() as Float32Array).subarray(0, (own.length * result.features.size) / size),
    );
    tree.dispose([inputs, result]);
  }
  return { cosine: Float32Array.from(cosine), features: Float32Array.from(features) };
}

export type InformationPlan = {
  /** Captions that are told apart at a time. */
  captions: number;
  /** Batches, each with its own noise and time. */
  batches: number;
};

/** What denoising errors tell of captions; JSON. */
export type Information = {
  /** InfoNCE's lower bound on the mutual information of image and caption, in nats, with the loss's own critic. */
  bound: number;
  /** Its largest possible value, ln(captions). */
  ceiling: number;
  /** How often the own caption has the least error. */
  accuracy: number;
};

/** Mutual information bound on examples of a split, with and without tokens on the same noise and times. */
export async function information(
  flow: FrozenFlow,
  tokens: Tokens,
  data: CaptionedDataset,
  split: Split,
  { captions: count, batches }: InformationPlan,
  key: random.Key,
): Promise<Information> {
  const errors = compile(
    (
      parameters: { flow: Tensor; tokens?: Tensor },
      inputs: { x: Tensor; noise: Tensor; t: Tensor; ids: Tensor },
    ) => {
      const text: EncodedText = flow.encode(parameters.flow, inputs.ids);
      const soft = tokens && tokensAt(flow, parameters.flow, tokens.model, parameters.tokens!, inputs.t);
      return pairErrors(flow, parameters.flow, inputs.x, inputs.noise, inputs.t, text, soft);
    },
  );
  const parameters = { flow: flow.parameters, ...(tokens && { tokens: tokens.parameters }) };
  const sums = { crossEntropy: 0, accuracy: 0 };
  for (let i = 0; i < batches; i++) {
    const [dataKey, noiseKey, timeKey] = random.split(random.foldIn(key, i), 3);
    const { x, captions } = data.sample(dataKey, count, split);
    const inputs = {
      x: tf.tensor(x, [count, ...flow.shape]) as Tensor,
      noise: tf.tensor(random.normal(noiseKey, x.length / count), [1, ...flow.shape]) as Tensor,
      t: tf.tensor1d(random.uniform(timeKey, 1)) as Tensor,
      ids: flow.tokenize(captions),
    };
    const matrix = await errors(parameters, inputs);
    tf.tidy(() => {
      const { crossEntropy, accuracy } = contrastiveLoss(matrix, tf.eye(count));
      sums.crossEntropy += crossEntropy.dataSync()[0]! / batches;
      sums.accuracy += accuracy.dataSync()[0]! / batches;
    });
    tree.dispose([inputs, matrix]);
  }
  return { bound: infoNceBound(sums.crossEntropy, count), ceiling: Math.log(count), accuracy: sums.accuracy };
}

export const mean = (values: ArrayLike<number>): number =>
  Array.from(values).reduce((sum, value) => sum + value, 0) / values.length;
