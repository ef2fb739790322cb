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
import { type Affine, linear, maxPool2x, type Scale } from "./functional.js";
import { convInit, denseInit, normInit } from "./initializers.js";
import type { Network } from "./network.js";
import { checkInput } from "./network.js";

/** A 3x3 convolution to so many channels with batch normalization and ReLU, or "M": the largest of 2x2. */
export type VggBlocks = readonly (number | "M")[];

/** VGG's block lists (Simonyan and Zisserman, 1409.1556); for images of a multiple of 32 pixels. */
export const vggBlocks = {
  vgg11: [64, "M", 128, "M", 256, 256, "M", 512, 512, "M", 512, 512, "M"],
  vgg13: [64, 64, "M", 128, 128, "M", 256, 256, "M", 512, 512, "M", 512, 512, "M"],
  vgg16: [64, 64, "M", 128, 128, "M", 256, 256, 256, "M", 512, 512, 512, "M", 512, 512, 512, "M"],
  vgg19: [
    ...[64, 64, "M", 128, 128, "M", 256, 256, 256, 256, "M"],
    ...[512, 512, 512, 512, "M", 512, 512, 512, 512, "M"],
  ] as VggBlocks,
} as const satisfies Record<string, VggBlocks>;

/**
 * Blocks for images of any height and width, narrower than VGG11's because there are fewer pixels. The size is halved as often as it has factors of 2, at most
 * five times: after one convolution to 16 channels, one to 32, then two to 64 each time. 16 pixels: 16 M 32 M 64 64 M 64 64 M.
 * @throws TangentLabError `invalid-argument` for a size that is no integer >= 2 divisible by 2.
 */
export function scaledVggBlocks(size: number): VggBlocks {
  check(Number.isInteger(size) && size >= 2 && size % 2 === 0, "size", size, "an even integer >= 2");
  let halvings = 1;
  while (halvings < 5 && size % 2 ** (halvings + 1) === 0) halvings++;
  const wide: VggBlocks = [64, 64];
  const stages = [[16], [32], wide, wide, wide].slice(0, halvings);
  // Where few halvings are possible the last convolutions see what there is, for the labels.
  return [...stages.flatMap((stage): VggBlocks => [...stage, "M"]), ...(halvings < 4 ? wide : [])];
}

/** Options of `vggFeatures`. */
export interface VggFeaturesConfig {
  /** Height and width of the images, divisible by 2 for each "M". */
  size: number;
  /** Channels of the images. */
  inChannels: number;
  /** Labels to regress. */
  labels: number;
  /** Default `vggBlocks.vgg11`. */
  blocks?: VggBlocks;
}

interface Parameters {
  readonly layers: { readonly [block: string]: { readonly conv: Convolution; readonly bn: Scale } } & {
    readonly classifier: Affine;
  };
}

/**
 * VGG with batch normalization as Align Your Tangent's feature network (2510.00658): the block list, the mean over what positions are left, a linear layer.
 * Features are the output of every "M" and the labels. `apply` normalizes by the running statistics, `train` by the batch's.
 * @throws TangentLabError `invalid-argument` for an invalid configuration; `apply` throws it for x of another shape.
 */
export function vggFeatures(config: VggFeaturesConfig): Network<[x: Tensor], Features> {
  required("config", config, "an object with size, inChannels and labels");
  const { size, inChannels, labels, blocks = vggBlocks.vgg11 } = config;
  check.only("vggFeatures", config, ["size", "inChannels", "labels", "blocks"]);
  const isList = Array.isArray(blocks);
  check(isList, "blocks", blocks, 'a list of numbers of channels and "M", such as vggBlocks.vgg11');
  const pools = blocks.filter((block) => block === "M").length;
  check(
    blocks.some((block) => block !== "M") &&
      blocks.every((block) => block === "M" || (Number.isInteger(block) && block >= 1)),
    "blocks",
    blocks,
    'a list of numbers of channels and "M"',
  );
  const multiple = Number.isInteger(size) && size > 0 && size % 2 ** pools === 0;
  check(multiple, "size", size, `a multiple of ${2 ** pools}, or fewer "M"`);
  for (const [name, value] of Object.entries({ inChannels, labels })) check.count(name, value);
  const convolutions = named(blocks, size, inChannels);
  const widest = convolutions[convolutions.length - 1]!.outputs;

  const run = (p: Parameters, x: Tensor, convNorm: ConvNorm): Features => {
    checkInput(x, [size, size, inChannels]);
    const stages: Tensor[] = [];
    let next = 0;
    let h = x;
    blocks.forEach((block, i) => {
      if (block === "M") {
        h = maxPool2x(h);
        // ReLU rises: the largest of its values is its value of the largest, and there are a quarter as many.
        if (blocks[i - 1] !== "M") h = tf.relu(h);
        stages.push(h);
      } else {
        const { name } = convolutions[next++]!;
        const { conv, bn } = p.layers[name]!;
        h = convNorm(`layers.${name}.bn`, h, conv, bn);
        if (blocks[i + 1] !== "M") h = tf.relu(h);
      }
    });
    return { stages, labels: linear(tf.mean(h, [1, 2]), p.layers.classifier) };
  };

  return {
    init: (key) => {
      const keys = random.split(key, convolutions.length + 1) as [Key, ...Key[]];
      const layers: Record<string, Tree> = {};
      const statistics: Record<string, Statistics> = {};
      convolutions.forEach(({ name, inputs, outputs }, i) => {
        layers[name] = { conv: convInit(keys[i]!, 3, inputs, outputs, Math.SQRT2), bn: normInit(outputs) };
        statistics[`layers.${name}.bn`] = freshStatistics(outputs);
      });
      layers.classifier = denseInit(keys[convolutions.length]!, widest, labels);
      return { layers, statistics };
    },
    ...withBatchNorm((p, x, convNorm) => run(p as Tree & Parameters, x, convNorm)),
  };
}

/** The convolutions with their published names: "16x16_block0", counted from 0 at each size. */
function named(
  blocks: VggBlocks,
  size: number,
  inChannels: number,
): { name: string; inputs: number; outputs: number }[] {
  let side = size;
  let count = 0;
  let inputs = inChannels;
  return blocks.flatMap((block) => {
    if (block === "M") {
      side /= 2;
      count = 0;
      return [];
    }
    const convolution = { name: `${side}x${side}_block${count++}`, inputs, outputs: block };
    inputs = block;
    return [convolution];
  });
}
