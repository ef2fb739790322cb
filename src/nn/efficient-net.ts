import * as tf from "@tensorflow/tfjs-core";
import type { Key } from "../engine/random.js";
import * as random from "../engine/random.js";
import type { Tensor } from "../engine/tensor.js";
import type { Tree } from "../engine/tree.js";
import { check, required } from "../errors.js";
import { freshStatistics, publishedStatistics, type Statistics } from "./batch-norm.js";
import { depthwiseConv2d } from "./depthwise.js";
import type { Features } from "./features.js";
import { type Affine, linear, type Scale } from "./functional.js";
import { convInit, denseInit, normInit } from "./initializers.js";
import type { Network } from "./network.js";
import { checkInput } from "./network.js";

/** Options of `efficientNetLite0`. */
export interface EfficientNetConfig {
  /** Images are resized to so many pixels first, bilinearly; the published weights were trained at 224. Default as they are. */
  size?: number;
}

/** A stage of `blocks` blocks, the first of which has the stride; each widens its channels, convolves each alone, and narrows them. */
interface Stage {
  readonly blocks: number;
  readonly kernel: number;
  readonly stride: number;
  readonly expand: number;
  readonly channels: number;
}

const stage = (blocks: number, kernel: number, stride: number, expand: number, channels: number): Stage => ({
  blocks,
  kernel,
  stride,
  expand,
  channels,
});

const STEM = 32;
const STAGES = [
  stage(1, 3, 1, 1, 16),
  stage(2, 3, 2, 6, 24),
  stage(2, 5, 2, 6, 40),
  stage(3, 3, 2, 6, 80),
  stage(3, 5, 1, 6, 112),
  stage(4, 5, 2, 6, 192),
  stage(1, 3, 1, 6, 320),
];
const HEAD = 1280;
const CLASSES = 1000;
/** Of the normalizations, as published. */
const EPSILON = 1e-3;

/** All blocks in order. */
const BLOCKS = STAGES.flatMap(({ blocks, kernel, stride, expand, channels }, i) =>
  Array.from({ length: blocks }, (_, j) => {
    const inputs = j > 0 ? channels : (STAGES[i - 1]?.channels ?? STEM);
    return {
      kernel,
      stride: j > 0 ? 1 : stride,
      inputs,
      wide: inputs * expand,
      channels,
      last: j + 1 === blocks,
    };
  }),
);

interface Weight {
  readonly weight: Tensor;
}

interface Parameters {
  readonly _conv_stem: Weight;
  readonly _bn0: Scale;
  readonly _blocks: readonly {
    readonly _expand_conv?: Weight;
    readonly _bn0?: Scale;
    /** [h, w, 1, channels]: as the published ones are, a group for each channel. */
    readonly _depthwise_conv: Weight;
    readonly _bn1: Scale;
    readonly _project_conv: Weight;
    readonly _bn2: Scale;
  }[];
  readonly _conv_head: Weight;
  readonly _bn1: Scale;
  readonly _fc: Affine;
  readonly statistics: { readonly [path: string]: Statistics };
}

/**
 * EfficientNet-Lite0 (Tan and Le, 1905.11946, without squeeze-and-excitation and with ReLU6) for weights trained on ImageNet (docs/weights.md). Images [N, H,
 * W, 3], or grey ones [N, H, W, 1], in [-1, 1] become features and the 1,000 classes' logits, `labels`. Features are the outputs of the seven stages of blocks,
 * at 1/2, 1/4, 1/8, 1/16, 1/16, 1/32 and 1/32 of the resolution, and of the last convolution, 1280 channels. It is for use, not for training: normalization is
 * by the running statistics only.
 * @throws TangentLabError `invalid-argument` for an invalid size; `apply` throws it for images with other channels.
 */
export function efficientNetLite0(config: EfficientNetConfig = {}): Network<[x: Tensor], Features> {
  const { size } = required("config", config);
  check.only("efficientNetLite0", config, ["size"]);
  check(size === undefined || (Number.isInteger(size) && size >= 1), "size", size, "an integer >= 1");
  return {
    init,
    apply: (parameters, x) => apply(parameters as Tree & Parameters, prepared(x, size)),
    published: publishedStatistics,
  };
}

