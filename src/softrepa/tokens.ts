import * as tf from "@tensorflow/tfjs-core";
import * as random from "../engine/random.js";
import type { Tensor } from "../engine/tensor.js";
import type { Tree } from "../engine/tree.js";
import { check, required } from "../errors.js";
import { flatten, type Model } from "../nn/network.js";

/** How soft tokens start: small normal numbers, zeros, or near real text: the mean of given token embeddings [dim] plus small normal numbers. */
export type TokenStart = "normal" | "zeros" | { readonly near: ArrayLike<number> };

export interface SoftTokensConfig {
  /** L: the first layers that get tokens of their own. Default 5, as published for SD3. */
  layers?: number;
  /** m: tokens of each layer. Default 4. */
  tokens?: number;
  /** Dimension of the text tokens inside the transformer. */
  dim: number;
  /** Rows of the time table over t in [0, 1]; 0 for tokens that do not depend on time. Default 100. */
  timeRows?: number;
  /** Default "normal". */
  start?: TokenStart;
  /** Standard deviation of what is drawn. Default 0.02. */
  standardDeviation?: number;
}

/** Soft tokens on a flat vector of parameters: (t [n]) -> the tokens of each of the first layers, L x [n, m, dim]. */
export interface SoftTokens extends Model<[t: Tensor], Tensor[]> {
  readonly layers: number;
  readonly tokens: number;
  readonly dim: number;
  /** 0 where tokens do not depend on time. */
  readonly timeRows: number;
}

/**
 * SoftREPA's learnable tokens (2503.08250): `soft_tokens` [L, m, dim], to which a row of the table `time_embedding` [100, L dim] is added, one slice of dim
 * for each layer; row floor(100 t). The table starts as zeros.
 * @throws TangentLabError `invalid-argument` for sizes that are no counts.
 */
export function softTokens(config: SoftTokensConfig): SoftTokens {
  required("config", config, "an object with dim");
  const { layers = 5, tokens = 4, dim, timeRows = 100, start = "normal", standardDeviation = 0.02 } = config;
  for (const [name, value] of Object.entries({ layers, tokens, dim })) check.count(name, value);
  check.count("timeRows", timeRows, 0);
  check(
    standardDeviation >= 0 && Number.isFinite(standardDeviation),
    "standardDeviation",
    standardDeviation,
    "a finite number >= 0",
  );
  const near = typeof start === "object" ? start.near : undefined;
  check(near === undefined || near.length === dim, "start.near", near?.length, `${dim} numbers`);
  const model = flatten<[t: Tensor], Tensor[]>({
    init: (key) => {
      const drawn = random.normal(key, layers * tokens * dim);
      const values = drawn.map((value, i) =>
        start === "zeros" ? 0 : (near?.[i % dim] ?? 0) + standardDeviation * value,
      );
      const soft_tokens = tf.tensor(values, [layers, tokens, dim]);
      return {
        soft_tokens,
        ...(timeRows > 0 && { time_embedding: tf.zeros([timeRows, layers * dim]) }),
      } as Tree;
    },
    apply: (parameters, t) => {
      const p = parameters as unknown as { soft_tokens: Tensor; time_embedding?: Tensor };
      const count = t.shape[0]!;
      const constant = tf.reshape(p.soft_tokens, [1, layers, tokens, dim]);
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
  return { ...model, layers, tokens, dim, timeRows };
}

/** Times t [n] in [0, 1] as rows that are 1 at floor(rows t) and 0 elsewhere; t = 1 has the last row. */
function timeRow(t: Tensor, rows: number): Tensor {
  const row = tf.clipByValue(tf.floor(tf.mul(t, rows)), 0, rows - 1);
  const all = tf.range(0, rows, 1, "float32");
  return tf.cast(tf.equal(tf.reshape(row, [-1, 1]), tf.reshape(all, [1, rows])), "float32");
}
