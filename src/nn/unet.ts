import * as tf from "@tensorflow/tfjs-core";
import type { Key } from "../engine/random.js";
import * as random from "../engine/random.js";
import type { Tensor } from "../engine/tensor.js";
import { check, required } from "../errors.js";
import { checkClasses, classRows } from "./classes.js";
import { dropoutMask } from "./dropout.js";
import {
  type Affine,
  attention,
  conv2d,
  downsample2x,
  groupNorm,
  linear,
  type Scale,
  silu,
  timeEmbedding,
  upsample2x,
} from "./functional.js";
import { convInit, denseInit, type Leaves, normInit } from "./initializers.js";
import type { Masks, TimeNetwork } from "./network.js";
import { checkInput } from "./network.js";
import { type Residual, residual, residualInit } from "./residual.js";

/** Options of `unet`. */
export interface UnetConfig {
  /** Height and width of the images, divisible by 2^(levels - 1). */
  size: number;
  /** Channels of the images. */
  inChannels: number;
  /** Channels at full resolution. Default 32. */
  channels?: number;
  /** Channels of each level as a multiple of `channels`; its length is the number of levels. Default [1, 2, 2]. */
  multipliers?: readonly number[];
  /** Residual blocks per level and side. Default 1. */
  blocks?: number;
  /** Groups of the group normalizations; divides the channels of every level. Default 8. */
  groups?: number;
  /** Self-attention at the lowest level. Default false. */
  attention?: boolean;
  /** Number of classes, for `classLabels`; 0 is without. Default 0. */
  classes?: number;
  /** Takes the `interval` of a condition, too. Default false. */
  interval?: boolean;
  /** Share of values that a block drops in training, before its last convolution, in [0, 1). Default 0. */
  dropout?: number;
}

type Attention = { readonly [name: string]: Leaves } & { norm: Scale; qkv: Affine; output: Affine };

type Parameters = {
  label?: Affine;
  interval?: Affine;
  time0: Affine;
  time1: Affine;
  input: Affine;
  encoder: Residual[][];
  middle: Residual;
  attention?: Attention;
  decoder: { up?: Affine; blocks: Residual[] }[];
  norm: Scale;
  output: Affine;
};

const known = [
  ...["size", "inChannels", "channels", "multipliers", "blocks", "groups"],
  ...["attention", "classes", "interval", "dropout"],
];

/**
 * Convolutional U-Net on images [batch, size, size, inChannels] with a time condition c [batch] and, with `classes`, class labels. After DDPM++ (2011.13456)
 * but small: pre-norm residual blocks with the time added between their convolutions, 2x2 means down, nearest neighbour and a convolution up, one skip
 * connection per block.
 * @throws TangentLabError `invalid-argument` for an invalid configuration; `apply` throws it for x of another shape.
 */
