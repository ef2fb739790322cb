import * as tf from "@tensorflow/tfjs-core";
import type { Key } from "../../engine/random.js";
import type { Tensor } from "../../engine/tensor.js";
import type { Tree } from "../../engine/tree.js";
import {
  type Affine,
  conv2d,
  downsample2x,
  groupNorm,
  linear,
  type Scale,
  silu,
  upsample2x,
} from "../functional.js";
import { convInit, denseInit, normInit } from "../initializers.js";
import type { Masks } from "../network.js";
import { dense, headAttention, mergeHeads, splitHeads } from "../transformer.js";
import type { CompleteUnet2d } from "./config.js";
import type { AttentionPlan, LevelPlan, ResnetPlan } from "./plan.js";

/** Names as published. */
type ResnetParameters = {
  norm1: Scale;
  conv1: Affine;
  time_emb_proj: Affine;
  norm2: Scale;
  conv2: Affine;
  conv_shortcut?: Affine;
};

type AttentionParameters = Record<"to_q" | "to_k" | "to_v", Affine> & {
  group_norm?: Scale;
  to_out: readonly [Affine];
};

/** Of a level: what halves or doubles it is one residual block, or one convolution. */
export type LevelParameters = {
  resnets: readonly ResnetParameters[];
  attentions?: readonly AttentionParameters[];
  downsamplers?: readonly [Resample];
  upsamplers?: readonly [Resample];
};
type Resample = { conv: Affine } | ResnetParameters;

/** What all blocks have in common. */
export interface Common extends Pick<CompleteUnet2d, "norm_eps" | "norm_num_groups"> {
  /** The time's embedding scales and shifts, else it is added. */
  readonly scales: boolean;
  /** Channels of the time's embedding. */
  readonly embedding: number;
}

/** What blocks get besides the image: silu of the time's embedding [N, embedding], and dropout masks. */
export interface Given {
  readonly activated: Tensor;
  readonly masks: Masks;
}

const resnetInit = (next: () => Key, { inputs, outputs }: ResnetPlan, common: Common): Tree => ({
  norm1: normInit(inputs),
  conv1: convInit(next(), 3, inputs, outputs),
  time_emb_proj: denseInit(next(), common.embedding, common.scales ? 2 * outputs : outputs),
  norm2: normInit(outputs),
  conv2: convInit(next(), 3, outputs, outputs, 0.1),
  ...(inputs !== outputs && { conv_shortcut: convInit(next(), 1, inputs, outputs) }),
});

const attentionInit = (next: () => Key, { channels, groups }: AttentionPlan): Tree => ({
  ...(groups !== undefined && { group_norm: normInit(channels) }),
  to_q: denseInit(next(), channels, channels),
  to_k: denseInit(next(), channels, channels),
  to_v: denseInit(next(), channels, channels),
  to_out: [denseInit(next(), channels, channels, 0.1)],
});

/** @param to What halves or doubles at the end of the level is called. */
export function levelInit(
  next: () => Key,
  plan: LevelPlan,
  common: Common,
  to: "downsamplers" | "upsamplers",
): Tree {
  const { resnets, attentions, resample } = plan;
  const width = resnets.at(-1)!.outputs;
  return {
    resnets: resnets.map((resnet) => resnetInit(next, resnet, common)),
    ...(attentions.length > 0 && { attentions: attentions.map((each) => attentionInit(next, each)) }),
    ...(resample && {
      [to]: [
        resample === "conv"
          ? { conv: convInit(next(), 3, width, width) }
          : resnetInit(next, resample, common),
      ],
    }),
  };
}

/** A residual block (diffusers' ResnetBlock2D): x [N, H, W, inputs] -> [N, H', W', outputs]. */
export function resnetApply(
  p: ResnetParameters,
  x: Tensor,
  { activated, masks }: Given,
  plan: ResnetPlan,
  { norm_num_groups: groups, norm_eps: epsilon, scales }: Common,
): Tensor {
  const resized = plan.resample && { down: downsample2x, up: upsample2x }[plan.resample];
  const before = silu(groupNorm(x, p.norm1, groups, epsilon));
  let h = conv2d(resized ? resized(before) : before, p.conv1);
  const skip = resized ? resized(x) : x;
  const time = linear(activated, p.time_emb_proj);
  const spread = (x: Tensor): Tensor => tf.reshape(x, [x.shape[0]!, 1, 1, x.shape[1]!]);
  if (scales) {
    const [scale, shift] = tf.split(time, 2, 1) as [Tensor, Tensor];
    h = groupNorm(h, p.norm2, groups, epsilon);
    h = tf.add(tf.mul(h, spread(tf.add(scale, 1))), spread(shift));
  } else h = groupNorm(tf.add(h, spread(time)), p.norm2, groups, epsilon);
  h = silu(h);
  const mask = masks[plan.path];
  if (mask) h = tf.mul(h, mask);
  h = tf.add(p.conv_shortcut ? conv2d(skip, p.conv_shortcut) : skip, conv2d(h, p.conv2));
  return divided(h, plan.divisor);
}

/** Attention between all positions of x [N, H, W, C], added to x. */
export function attentionApply(
  p: AttentionParameters,
  x: Tensor,
  plan: AttentionPlan,
  epsilon: number,
): Tensor {
  const [n, h, w, c] = x.shape as [number, number, number, number];
  const { heads } = plan;
  const normed = p.group_norm ? groupNorm(x, p.group_norm, plan.groups!, epsilon) : x;
  const tokens = tf.reshape(normed, [n, h * w, c]);
  const root = Math.sqrt(heads / c); // into the weights, which are smaller than the tokens
  const scaled = { weight: tf.mul(p.to_q.weight, root), bias: tf.mul(p.to_q.bias, root) };
  const [q, k, v] = [scaled, p.to_k, p.to_v].map((affine) => splitHeads(dense(tokens, affine), heads)) as [
    Tensor,
    Tensor,
    Tensor,
  ];
  const mixed = dense(mergeHeads(headAttention(q, k, v)), p.to_out[0]);
  return divided(tf.add(tf.reshape(mixed, [n, h, w, c]), x), plan.divisor);
}

/**
 * What halves or doubles an image at the end of a level.
 * @param padding Of the convolution that halves: 1 all around, 0 right and below.
 */
export function resampleApply(
  level: LevelParameters,
  x: Tensor,
  given: Given,
  plan: "conv" | ResnetPlan,
  common: Common,
  padding: 0 | 1,
): Tensor {
  const [p] = (level.downsamplers ?? level.upsamplers)!;
  if (plan !== "conv") return resnetApply(p as ResnetParameters, x, given, plan, common);
  const { conv } = p as { conv: Affine };
  if (level.upsamplers) return conv2d(upsample2x(x), conv);
  if (padding === 0) return conv2d(x, conv, 2);
  // Of the padding on the far sides, no window of an even size sees anything.
  const padded = tf.pad(x as tf.Tensor4D, [
    [0, 0],
    [1, 0],
    [1, 0],
    [0, 0],
  ]);
  return tf.add(tf.conv2d(padded, conv.weight as tf.Tensor4D, 2, "valid"), conv.bias);
}

const divided = (x: Tensor, divisor: number): Tensor => (divisor === 1 ? x : tf.div(x, divisor));
