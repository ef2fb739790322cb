import * as tf from "@tensorflow/tfjs-core";
import {
  type Agreement,
  type Attributes,
  agreement,
  type CaptionedDataset,
  type Split,
} from "../../../datasets/index.js";
import { compile } from "../../engine/compile.js";
import type * as random from "../../engine/random.js";
import type { Tensor } from "../../engine/tensor.js";
import * as tree from "../../engine/tree.js";
import type { TrainedDualEncoder } from "../../metrics/dual-encoder.js";
import { type DualEncoder, dualScore, oneHotWords } from "../../metrics/dual-encoder.js";
import { frechetDistance } from "../../metrics/frechet.js";
import type { FrozenFlow } from "../../softrepa/contrastive.js";
import { generate } from "../../softrepa/generate.js";
import type { LoadedTokens } from "../../softrepa/token-file.js";
import { type Verdicts, verdicts } from "./verdicts.js";

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
export type Quality = Verdicts & {
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
  /** Of seen combinations, the first of these captions with several guidances. */
  curve: { images: number; guidance: number[] };
};

/** Quality with one guidance; JSON. */
export type GuidedQuality = Quality & { guidance: number };

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

/** The first of several prompts. */
export const firstOf = ({ captions, attributes, real }: Prompts, count: number): Prompts => ({
  captions: captions.slice(0, count),
  attributes: attributes.slice(0, count),
  real: real.subarray(0, (real.length / captions.length) * count),
});

/** Generates an image of every prompt, always from the same noise, and judges it. */
export async function quality(
  flow: FrozenFlow,
  tokens: Tokens,
  prompts: Prompts,
  { steps, guidance }: Pick<GeneratePlan, "steps" | "guidance">,
  judges: Judges,
  key: random.Key,
): Promise<{ images: Float32Array; quality: GuidedQuality }> {
  const { captions } = prompts;
  const images = (await generate(flow, { captions, tokens, steps, guidance, key })).map((value) =>
    Math.max(-1, Math.min(1, value)),
  );
  return { images, quality: { guidance, ...(await qualityOf(images, prompts, judges)) } };
}

/** Judges images of prompts. */
export async function qualityOf(
  images: Float32Array,
  { captions, attributes, real }: Prompts,
  judges: Judges,
): Promise<Quality> {
  const [ours, theirs] = [await judge(images, captions, judges), await judge(real, captions, judges)];
  const shown = judges.data.readOut!(images);
  return {
    ...verdicts(judges.data, shown, attributes),
    agreement: agreement(shown, attributes),
    dualScore: mean(ours.cosine),
    frechet: frechetDistance(ours.features, theirs.features, {
      dim: ours.features.length / captions.length,
    }),
  };
}

const scores = new WeakMap<DualEncoder, ReturnType<typeof compiledScore>>();
const compiledScore = (encoder: DualEncoder) => compile(dualScore(encoder));

/** Compiled once for all pictures that are judged. */
function scoreOf(encoder: DualEncoder): ReturnType<typeof compiledScore> {
  const known = scores.get(encoder) ?? compiledScore(encoder);
  scores.set(encoder, known);
  return known;
}

/** Cosines with the captions and image features by the dual encoder. */
export async function judge(
  images: Float32Array,
  captions: readonly string[],
  { data, dual, ids }: Judges,
): Promise<{ cosine: Float32Array; features: Float32Array }> {
  const score = scoreOf(dual.encoder);
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

export const mean = (values: ArrayLike<number>): number =>
  Array.from(values).reduce((sum, value) => sum + value, 0) / values.length;
