import * as tf from "@tensorflow/tfjs-core";
import type { Key } from "../engine/random.js";
import type { Tensor } from "../engine/tensor.js";
import type { Tree } from "../engine/tree.js";
import { type Affine, layerNorm, type Scale } from "../nn/functional.js";
import { denseInit, normInit, xavierInit } from "../nn/initializers.js";
import { attentionWeights, dense, gelu, headAttention, mergeHeads, splitHeads } from "../nn/transformer.js";

type Attention = {
  q: Affine;
  k: Affine;
  v: Affine;
  output: Affine;
};

export type CrossParameters = {
  norm1: Scale;
  self: Attention;
  norm2: Scale;
  cross: Attention;
  norm3: Scale;
  mlp1: Affine;
  mlp2: Affine;
};

/** A block of `width` channels that reads text of `textDim` numbers a token. */
export function crossInit(next: () => Key, width: number, textDim: number): Tree {
  const attention = (inputs: number): Tree => ({
    q: xavierInit(next(), [width, width]),
    k: xavierInit(next(), [inputs, width]),
    v: xavierInit(next(), [inputs, width]),
    output: denseInit(next(), width, width, 0.1),
  });
  return {
    norm1: normInit(width),
    self: attention(width),
    norm2: normInit(width),
    cross: attention(textDim),
    norm3: normInit(width),
    mlp1: xavierInit(next(), [width, 4 * width]),
    mlp2: denseInit(next(), 4 * width, width, 0.1),
  };
}

/**
 * A transformer block on the positions of x [N, H, W, C], as latent diffusion has it (2112.10752): they attend to each other, then to the text [N, L, D], then
 * each goes through an MLP.
 * @param observe gets the attention to the text, [N, heads, H W, L].
 */
export function crossApply(
  x: Tensor,
  text: Tensor,
  p: CrossParameters,
  heads: number,
  observe?: (weights: Tensor) => void,
): Tensor {
  const [n, h, w, c] = x.shape as [number, number, number, number];
  const attend = (to: Tensor, from: Tensor, a: Attention, look?: (weights: Tensor) => void): Tensor => {
    const q = tf.mul(splitHeads(dense(from, a.q), heads), Math.sqrt(heads / c));
    const [k, v] = [splitHeads(dense(to, a.k), heads), splitHeads(dense(to, a.v), heads)];
    look?.(attentionWeights(q, k));
    return dense(mergeHeads(headAttention(q, k, v)), a.output);
  };
  let tokens: Tensor = tf.reshape(x, [n, h * w, c]);
  const own = layerNorm(tokens, p.norm1);
  tokens = tf.add(tokens, attend(own, own, p.self));
  tokens = tf.add(tokens, attend(text, layerNorm(tokens, p.norm2), p.cross, observe));
  tokens = tf.add(tokens, dense(gelu(dense(layerNorm(tokens, p.norm3), p.mlp1)), p.mlp2));
  return tf.reshape(tokens, [n, h, w, c]);
}
