import * as tf from "@tensorflow/tfjs-core";
import type { Key } from "../engine/random.js";
import * as random from "../engine/random.js";
import type { Tensor } from "../engine/tensor.js";
import type { Tree } from "../engine/tree.js";
import { check, required } from "../errors.js";
import {
  type Affine,
  conv2d,
  downsample2x,
  groupNorm,
  type Scale,
  silu,
  upsample2x,
} from "../nn/functional.js";
import { convInit, normInit } from "../nn/initializers.js";
import { type Residual, residual, residualInit } from "../nn/residual.js";
import { type CrossParameters, crossApply, crossInit } from "./cross-attention.js";
import { checkImages, type ImageShapes } from "./image-size.js";
import { type ConditionParameters, condition, conditionInit } from "./joint/embedding.js";
import type { VelocityInputs, VelocityNetwork } from "./types.js";

/** Options of `crossUnet`. */
export interface CrossUnetConfig {
  /** Height and width of the images it is made for, divisible by 2^(levels - 1); it takes other multiples. */
  size: number;
  /** Channels of the images. */
  channels: number;
  /** Dimension of the text encoder's tokens. */
  textDim: number;
  /** Dimension of the text encoder's pooled vector. */
  pooledDim: number;
  /** Channels at full resolution. Default 32. */
  width?: number;
  /** Channels of each level as a multiple of `width`; at all levels but the first, images attend to text. Default [1, 2, 2]. */
  multipliers?: readonly number[];
  /** Divides the channels of every level. Default 4. */
  heads?: number;
  /** Groups of the group normalizations; divides the channels of every level. Default 8. */
  groups?: number;
}

/** A residual block, and attention at all levels but the first. */
type Stage = { residual: Residual; attention?: CrossParameters };

type Parameters = {
  condition: ConditionParameters;
  input: Affine;
  encoder: readonly Stage[];
  middle: Stage;
  decoder: readonly (Stage & { up: Affine })[];
  norm: Scale;
  output: Affine;
};

/**
 * A small U-Net with cross-attention to text, in the manner of Stable Diffusion 1.5 (2112.10752), for velocities. Soft tokens (SoftREPA, 2503.08250) go in
 * behind the first text token, one set for all layers: `softTokens` has one entry.
 * @throws TangentLabError `invalid-argument` for an invalid configuration; `apply` throws it for soft tokens that do not fit, naming the dimension, and for
 * images of another shape than [N, height, width, channels].
 */
