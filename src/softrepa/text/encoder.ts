import * as tf from "@tensorflow/tfjs-core";
import type { Key } from "../../engine/random.js";
import * as random from "../../engine/random.js";
import type { Tensor } from "../../engine/tensor.js";
import type { Tree } from "../../engine/tree.js";
import { check, required } from "../../errors.js";
import { type Affine, layerNorm, linear, type Scale } from "../../nn/functional.js";
import { denseInit, normInit, reserve, xavierInit } from "../../nn/initializers.js";
import { dense, embed, gelu, headAttention, mergeHeads, splitHeads } from "../../nn/transformer.js";
import { checkCaptions } from "../captions.js";
import type { TextEncoder } from "../types.js";
import { special, type Vocabulary, wordsOf } from "./vocabulary.js";

/** Options of `textEncoder`. */
export interface TextEncoderConfig {
  vocabulary: Vocabulary;
  /** Tokens of every caption: start, words, end, padding. Default 16. */
  length?: number;
  /** Dimension of the tokens and of the pooled vector. Default 64. */
  width?: number;
  /** Default 2. */
  layers?: number;
  /** Default 4. */
  heads?: number;
}

type Layer = {
  norm1: Scale;
  qkv: Affine;
  output: Affine;
  norm2: Scale;
  mlp1: Affine;
  mlp2: Affine;
};

type Parameters = {
  words: Tensor;
  positions: Tensor;
  layers: readonly Layer[];
  norm: Scale;
  pooled: Affine;
};

/**
 * A small transformer over a caption's words, trained together with the image model: pre-norm layers in which words attend to all words but the padding.
 * `tokens` are its normalized output, `pooled` a linear function of their mean without the padding.
 * @throws TangentLabError `invalid-argument` for invalid sizes.
 */
export function textEncoder(config: TextEncoderConfig): TextEncoder & { readonly settings: TextSettings } {
  required("config", config, "an object with vocabulary");
  const { vocabulary, length = 16, width = 64, layers = 2, heads = 4 } = config;
  check.only("textEncoder", config, ["vocabulary", "length", "width", "layers", "heads"]);
  check(typeof vocabulary?.numbers === "function", "vocabulary", vocabulary, "vocabulary(words)");
  for (const [name, value] of Object.entries({ width, layers, heads })) check.count(name, value);
  check(Number.isInteger(length) && length >= 3, "length", length, "an integer >= 3: start, a word, end");
  check(width % heads === 0, "heads", heads, `a divisor of the width, ${width}`);

  const init = (key: Key): Tree => {
    let used = 0;
    const next = (): Key => random.foldIn(key, used++);
    const table = (rows: number): Tensor => {
      reserve(rows * width);
      return tf.tensor2d(
        random.normal(next(), rows * width).map((value) => 0.02 * value),
        [rows, width],
      );
    };
    return {
      words: table(vocabulary.size),
      positions: table(length),
      layers: Array.from({ length: layers }, () => ({
        norm1: normInit(width),
        qkv: xavierInit(next(), [width, 3 * width]),
        output: denseInit(next(), width, width, 1 / Math.sqrt(2 * layers)),
        norm2: normInit(width),
        mlp1: xavierInit(next(), [width, 4 * width]),
        mlp2: denseInit(next(), 4 * width, width, 1 / Math.sqrt(2 * layers)),
      })),
      norm: normInit(width),
      pooled: xavierInit(next(), [width, width]),
    };
  };

  const apply = (parameters: Tree, ids: Tensor): { tokens: Tensor; pooled: Tensor } => {
    const p = parameters as Parameters;
    const n = ids.shape[0]!;
    const present = tf.cast(tf.notEqual(ids, special.padding), "float32");
    const hidden = tf.reshape(tf.mul(tf.sub(1, present), -1e9), [n, 1, 1, length]);
    let h: Tensor = tf.add(embed(p.words, ids), tf.reshape(p.positions, [1, length, width]));
    for (const layer of p.layers) {
      const qkv = dense(layerNorm(h, layer.norm1), layer.qkv);
      const [q, k, v] = tf.split(qkv, 3, 2).map((part) => splitHeads(part, heads)) as [
        Tensor,
        Tensor,
        Tensor,
      ];
      const mixed = mergeHeads(headAttention(tf.mul(q, Math.sqrt(heads / width)), k, v, hidden));
      h = tf.add(h, dense(mixed, layer.output));
      h = tf.add(h, dense(gelu(dense(layerNorm(h, layer.norm2), layer.mlp1)), layer.mlp2));
    }
    const tokens = layerNorm(h, p.norm);
    const share = tf.div(present, tf.sum(present, 1, true));
    const mean = tf.sum(tf.mul(tokens, tf.reshape(share, [n, length, 1])), 1);
    return { tokens, pooled: linear(mean, p.pooled) };
  };

  return {
    settings: { words: vocabulary.words, length, width, layers, heads },
    length,
    textDim: width,
    pooledDim: width,
    init,
    apply,
    tokenize: (captions) => {
      checkCaptions("captions", captions);
      const ids = new Int32Array(captions.length * length); // special.padding
      captions.forEach((caption, i) => {
        const numbers = [special.start, ...vocabulary.numbers(caption), special.end];
        check(
          numbers.length <= length,
          `captions[${i}]`,
          `${JSON.stringify(caption)}, ${numbers.length - 2} tokens`,
          `at most ${length - 2} tokens, the text encoder's context`,
        );
        ids.set(numbers, i * length);
      });
      return tf.tensor2d(ids, [captions.length, length], "int32");
    },
    unknownWords: (captions) => [
      ...new Set(
        captions.flatMap((caption) => {
          const numbers = vocabulary.numbers(caption);
          return wordsOf(caption).filter((_, i) => numbers[i] === special.unknown);
        }),
      ),
    ],
  };
}

/** All that is needed to make the encoder again. */
export type TextSettings = { readonly words: readonly string[] } & Required<
  Omit<TextEncoderConfig, "vocabulary">
>;
