import * as tf from "@tensorflow/tfjs-core";
import type { Key } from "../../engine/random.js";
import * as random from "../../engine/random.js";
import type { Tensor } from "../../engine/tensor.js";
import { check } from "../../errors.js";
import { type Affine, attention, conv2d, groupNorm, linear, type Scale, silu } from "../functional.js";
import { type Leaves, normInit, xavierInit } from "../initializers.js";
import type { Resampler } from "../resample.js";

/** Variance of the sum of two branches stays 1. */
const SKIP_SCALE = Math.SQRT1_2;

export interface UnetBlockConfig {
  inputs: number;
  outputs: number;
  /** Channels of the embedding. */
  embedding: number;
  /** Whether it halves or doubles height and width. Default neither. */
  resample?: "down" | "up" | undefined;
  /** Self-attention of all positions after the convolutions. */
  attention: boolean;
}

/** Parameters of a block, under the published names. */
type BlockParameters = {
  norm0: Scale;
  conv0: Affine;
  affine: Affine;
  norm1: Scale;
  conv1: Affine;
  skip?: Affine;
  norm2?: Scale;
  qkv?: Affine;
  proj?: Affine;
};

/** EDM's groups: of at least 4 channels, at most 32. */
export function songNorm(x: Tensor, scale: Scale): Tensor {
  return groupNorm(x, scale, songGroups(x.shape[3]!), 1e-6);
}

export function songGroups(channels: number): number {
  const groups = Math.min(32, Math.floor(channels / 4));
  check(
    channels >= 4 && channels % groups === 0,
    "channels",
    channels,
    "at least 4, and above 128 a multiple of 32, everywhere in the network, also with the skip connections' channels",
  );
  return groups;
}

const hasSkip = ({ inputs, outputs, resample }: UnetBlockConfig): boolean =>
  inputs !== outputs || resample !== undefined;

/** EDM's initial parameters of a block: the last layer of each branch starts near zero. */
export function blockInit(key: Key, config: UnetBlockConfig): { [name: string]: Leaves } {
  const { inputs, outputs, embedding } = config;
  const keys = random.split(key, 6);
  songGroups(inputs);
  songGroups(outputs);
  return {
    norm0: normInit(inputs),
    conv0: xavierInit(keys[0], [3, 3, inputs, outputs]),
    affine: xavierInit(keys[1], [embedding, outputs]),
    norm1: normInit(outputs),
    conv1: xavierInit(keys[2], [3, 3, outputs, outputs], 1e-5),
    ...(hasSkip(config) && { skip: xavierInit(keys[3], [1, 1, inputs, outputs]) }),
    ...(config.attention && {
      norm2: normInit(outputs),
      qkv: xavierInit(keys[4], [1, 1, outputs, 3 * outputs], Math.sqrt(0.2)),
      proj: xavierInit(keys[5], [1, 1, outputs, outputs], 1e-5),
    }),
  };
}

/**
 * Residual block of DDPM++ (2011.13456) as in EDM (2206.00364): x [N, H, W, inputs], embedding [N, embedding] -> [N, H', W', outputs].
 * @param mask Dropout before the last convolution, [N, H', W', outputs].
 */
export function blockApply(
  parameters: { readonly [name: string]: Leaves },
  x: Tensor,
  embedding: Tensor,
  config: UnetBlockConfig,
  { down, up }: Resampler,
  mask?: Tensor,
): Tensor {
  const p = parameters as BlockParameters;
  const resize = config.resample === "down" ? down : config.resample === "up" ? up : (x: Tensor): Tensor => x;
  let h = conv2d(resize(silu(songNorm(x, p.norm0))), p.conv0);
  const shift = linear(embedding, p.affine);
  h = tf.add(h, tf.reshape(shift, [shift.shape[0]!, 1, 1, shift.shape[1]!]));
  h = silu(songNorm(h, p.norm1));
  if (mask) h = tf.mul(h, mask);
  // The scale of the sum goes into the weights, which are smaller than the images.
  h = conv2d(h, scaled(p.conv1));
  h = tf.add(h, p.skip ? conv2d(resize(x), scaled(p.skip)) : tf.mul(x, SKIP_SCALE));
  if (!config.attention) return h;
  return tf.add(tf.mul(h, SKIP_SCALE), selfAttention(songNorm(h, p.norm2!), p.qkv!, scaled(p.proj!)));
}

const scaled = ({ weight, bias }: Affine): Affine => ({
  weight: tf.mul(weight, SKIP_SCALE),
  bias: tf.mul(bias, SKIP_SCALE),
});

/** Attention of one head between all positions of x [N, H, W, C]. */
function selfAttention(x: Tensor, qkv: Affine, proj: Affine): Tensor {
  const [n, h, w, c] = x.shape as [number, number, number, number];
  const rows = tf.reshape(x, [n * h * w, c]);
  // Published: the q, k and v of a channel lie next to each other. Here all q come first, then all k, then all v.
  const apart = (packed: Tensor): Tensor => {
    const rank = packed.rank;
    const leading = rank === 1 ? [] : [c];
    const order = rank === 1 ? [1, 0] : [0, 2, 1];
    return tf.reshape(tf.transpose(tf.reshape(packed, [...leading, c, 3]), order), [...leading, 3 * c]);
  };
  const weight = apart(tf.reshape(qkv.weight, [c, 3 * c]));
  const tokens = tf.reshape(linear(rows, { weight, bias: apart(qkv.bias) }), [n, h * w, 3 * c]);
  const [q, k, v] = tf.split(tokens, 3, 2) as [Tensor, Tensor, Tensor];
  const mixed = tf.reshape(attention(q, k, v), [n * h * w, c]);
  return tf.reshape(linear(mixed, { weight: tf.reshape(proj.weight, [c, c]), bias: proj.bias }), [
    n,
    h,
    w,
    c,
  ]);
}