function init(key: Key): Tree {
  let used = 0;
  const statistics: Record<string, Statistics> = {};
  const conv = (size: number, inputs: number, outputs: number): { weight: Tensor } => ({
    weight: convInit(random.foldIn(key, used++), size, inputs, outputs, Math.SQRT2).weight,
  });
  const norm = (path: string, channels: number): Scale & { [name: string]: Tensor } => {
    statistics[path] = freshStatistics(channels);
    return normInit(channels);
  };
  return {
    _conv_stem: conv(3, 3, STEM),
    _bn0: norm("_bn0", STEM),
    _blocks: BLOCKS.map(({ kernel, inputs, wide, channels }, i) => ({
      ...(wide !== inputs && {
        _expand_conv: conv(1, inputs, wide),
        _bn0: norm(`_blocks.${i}._bn0`, wide),
      }),
      _depthwise_conv: conv(kernel, 1, wide),
      _bn1: norm(`_blocks.${i}._bn1`, wide),
      _project_conv: conv(1, wide, channels),
      _bn2: norm(`_blocks.${i}._bn2`, channels),
    })),
    _conv_head: conv(1, BLOCKS.at(-1)!.channels, HEAD),
    _bn1: norm("_bn1", HEAD),
    _fc: denseInit(random.foldIn(key, used), HEAD, CLASSES),
    statistics,
  };
}

/** Images in [-1, 1] as the published network takes them: in colour, (value - 127) / 128 of values from 0 to 255. */
function prepared(x: Tensor, size: number | undefined): Tensor {
  const grey = x.rank === 4 && x.shape[3] === 1;
  checkInput(x, ["height", "width", grey ? 1 : 3]);
  const resized =
    size === undefined ? x : (tf.image.resizeBilinear(x as tf.Tensor4D, [size, size], false, true) as Tensor);
  const colour = grey ? tf.tile(resized, [1, 1, 1, 3]) : resized;
  return tf.div(tf.add(tf.mul(colour, 127.5), 0.5), 128);
}

function apply(p: Parameters, x: Tensor): Features {
  /** Scale and shift of a normalization by its running statistics: an affine map, whose scale goes into the weights before it. */
  const affine = (path: string, { weight, bias }: Scale): { scale: Tensor; shift: Tensor } => {
    const { running_mean, running_var } = p.statistics[path]!;
    const scale = tf.mul(weight, tf.rsqrt(tf.add(running_var, EPSILON)));
    return { scale, shift: tf.sub(bias, tf.mul(running_mean, scale)) };
  };
  const convNorm = (h: Tensor, { weight }: Weight, path: string, norm: Scale, stride = 1): Tensor => {
    const { scale, shift } = affine(path, norm);
    const filter = tf.mul(weight, scale) as tf.Tensor4D;
    return tf.add(tf.conv2d(h as tf.Tensor4D, filter, stride, "same"), shift);
  };
  const depthwiseNorm = (
    h: Tensor,
    { weight }: Weight,
    path: string,
    norm: Scale,
    stride: number,
  ): Tensor => {
    const { scale, shift } = affine(path, norm);
    const [height, width, , channels] = weight.shape as [number, number, number, number];
    const filter = tf.reshape(tf.mul(weight, scale), [height, width, channels, 1]);
    return tf.add(depthwiseConv2d(h, filter, stride), shift);
  };
  const stages: Tensor[] = [];
  let h = tf.relu6(convNorm(x, p._conv_stem, "_bn0", p._bn0, 2)) as Tensor;
  BLOCKS.forEach(({ stride, inputs, channels, last }, i) => {
    const block = p._blocks[i]!;
    const path = `_blocks.${i}`;
    const { _expand_conv, _bn0 } = block;
    const wide = _expand_conv && _bn0 ? tf.relu6(convNorm(h, _expand_conv, `${path}._bn0`, _bn0)) : h;
    const each = tf.relu6(depthwiseNorm(wide, block._depthwise_conv, `${path}._bn1`, block._bn1, stride));
    const narrow = convNorm(each, block._project_conv, `${path}._bn2`, block._bn2);
    h = stride === 1 && inputs === channels ? tf.add(narrow, h) : narrow;
    if (last) stages.push(h);
  });
  h = tf.relu6(convNorm(h, p._conv_head, "_bn1", p._bn1));
  stages.push(h);
  return { stages, labels: linear(tf.mean(h, [1, 2]), p._fc) };
}