export function unet(config: UnetConfig): TimeNetwork {
  required("config", config, "an object with size and inChannels");
  check.only("unet", config, known);
  const { size, inChannels, channels = 32, multipliers = [1, 2, 2], blocks = 1, groups = 8 } = config;
  const { classes = 0, dropout = 0, interval = false, attention = false } = config;
  checkClasses(classes);
  check.share("dropout", dropout);
  for (const [name, value] of Object.entries({ interval, attention })) check.flag(name, value);
  for (const [name, value] of Object.entries({ channels, groups })) check.count(name, value);
  const isList = Array.isArray(multipliers) && multipliers.every((m) => typeof m === "number" && m > 0);
  check(isList, "multipliers", multipliers, "at least one level");
  const widths = multipliers.map((multiplier) => multiplier * channels);
  const levels = widths.length;
  const bottom = levels - 1;
  const embedding = 2 * channels;
  check(levels >= 1, "multipliers", multipliers, "at least one level");
  check(
    Number.isInteger(size) && size > 0 && size % 2 ** bottom === 0,
    "size",
    size,
    `a multiple of ${2 ** bottom}`,
  );
  check.count("inChannels", inChannels);
  check.count("blocks", blocks);
  check(
    widths.every((width) => Number.isInteger(width) && width % groups === 0),
    "groups",
    groups,
    `a divisor of all of ${widths.join(", ")}`,
  );

  const side = (level: number): number => size / 2 ** level;
  /** Every block's name for its mask, and level and width of what it drops from. */
  const dropped = [
    ...widths.flatMap((width, level) =>
      Array.from({ length: blocks }, (_, i) => [`encoder.${level}.${i}`, level, width] as const),
    ),
    ["middle", bottom, widths[bottom]!] as const,
    ...widths
      .slice(0, bottom)
      .flatMap((width, level) =>
        Array.from({ length: blocks }, (_, i) => [`decoder.${level}.${i}`, level, width] as const),
      ),
  ];

  return {
    settings: { kind: "unet", ...config },
    ...(dropout > 0 && {
      drawMasks: (key: Key, count: number): Masks =>
        Object.fromEntries(
          dropped.map(([name, level, width], i) => [
            name,
            dropoutMask(random.foldIn(key, i), [count, side(level), side(level), width], dropout),
          ]),
        ),
    }),
    init: (key) => {
      let used = 0;
      const next = (): Key => random.foldIn(key, used++);
      const block = (inputs: number, outputs: number): { [name: string]: Leaves } =>
        residualInit(next, inputs, outputs, embedding);
      const repeat = (f: (i: number) => { [name: string]: Leaves }): { [name: string]: Leaves }[] =>
        Array.from({ length: blocks }, (_, i) => f(i));
      return {
        time0: denseInit(next(), channels, embedding),
        time1: denseInit(next(), embedding, embedding),
        input: convInit(next(), 3, inChannels, channels),
        encoder: widths.map((width, level) =>
          repeat((i) => block(i > 0 ? width : level > 0 ? widths[level - 1]! : channels, width)),
        ),
        middle: block(widths[bottom]!, widths[bottom]!),
        ...(attention ? { attention: attentionInit(next, widths[bottom]!) } : {}),
        decoder: widths.slice(0, bottom).map((width, level) => ({
          up: convInit(next(), 3, widths[level + 1]!, width),
          blocks: repeat(() => block(2 * width, width)),
        })),
        norm: normInit(widths[0]!),
        output: convInit(next(), 3, widths[0]!, inChannels, 0),
        ...(classes > 0 ? { label: denseInit(next(), classes, channels) } : {}),
        ...(interval ? { interval: denseInit(next(), channels, channels) } : {}),
      };
    },
    apply: (parameters, x, c, condition = {}) => {
      checkInput(x, [size, size, inChannels]);
      const p = parameters as Parameters;
      const { masks = {} } = condition;
      const labels = classRows(condition, classes, x.shape[0]!);
      const parts = [timeEmbedding(c, channels / 2)];
      if (labels) parts.push(linear(labels, p.label!));
      if (interval) {
        const apart = condition.interval ?? tf.zerosLike(c);
        parts.push(linear(timeEmbedding(apart, channels / 2), p.interval!));
      }
      const embedded = parts.reduce((sum, part) => tf.add(sum, part));
      const time = silu(linear(silu(linear(embedded, p.time0)), p.time1));
      let h = conv2d(x, p.input);
      const skips: Tensor[][] = [];
      p.encoder.forEach((level, i) => {
        if (i > 0) h = downsample2x(h);
        skips.push(
          level.map((block, j) => {
            h = residual(h, time, block, groups, masks[`encoder.${i}.${j}`]);
            return h;
          }),
        );
      });
      if (p.attention) h = tf.add(h, selfAttention(h, p.attention, groups));
      h = residual(h, time, p.middle, groups, masks.middle);
      for (let i = bottom - 1; i >= 0; i--) {
        const level = p.decoder[i]!;
        h = conv2d(upsample2x(h), level.up!);
        level.blocks.forEach((block, j) => {
          const joined = tf.concat([h, skips[i]![blocks - 1 - j]!], 3);
          h = residual(joined, time, block, groups, masks[`decoder.${i}.${j}`]);
        });
      }
      return conv2d(silu(groupNorm(h, p.norm, groups)), p.output);
    },
  };
}

function attentionInit(next: () => Key, width: number): { [name: string]: Leaves } {
  return {
    norm: normInit(width),
    qkv: denseInit(next(), width, 3 * width),
    output: denseInit(next(), width, width, 0.1),
  };
}

/** Attention between all positions: x [N, H, W, C] -> the change to be added to x. */
function selfAttention(x: Tensor, { norm, qkv, output }: Attention, groups: number): Tensor {
  const [n, h, w, c] = x.shape as [number, number, number, number];
  const rows = tf.reshape(groupNorm(x, norm, groups), [n * h * w, c]);
  const tokens = tf.reshape(linear(rows, qkv), [n, h * w, 3 * c]);
  const [q, k, v] = tf.split(tokens, 3, 2) as [Tensor, Tensor, Tensor];
  const mixed = tf.reshape(attention(q, k, v), [n * h * w, c]);
  return tf.reshape(linear(mixed, output), [n, h, w, c]);
}
