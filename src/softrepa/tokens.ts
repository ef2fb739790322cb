import * as tf from "@tensorflow/tfjs-core";
import * as random from "../engine/random.js";
import type { Tensor } from "../engine/tensor.js";
import type { Tree } from "../engine/tree.js";
import { check, required } from "../errors.js";
import { flatten, type Model } from "../nn/network.js";

/** How soft tokens start: small normal numbers, zeros, or near real text: the mean of given token embeddings [dim] plus small normal numbers. */
export type TokenStart = "normal" | "zeros" | { readonly near: ArrayLike<number> };

/** Options of `softTokens`. */
export interface SoftTokensConfig {
  /** L: the first layers that get tokens of their own. Default 5, as published for SD3. */
  layers?: number;
  /** m: tokens of each layer. Default 4. */
  tokens?: number;
  /** Dimension of the text tokens inside the transformer. */
  dim: number;
  /**
   * Dimension of tokens that pass the flow's context embedder on their way into the transformer, as in SoftREPA's training on SD3 (4,096); the time table, as
   * wide as the transformer, is added behind it. Default none: tokens have `dim` and are put in as they are, as in the released files.
   */
  textDim?: number | undefined;
  /** Rows of the time table over t in [0, 1]; 0 for tokens that do not depend on time. Default 100. */
  timeRows?: number;
  /** Default "normal". */
  start?: TokenStart;
  /** How the time table starts. Default normal numbers, as published; zeros where the tokens start as zeros. */
  timeStart?: "normal" | "zeros";
  /** Standard deviation of what is drawn. Default 0.02. */
  standardDeviation?: number;
}

/** The embedder of a flow's text tokens, [1, n, textDim] -> [1, n, dim]. */
export type TokenEmbedder = (tokens: Tensor) => Tensor;

/**
 * Soft tokens on a flat vector of parameters: (t [n]) -> the tokens of each of the first layers, L x [n, m, dim]. Those with a `textDim` need the flow's `embed`.
 */
export interface SoftTokens extends Model<[t: Tensor, embed?: TokenEmbedder | undefined], Tensor[]> {
  readonly layers: number;
  readonly tokens: number;
  readonly dim: number;
  /** Undefined for tokens that enter the transformer unchanged. */
  readonly textDim?: number | undefined;
  /** 0 where tokens do not depend on time. */
  readonly timeRows: number;
}

const tokenOptions = [
  ...["layers", "tokens", "dim", "textDim", "timeRows", "start", "timeStart", "standardDeviation"],
];

/**
 * SoftREPA's learnable tokens (2503.08250): `soft_tokens` [L, m, dim], to which a row of the table `time_embedding` [100, L dim] is added, one slice of dim
 * for each layer; row floor(100 t), computed in float32 as published.
 * @throws TangentLabError `invalid-argument` for sizes that are no counts.
 */
export function softTokens(config: SoftTokensConfig): SoftTokens {
  required("config", config, "an object with dim");
  const { layers = 5, tokens = 4, dim, textDim, timeRows = 100, standardDeviation = 0.02 } = config;
  const { start = "normal", timeStart = start === "zeros" ? "zeros" : "normal" } = config;
  check.only("softTokens", config, tokenOptions);
  const inputDim = textDim === undefined ? dim : textDim;
  for (const [name, value] of Object.entries({ layers, tokens, dim, textDim: inputDim }))
    check.count(name, value);
  check.count("timeRows", timeRows, 0);
  check(
    standardDeviation >= 0 && Number.isFinite(standardDeviation),
    "standardDeviation",
    standardDeviation,
    "a finite number >= 0",
  );
  check(timeStart === "normal" || timeStart === "zeros", "timeStart", timeStart, '"normal" or "zeros"');
  const known = start === "normal" || start === "zeros" || typeof start?.near === "object";
  check(known, "start", start, '"normal", "zeros" or { near: numbers }');
  const near = typeof start === "object" ? start.near : undefined;
  check(near === undefined || near.length === inputDim, "start.near", near?.length, `${inputDim} numbers`);
  const model = flatten<[t: Tensor, embed?: TokenEmbedder | undefined], Tensor[]>({
    init: (key) => {
      const drawn = random.normal(key, layers * tokens * inputDim);
      const values = drawn.map((value, i) =>
        start === "zeros" ? 0 : (near?.[i % inputDim] ?? 0) + standardDeviation * value,
      );
      const soft_tokens = tf.tensor(values, [layers, tokens, inputDim]);
      if (timeRows === 0) return { soft_tokens } as Tree;
      const table = [timeRows, layers * dim] as [number, number];
      const time_embedding =
        timeStart === "zeros"
          ? tf.zeros(table)
          : tf.mul(
              tf.tensor2d(random.normal(random.foldIn(key, 1), table[0] * table[1]), table),
              standardDeviation,
            );
      return { soft_tokens, time_embedding } as Tree;
    },
    apply: (parameters, t, embed) => {
      const p = parameters as { soft_tokens: Tensor; time_embedding?: Tensor };
      const count = t.shape[0]!;
      const constant = tf.reshape(inside(p.soft_tokens, embed), [1, layers, tokens, dim]);
      const each = p.time_embedding
        ? tf.add(
            constant,
            tf.reshape(tf.matMul(timeRow(t, timeRows), p.time_embedding), [count, layers, 1, dim]),
          )
        : tf.tile(constant, [count, 1, 1, 1]);
      const parts = layers === 1 ? [each] : tf.split(each, layers, 1);
      return parts.map((part) => tf.reshape(part, [count, tokens, dim]));
    },
  });
  return { ...model, layers, tokens, dim, timeRows, ...(textDim !== undefined && { textDim }) };

  /** Tokens [L, m, textDim] as wide as the transformer. */
  function inside(soft: Tensor, embed: TokenEmbedder | undefined): Tensor {
    if (textDim === undefined) return soft;
    check(embed !== undefined, "embed", embed, "the flow's context embedder: these tokens have its width");
    return embed(tf.reshape(soft, [1, layers * tokens, textDim]));
  }
}

/**
 * Times t [n] in [0, 1] as rows that are 1 at floor(rows t) and 0 elsewhere; t = 1 has the last row. As published, t is first made a whole number of thousandths:
 * 100 t in float32 is less than 53 for t = 0.53, 1000 t is 530.
 */
function timeRow(t: Tensor, rows: number): Tensor {
  const fine = 1000 * Math.ceil(rows / 1000);
  const thousandths = tf.floor(tf.mul(t, fine));
  const row = tf.clipByValue(tf.floor(tf.div(tf.mul(thousandths, rows), fine)), 0, rows - 1);
  const all = tf.range(0, rows, 1, "float32");
  return tf.cast(tf.equal(tf.reshape(row, [-1, 1]), tf.reshape(all, [1, rows])), "float32");
}
