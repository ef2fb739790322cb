import * as tf from "@tensorflow/tfjs-core";
import type { Key } from "../../engine/random.js";
import type { Tensor } from "../../engine/tensor.js";
import type { Tree } from "../../engine/tree.js";
import { type Affine, linear } from "../../nn/functional.js";
import { denseInit, xavierInit } from "../../nn/initializers.js";
import {
  attentionWeights,
  dense,
  gated,
  gelu,
  headAttention,
  mergeHeads,
  modulatedNorm,
  rmsNorm,
  splitHeads,
} from "../../nn/transformer.js";
import type { JointConfig } from "./config.js";

type Weight = {
  readonly weight: Tensor;
};

/** Names as published. */
export type BlockParameters = {
  norm1: { linear: Affine };
  norm1_context: { linear: Affine };
  attn: Record<"to_q" | "to_k" | "to_v" | "add_q_proj" | "add_k_proj" | "add_v_proj", Affine> & {
    to_out: readonly [Affine];
    to_add_out?: Affine;
    norm_q?: Weight;
    norm_k?: Weight;
    norm_added_q?: Weight;
    norm_added_k?: Weight;
  };
  /** The image's attention to itself, where there are two. */
  attn2?: Record<"to_q" | "to_k" | "to_v", Affine> & {
    to_out: readonly [Affine];
    norm_q?: Weight;
    norm_k?: Weight;
  };
  ff: FeedForward;
  ff_context?: FeedForward;
};

type FeedForward = {
  net: { 0: { proj: Affine }; 2: Affine };
};

/** Image tokens [N, patches, width] and text tokens [N, L, width]. */
export interface Streams {
  readonly image: Tensor;
  readonly text: Tensor;
}

/** The parameters of a layer's block; in the last one, text is only attended to. Modulations start as zeros, so that a block starts as the identity (adaLN-Zero). */
export function blockInit(next: () => Key, config: JointConfig, layer: number): Tree {
  const { width, headDim, qkNorm } = config;
  const last = layer === config.layers - 1;
  const dual = config.dualAttention.includes(layer);
  const square = (): Tree => xavierInit(next(), [width, width]);
  const modulation = (parts: number): Tree => ({ linear: denseInit(next(), width, parts * width, 0) });
  const feedForward = (): Tree => ({
    net: { 0: { proj: xavierInit(next(), [width, 4 * width]) }, 2: xavierInit(next(), [4 * width, width]) },
  });
  const norm = (): Tree => ({ weight: tf.ones([headDim]) as Tensor });
  return {
    norm1: modulation(dual ? 9 : 6),
    norm1_context: modulation(last ? 2 : 6),
    attn: {
      to_q: square(),
      to_k: square(),
      to_v: square(),
      add_q_proj: square(),
      add_k_proj: square(),
      add_v_proj: square(),
      to_out: [square()],
      ...(!last && { to_add_out: square() }),
      ...(qkNorm && { norm_q: norm(), norm_k: norm(), norm_added_q: norm(), norm_added_k: norm() }),
    },
    ...(dual && {
      attn2: {
        to_q: square(),
        to_k: square(),
        to_v: square(),
        to_out: [square()],
        ...(qkNorm && { norm_q: norm(), norm_k: norm() }),
      },
    }),
    ff: feedForward(),
    ...(!last && { ff_context: feedForward() }),
  };
}

/**
 * Joint-attention block (SD3, 2403.03206, figure 2b): both streams are normalized, modulated and projected on their own, attend to all tokens of both, and go
 * on through MLPs of their own. In blocks of two attentions (SD 3.5 medium) the image also attends to itself alone, modulated for it. `activated` is silu of the condition [N, width]. The last block gives the image only: `text` comes back as it was.
 * @param observe gets the image's attention to all tokens, image then text, [N, heads, patches, patches + L].
 */
