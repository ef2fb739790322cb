import * as tf from "@tensorflow/tfjs-core";
import type { Key } from "../engine/random.js";
import * as random from "../engine/random.js";
import type { Tensor } from "../engine/tensor.js";
import type { Tree } from "../engine/tree.js";
import { check } from "../errors.js";
import type { StoredArray } from "../io/safetensors.js";
import { type Affine, linear, silu } from "../nn/functional.js";
import { denseInit, xavierInit } from "../nn/initializers.js";
import type { PublishedLayout } from "../nn/published.js";
import { dense, modulatedNorm } from "../nn/transformer.js";
import { checkImages, type ImageShapes } from "./image-size.js";
import { type BlockParameters, blockApply, blockInit, type Streams } from "./joint/block.js";
import { checkJoint, type JointConfig, type JointTransformerConfig } from "./joint/config.js";
import {
  type ConditionParameters,
  condition,
  conditionInit,
  type PatchParameters,
  patchInit,
  patchify,
  unpatchify,
  wholeTable,
} from "./joint/embedding.js";
import type { VelocityInputs, VelocityNetwork } from "./types.js";

export { fromDiffusers, type JointTransformerConfig } from "./joint/config.js";

type Parameters = {
  pos_embed: PatchParameters;
  time_text_embed: ConditionParameters;
  context_embedder: Affine;
  transformer_blocks: readonly BlockParameters[];
  norm_out: { linear: Affine };
  proj_out: Affine;
};

/**
 * Stable Diffusion 3's multimodal transformer (MM-DiT, 2403.03206) with soft tokens (SoftREPA, 2503.08250): in each of the first layers they are put in front
 * of the text tokens, and removed after it. Weights have the names of diffusers' SD3Transformer2DModel:
 * `importPublished(flatten(jointTransformer(fromDiffusers(config))), tensors)`. Images may be smaller than `size`, larger or not square: as upstream, the
 * middle of the table of positions serves them.
 * @throws TangentLabError `invalid-argument` for an invalid configuration; `apply` throws it for soft tokens that do not fit, naming the dimension, and for
 * images of another shape than [N, height, width, channels], heights and widths multiples of `patch` up to `positions` patches.
 */
export function jointTransformer(given: JointTransformerConfig): VelocityNetwork {
  const config = checkJoint(given);
  const { size, channels, patch, positions, layers, heads, width, textDim, pooledDim } = config;
  const shapes = {
    shape: [size, size, channels],
    sizes: { multiple: patch, most: positions * patch },
  } as const satisfies ImageShapes;

  const init = (key: Key): Tree => {
    let used = 0;
    const next = (): Key => random.foldIn(key, used++);
    return {
      pos_embed: patchInit(next(), config),
      time_text_embed: conditionInit(next, config),
      context_embedder: xavierInit(next(), [textDim, width]),
      transformer_blocks: Array.from({ length: layers }, (_, i) => blockInit(next, config, i)),
      norm_out: { linear: denseInit(next(), width, 2 * width, 0) },
      proj_out: denseInit(next(), width, config.patch ** 2 * channels, 0),
    };
  };

  const run = (parameters: Tree, inputs: VelocityInputs, observer: Observer = {}): Tensor => {
    const p = parameters as Parameters;
    const { x, t, text, softTokens = [] } = inputs;
    checkImages("x.shape", x.shape, shapes);
    checkSoftTokens(softTokens, config);
    const activated = silu(condition(t, text.pooled, p.time_text_embed));
    let streams: Streams = {
      image: patchify(x, p.pos_embed, config),
      text: dense(text.tokens, p.context_embedder),
    };
    p.transformer_blocks.forEach((block, i) => {
      const soft = softTokens[i];
      const m = soft?.shape[1] ?? 0;
      const { attention, hidden } = observer;
      const look = attention && soft && ((weights: Tensor) => attention(weights, m));
      const joined = soft ? { ...streams, text: tf.concat([soft, streams.text], 1) } : streams;
      const { image, text } = blockApply(joined, activated, block, heads, look);
      hidden?.(image, i);
      streams = { image, text: soft ? tf.slice(text, [0, m, 0], [-1, -1, -1]) : text };
    });
    const [scale, shift] = tf.split(linear(activated, p.norm_out.linear), 2, 1) as [Tensor, Tensor];
    return unpatchify(dense(modulatedNorm(streams.image, shift, scale), p.proj_out), x, config);
  };

  return {
    ...shapes,
    attention: "joint",
    layers,
    textDim,
    pooledDim,
    tokenDim: width,
    settings: config,
    init,
    apply: (parameters, inputs) => run(parameters, inputs),
    embedText: (parameters, tokens) => dense(tokens, (parameters as Parameters).context_embedder),
    softAttention: (parameters, inputs) => {
      const patches = (inputs.x.shape[1]! / patch) * (inputs.x.shape[2]! / patch);
      const maps: Tensor[] = [];
      run(parameters, inputs, {
        attention: (weights, m) =>
          maps.push(tf.mean(tf.slice(weights, [0, 0, 0, patches], [-1, -1, -1, m]), 1)),
      });
      return maps;
    },
    hidden: (parameters, inputs, layer) => {
      check(Number.isInteger(layer) && layer >= 0 && layer < layers, "layer", layer, `0 to ${layers - 1}`);
      let found: Tensor | undefined;
      run(parameters, inputs, {
        hidden: (image, i) => {
          if (i === layer) found = image;
        },
      });
      return found!;
    },
    ...(config.storedPositions && { fixed: ["pos_embed.pos_embed"] }),
    published: layout(config),
  };
}

interface Observer {
  /** Attention of the image to all tokens, in a layer with so many soft tokens. */
  attention?(weights: Tensor, softTokens: number): void;
  hidden?(image: Tensor, layer: number): void;
}

function checkSoftTokens(softTokens: readonly Tensor[], { layers, width }: JointConfig): void {
  check(
    softTokens.length <= layers,
    "softTokens.layers",
    softTokens.length,
    `at most ${layers}, the model's layers`,
  );
  const other = softTokens.find(({ shape }) => shape.length !== 3 || shape[2] !== width);
  check(
    other === undefined,
    "softTokens.dim",
    other?.shape,
    `[N, m, ${width}]: as wide as the model's text tokens`,
  );
}

/** Our names are the published ones; the table of positions is stored with the weights. */
function layout(config: JointConfig): PublishedLayout {
  const { positions, width } = config;
  const table = (): StoredArray => ({ shape: [1, positions ** 2, width], data: wholeTable(config) });
  const name = "pos_embed.pos_embed";
  if (config.storedPositions)
    return { name: (ours) => ours, missing: (ours) => (ours === name ? table() : undefined) };
  return {
    name: (ours) => ours,
    // Large for large models: made when weights are read or written, not before.
    get constants() {
      return { [name]: table() };
    },
  };
}
