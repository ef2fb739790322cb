import * as tf from "@tensorflow/tfjs-core";
import type { Key } from "../engine/random.js";
import * as random from "../engine/random.js";
import type { Tensor } from "../engine/tensor.js";
import type { Tree } from "../engine/tree.js";
import { check, required } from "../errors.js";
import {
  type ConvNorm,
  type Convolution,
  freshStatistics,
  type Statistics,
  withBatchNorm,
} from "./batch-norm.js";
import type { Features } from "./features.js";
import { type Affine, linear, type Scale } from "./functional.js";
import { convInit, denseInit, normInit } from "./initializers.js";
import type { Network } from "./network.js";
import { checkInput } from "./network.js";

/** Options of `resnetFeatures`. */
export interface ResnetFeaturesConfig {
  /** Channels of the images. */
  inChannels: number;
  /** Labels to regress. */
  labels: number;
  /** Basic blocks of each stage; each stage but the first halves height and width. Default [2, 2, 2, 2], ResNet-18; [3, 4, 6, 3] is ResNet-34. */
  blocks?: readonly number[];
  /** Channels of the first stage, doubled by each further one. Default 64. */
  channels?: number;
  /**
   * How images come in: "small" by a 3x3 convolution at full resolution, for 32x32 pixels and the like; "imagenet" by a 7x7 convolution and 3x3
   * largest values, each halving the resolution, as torchvision's weights need it. Default "small".
   */
  stem?: "small" | "imagenet";
}

interface Block {
  readonly conv1: Convolution;
  readonly bn1: Scale;
  readonly conv2: Convolution;
  readonly bn2: Scale;
  readonly downsample?: readonly [Convolution, Scale];
}
type Parameters = { readonly conv1: Convolution; readonly bn1: Scale; readonly fc: Affine } & {
  readonly [stage: `layer${number}`]: readonly Block[];
};

/**
 * ResNet of basic blocks (He et al., 1512.03385) with torchvision's names: images [N, H, W, inChannels] to the output of every stage and labels. `apply`
 * normalizes by the running statistics, `train` by the batch's.
 * @throws TangentLabError `invalid-argument` for an invalid configuration; `apply` throws it for x of another shape.
 */
export function resnetFeatures(config: ResnetFeaturesConfig): Network<[x: Tensor], Features> {
  required("config", config, "an object with inChannels and labels");
  const { inChannels, labels, blocks = [2, 2, 2, 2], channels = 64, stem = "small" } = config;
  for (const [name, value] of Object.entries({ inChannels, labels, channels })) check.count(name, value);
  check.only("resnetFeatures", config, ["inChannels", "labels", "blocks", "channels", "stem"]);
  check.counts("blocks", blocks);
  check(stem === "small" || stem === "imagenet", "stem", stem, "small, imagenet");
  const stages = blocks.map((count, i) => ({
    name: `layer${i + 1}` as const,
    count,
    width: channels * 2 ** i,
  }));

  const run = (p: Parameters, x: Tensor, convNorm: ConvNorm): Features => {
    checkInput(x, ["height", "width", inChannels]);
    let h = tf.relu(convNorm("bn1", x, p.conv1, p.bn1, stem === "small" ? 1 : 2));
    if (stem === "imagenet") h = maxPool3(h);
    const outputs = stages.map(({ name }, stage) => {
      p[name]!.forEach((block, i) => {
        h = basicBlock(h, block, `${name}.${i}`, i === 0 && stage > 0 ? 2 : 1, convNorm);
      });
      return h;
    });
    return { stages: outputs, labels: linear(tf.mean(h, [1, 2]), p.fc) };
  };

  return {
    init: (key) => {
      let used = 0;
      const statistics: Record<string, Statistics> = {};
      const conv = (size: number, inputs: number, outputs: number): { weight: Tensor } => ({
        weight: convInit(random.foldIn(key, used++), size, inputs, outputs, Math.SQRT2).weight,
      });
      const norm = (path: string, width: number): Scale & { [name: string]: Tensor } => {
        statistics[path] = freshStatistics(width);
        return normInit(width) as Scale & { [name: string]: Tensor };
      };
      let inputs = channels;
      const block = (path: string, width: number, stride: number): Tree => {
        const parts = {
          conv1: conv(3, inputs, width),
          bn1: norm(`${path}.bn1`, width),
          conv2: conv(3, width, width),
          bn2: norm(`${path}.bn2`, width),
          ...((stride > 1 || inputs !== width) && {
            downsample: [conv(1, inputs, width), norm(`${path}.downsample.1`, width)],
          }),
        };
        inputs = width;
        return parts;
      };
      const tree: Record<string, Tree> = {
        conv1: conv(stem === "small" ? 3 : 7, inChannels, channels),
        bn1: norm("bn1", channels),
      };
      stages.forEach(({ name, count, width }, stage) => {
        tree[name] = Array.from({ length: count }, (_, i) =>
          block(`${name}.${i}`, width, i === 0 && stage > 0 ? 2 : 1),
        );
      });
      tree.fc = denseInit(random.foldIn(key, used) as Key, inputs, labels);
      return { ...tree, statistics };
    },
    ...withBatchNorm((p, x, convNorm) => run(p as Tree & Parameters, x, convNorm)),
  };
}

function basicBlock(x: Tensor, p: Block, path: string, stride: number, convNorm: ConvNorm): Tensor {
  let h = tf.relu(convNorm(`${path}.bn1`, x, p.conv1, p.bn1, stride));
  h = convNorm(`${path}.bn2`, h, p.conv2, p.bn2);
  const skip = p.downsample ? convNorm(`${path}.downsample.1`, x, ...p.downsample, stride) : x;
  return tf.relu(tf.add(h, skip));
}

/** Largest of 3x3 around every second pixel of what is nowhere negative: [N, H, W, C] -> [N, H/2, W/2, C]; H and W even. */
function maxPool3(x: Tensor): Tensor {
  const [n, h, w, c] = x.shape as [number, number, number, number];
  check(h % 2 === 0 && w % 2 === 0, "x", x.shape, "images of a multiple of 4 pixels, for this stem");
  const padded = tf.pad(x as tf.Tensor4D, [
    [0, 0],
    [1, 1],
    [1, 1],
    [0, 0],
  ]);
  // Window i of an axis of pairs: the first and second of pair i, and the first of pair i + 1.
  const windows = (pairs: Tensor, count: number): Tensor => {
    const [first, second] = tf.split(pairs, 2, 2) as [Tensor, Tensor];
    const shape = [pairs.shape[0]!, count, first.shape[2]!];
    const from = (x: Tensor, at: number): Tensor => tf.slice(x, [0, at, 0], shape);
    return tf.maximum(tf.maximum(from(first, 0), from(second, 0)), from(first, 1));
  };
  const columns = windows(tf.reshape(padded, [n * (h + 2), w / 2 + 1, 2 * c]), w / 2);
  return tf.reshape(windows(tf.reshape(columns, [n, h / 2 + 1, w * c]), h / 2), [n, h / 2, w / 2, c]);
}
