import * as tf from "@tensorflow/tfjs-core";
import type { CaptionedDataset, Split } from "../../../datasets/index.js";
import { compile } from "../../engine/compile.js";
import * as random from "../../engine/random.js";
import type { Tensor } from "../../engine/tensor.js";
import * as tree from "../../engine/tree.js";
import { check } from "../../errors.js";
import { type EncodedText, type FrozenFlow, pairErrors } from "../../softrepa/contrastive.js";
import { infoNceBound } from "../../softrepa/contrastive-loss.js";
import { tokensAt } from "../../softrepa/frozen-flow.js";
import type { Tokens } from "./measure.js";

export type InformationPlan = {
  /** Captions that are told apart at a time. */
  captions: number;
  /** Each measured apart. */
  times: number[];
  /** Batches at each time, each with its own noise. */
  draws: number;
  /** As many again, of other examples, on which the temperature is fitted. */
  fit: number;
};

/** What denoising errors at one time tell of captions; JSON. */
export type InformationAt = {
  t: number;
  /** Of logits -E / temperature: the one that tells the captions of other examples apart best. */
  temperature: number;
  /** InfoNCE's lower bound on the mutual information of noisy image and caption, in nats. */
  bound: number;
  /** How often the own caption has the least error. */
  accuracy: number;
};

/** Of all times; JSON. */
export type Information = {
  /** Means over the times. */
  bound: number;
  accuracy: number;
  /** The bound's largest possible value, ln(captions). */
  ceiling: number;
  times: InformationAt[];
};

/** Rows of errors of images with captions, each image's own in its own place. */
type Errors = readonly (readonly number[])[];

/** Mutual information bounds on examples of a split, time by time; always on the same noise. */
export async function information(
  flow: FrozenFlow,
  tokens: Tokens,
  data: CaptionedDataset,
  split: Split,
  { captions: count, times, draws, fit }: InformationPlan,
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
  const drawn = async (t: number, each: random.Key): Promise<Errors> => {
    const [dataKey, noiseKey] = random.split(each);
    const { x, captions } = data.sample(dataKey, count, split);
    const inputs = {
      x: tf.tensor(x, [count, ...flow.shape]) as Tensor,
      noise: tf.tensor(random.normal(noiseKey, x.length / count), [1, ...flow.shape]) as Tensor,
      t: tf.tensor1d([t]) as Tensor,
      ids: flow.tokenize(captions),
    };
    const matrix = await errors(parameters, inputs);
    const rows = (matrix as tf.Tensor2D).arraySync();
    tree.dispose([inputs, matrix]);
    return rows;
  };
  const found: InformationAt[] = [];
  for (const [i, t] of times.entries()) {
    const [fitted, measured]: [Errors[], Errors[]] = [[], []];
    for (let j = 0; j < fit + draws; j++)
      (j < fit ? fitted : measured).push(await drawn(t, random.foldIn(random.foldIn(key, i), j)));
    const temperature = fittedTemperature(fitted);
    const { loss, accuracy } = crossEntropy(measured, temperature);
    found.push({ t, temperature, bound: infoNceBound(loss, count), accuracy });
  }
  const mean = (of: (at: InformationAt) => number): number =>
    found.reduce((sum, at) => sum + of(at) / found.length, 0);
  return {
    bound: mean(({ bound }) => bound),
    accuracy: mean(({ accuracy }) => accuracy),
    ceiling: Math.log(count),
    times: found,
  };
}

/** Mean softmax cross-entropy of each row with its own place, logits -E / temperature, and how often the own error is the least. */
export function crossEntropy(
  matrices: readonly Errors[],
  temperature: number,
): { loss: number; accuracy: number } {
  const sums = { loss: 0, right: 0, rows: 0 };
  for (const rows of matrices)
    for (const [i, row] of rows.entries()) {
      const least = Math.min(...row);
      const total = row.reduce((sum, error) => sum + Math.exp((least - error) / temperature), 0);
      sums.loss += Math.log(total) + (row[i]! - least) / temperature;
      sums.right += row[i] === least ? 1 : 0;
      sums.rows++;
    }
  return { loss: sums.loss / sums.rows, accuracy: sums.right / sums.rows };
}

/** Between which temperatures the best one is looked for. */
const range = [1e-5, 10] as const;

/**
 * With one row more, in which a wrong caption is better by the mean gap: where all rows were right, the best temperature would be 0, and the first wrong one of other
 * examples infinitely unlikely.
 */
export function withDoubt(matrices: readonly Errors[]): Errors[] {
  const gaps = matrices.flatMap((rows) =>
    rows.map((row, i) => Math.abs(Math.min(...row.filter((_, j) => j !== i)) - row[i]!)),
  );
  const gap = gaps.reduce((sum, value) => sum + value / gaps.length, 0);
  return [...matrices, [[gap, 0]]];
}

/**
 * The temperature of the least cross-entropy, `withDoubt`, by golden sections of its logarithm: the cross-entropy is convex in 1 / temperature, so that it falls to
 * one side of the best and rises to the other.
 */
export function fittedTemperature(matrices: readonly Errors[]): number {
  check(matrices.length > 0, "matrices", matrices, "one or more");
  const doubted = withDoubt(matrices);
  const loss = (logarithm: number): number => crossEntropy(doubted, Math.exp(logarithm)).loss;
  const golden = (Math.sqrt(5) - 1) / 2;
  let [low, high] = range.map(Math.log) as [number, number];
  for (let i = 0; i < 40; i++) {
    const width = golden * (high - low);
    if (loss(high - width) < loss(low + width)) high = low + width;
    else low = high - width;
  }
  return Math.exp((low + high) / 2);
}