export function crossUnet(config: CrossUnetConfig): VelocityNetwork {
  required("config", config, "an object with size, channels, textDim and pooledDim");
  check.only("crossUnet", config, [
    ...["size", "channels", "textDim", "pooledDim", "width", "multipliers", "heads", "groups"],
  ]);
  const { size, channels, textDim, pooledDim, width = 32, multipliers = [1, 2, 2] } = config;
  const { heads = 4, groups = 8 } = config;
  const isList = Array.isArray(multipliers) && multipliers.every((m) => typeof m === "number" && m > 0);
  check(isList, "multipliers", multipliers, "at least two levels: images attend to text from the second on");
  const widths = multipliers.map((multiplier) => multiplier * width);
  const bottom = widths.length - 1;
  const embedding = 4 * width;
  for (const [name, value] of Object.entries({ size, channels, textDim, pooledDim, width, heads, groups }))
    check.count(name, value);
  check(
    bottom >= 1,
    "multipliers",
    multipliers,
    "at least two levels: images attend to text from the second on",
  );
  check(size % 2 ** bottom === 0, "size", size, `a multiple of ${2 ** bottom}`);
  for (const [name, value] of Object.entries({ heads, groups })) {
    check(
      widths.every((w) => Number.isInteger(w / value)),
      name,
      value,
      `a divisor of all of ${widths.join(", ")}`,
    );
  }

  const shapes = {
    shape: [size, size, channels],
    sizes: { multiple: 2 ** bottom, most: Number.POSITIVE_INFINITY },
  } as const satisfies ImageShapes;

  const init = (key: Key): Tree => {
    let used = 0;
    const next = (): Key => random.foldIn(key, used++);
    const stage = (level: number, inputs: number): { [name: string]: Tree } => ({
      residual: residualInit(next, inputs, widths[level]!, embedding),
      ...(level > 0 && { attention: crossInit(next, widths[level]!, textDim) }),
    });
    return {
      condition: conditionInit(next, { pooledDim, width: embedding }),
      input: convInit(next(), 3, channels, width),
      encoder: widths.map((_, level) => stage(level, level > 0 ? widths[level - 1]! : width)),
      middle: stage(bottom, widths[bottom]!),
      decoder: widths.slice(0, bottom).map((w, level) => ({
        up: convInit(next(), 3, widths[level + 1]!, w),
        ...stage(level, 2 * w),
      })),
      norm: normInit(width),
      output: convInit(next(), 3, width, channels, 0),
    };
  };

  const run = (parameters: Tree, inputs: VelocityInputs, observer: Observer = {}): Tensor => {
    const p = parameters as Parameters;
    const { x, t, softTokens = [] } = inputs;
    checkImages("x.shape", x.shape, shapes);
    checkSoftTokens(softTokens, textDim);
    const text = withSoftTokens(inputs.text.tokens, softTokens[0]);
    const time = silu(condition(t, inputs.text.pooled, p.condition));
    let layer = 0;
    const stage = (x: Tensor, { residual: block, attention }: Stage): Tensor => {
      const h = residual(x, time, block, groups);
      if (!attention) return h;
      const out = crossApply(h, text, attention, heads, observer.attention);
      observer.hidden?.(out, layer++);
      return out;
    };
    let h = conv2d(x, p.input);
    const skips: Tensor[] = [];
    p.encoder.forEach((each, level) => {
      h = stage(level > 0 ? downsample2x(h) : h, each);
      skips.push(h);
    });
    h = stage(h, p.middle);
    for (let level = bottom - 1; level >= 0; level--) {
      const each = p.decoder[level]!;
      h = stage(tf.concat([conv2d(upsample2x(h), each.up), skips[level]!], 3), each);
    }
    return conv2d(silu(groupNorm(h, p.norm, groups)), p.output);
  };

  // Encoder and decoder at all levels but the first, of which the lowest has no decoder, and the middle.
  const layers = 2 * bottom;
  return {
    ...shapes,
    attention: "cross",
    layers,
    textDim,
    pooledDim,
    tokenDim: textDim,
    settings: { size, channels, textDim, pooledDim, width, multipliers, heads, groups },
    init,
    apply: (parameters, inputs) => run(parameters, inputs),
    softAttention: (parameters, inputs) => {
      const soft = inputs.softTokens?.[0];
      const maps: Tensor[] = [];
      if (soft) {
        run(parameters, inputs, {
          attention: (weights) =>
            maps.push(tf.mean(tf.slice(weights, [0, 0, 0, 1], [-1, -1, -1, soft.shape[1]!]), 1)),
        });
      }
      return maps;
    },
    hidden: (parameters, inputs, layer) => {
      check(Number.isInteger(layer) && layer >= 0 && layer < layers, "layer", layer, `0 to ${layers - 1}`);
      let found: Tensor | undefined;
      run(parameters, inputs, {
        hidden: (image, i) => {
          if (i === layer) found = tf.reshape(image, [image.shape[0]!, -1, image.shape[3]!]);
        },
      });
      return found!;
    },
  };
}

interface Observer {
  /** Attention of image positions to text and soft tokens. */
  attention?(weights: Tensor): void;
  hidden?(image: Tensor, layer: number): void;
}

/** Text [N, L, D] with soft tokens behind its first token. */
function withSoftTokens(text: Tensor, soft: Tensor | undefined): Tensor {
  if (!soft) return text;
  const [n, length, dim] = text.shape as [number, number, number];
  const first = tf.slice(text, [0, 0, 0], [n, 1, dim]);
  return tf.concat([first, soft, tf.slice(text, [0, 1, 0], [n, length - 1, dim])] as Tensor[], 1);
}

function checkSoftTokens(softTokens: readonly Tensor[], textDim: number): void {
  check(softTokens.length <= 1, "softTokens.layers", softTokens.length, "one set for all layers");
  const shape = softTokens[0]?.shape;
  check(
    shape === undefined || (shape.length === 3 && shape[2] === textDim),
    "softTokens.dim",
    shape,
    `[N, m, ${textDim}]: as wide as the text tokens`,
  );
}