export function blockApply(
  { image, text }: Streams,
  activated: Tensor,
  p: BlockParameters,
  heads: number,
  observe?: (weights: Tensor) => void,
): Streams {
  const modulation = ({ linear: affine }: { linear: Affine }, parts: number): Tensor[] =>
    tf.split(linear(activated, affine), parts, 1);
  const forImage = modulation(p.norm1, p.attn2 ? 9 : 6);
  const [shift, scale, gate, shiftMlp, scaleMlp, gateMlp] = forImage as Six;
  const last = p.ff_context === undefined;
  const context = modulation(p.norm1_context, last ? 2 : 6);
  // The last block's text modulation is published with the scale first.
  const [textShift, textScale] = (last ? [context[1], context[0]] : context) as [Tensor, Tensor];
  const imageNormed = modulatedNorm(image, shift, scale);
  const textNormed = modulatedNorm(text, textShift, textScale);

  const { attn } = p;
  const { q, k, v } = joined(imageNormed, textNormed, attn, heads, last);
  observe?.(attentionWeights(tf.slice(q, 0, [-1, -1, image.shape[1]!, -1]), k));
  const mixed = mergeHeads(headAttention(q, k, v));
  const patches = image.shape[1]!;
  const [imageMixed, textMixed] = last
    ? [mixed, undefined]
    : (tf.split(mixed as tf.Tensor, [patches, text.shape[1]!], 1) as [Tensor, Tensor]);

  const mlp = (x: Tensor, { net }: FeedForward): Tensor => dense(gelu(dense(x, net[0].proj)), net[2]);
  const afterJoint = gated(image, dense(imageMixed, attn.to_out[0]), gate);
  const afterImage = p.attn2 ? afterOwn(afterJoint, image, forImage.slice(6), p.attn2, heads) : afterJoint;
  const imageOut = gated(afterImage, mlp(modulatedNorm(afterImage, shiftMlp, scaleMlp), p.ff), gateMlp);
  if (!textMixed) return { image: imageOut, text };
  const [, , textGate, textShiftMlp, textScaleMlp, textGateMlp] = context as Six;
  const afterText = gated(text, dense(textMixed, attn.to_add_out!), textGate);
  const textMlp = mlp(modulatedNorm(afterText, textShiftMlp, textScaleMlp), p.ff_context!);
  return { image: imageOut, text: gated(afterText, textMlp, textGateMlp) };
}

/** The second attention: of the image before the block, modulated, to itself; added to what the first one has left. */
function afterOwn(
  afterJoint: Tensor,
  image: Tensor,
  modulation: readonly Tensor[],
  attn: NonNullable<BlockParameters["attn2"]>,
  heads: number,
): Tensor {
  const [shift, scale, gate] = modulation as [Tensor, Tensor, Tensor];
  const x = modulatedNorm(image, shift, scale);
  const head = (x: Tensor): Tensor => splitHeads(x, heads);
  const [q, k] = [
    head(query(x, attn.to_q, heads, attn.norm_q)),
    head(project(x, attn.to_k, heads, attn.norm_k)),
  ];
  const mixed = mergeHeads(headAttention(q, k, head(project(x, attn.to_v, heads))));
  return gated(afterJoint, dense(mixed, attn.to_out[0]), gate);
}

type Six = [Tensor, Tensor, Tensor, Tensor, Tensor, Tensor];

/** Queries, keys and values of both streams, image first, [N, heads, tokens, headDim]; queries of the image only where text takes no part after it. */
function joined(
  image: Tensor,
  text: Tensor,
  attn: BlockParameters["attn"],
  heads: number,
  imageQueriesOnly: boolean,
): Record<"q" | "k" | "v", Tensor> {
  const both = (image: Tensor, text: Tensor): Tensor => splitHeads(tf.concat([image, text], 1), heads);
  const imageQuery = query(image, attn.to_q, heads, attn.norm_q);
  return {
    q: imageQueriesOnly
      ? splitHeads(imageQuery, heads)
      : both(imageQuery, query(text, attn.add_q_proj, heads, attn.norm_added_q)),
    k: both(
      project(image, attn.to_k, heads, attn.norm_k),
      project(text, attn.add_k_proj, heads, attn.norm_added_k),
    ),
    v: both(project(image, attn.to_v, heads), project(text, attn.add_v_proj, heads)),
  };
}

/** A linear layer of tokens, perhaps normalized per head. */
function project(x: Tensor, affine: Affine, heads: number, norm?: Weight): Tensor {
  const projected = dense(x, affine);
  if (!norm) return projected;
  const [n, t, d] = projected.shape as [number, number, number];
  return tf.reshape(rmsNorm(tf.reshape(projected, [n, t, heads, d / heads]), norm.weight), [n, t, d]);
}

/** Queries, divided by sqrt(headDim): the factor goes into the weights, which are small. */
function query(x: Tensor, { weight, bias }: Affine, heads: number, norm?: Weight): Tensor {
  const root = Math.sqrt(heads / x.shape[2]!);
  return norm
    ? project(x, { weight, bias }, heads, { weight: tf.mul(norm.weight, root) })
    : project(x, { weight: tf.mul(weight, root), bias: tf.mul(bias, root) }, heads);
}
