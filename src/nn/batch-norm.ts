import * as tf from "@tensorflow/tfjs-core";
import type { Tensor } from "../engine/tensor.js";
import type { Tree } from "../engine/tree.js";
import { conv2d, type Scale } from "./functional.js";
import type { Network } from "./network.js";
import type { PublishedLayout } from "./published.js";

// Batch normalization (Ioffe and Szegedy, 1502.03167) after convolutions, PyTorch's definition. A network's tree has its running statistics as its
// last part, `statistics`, by the path of each normalization: they are parameters that training updates without gradients.

/** Running moments of a normalization's input, each [channels]. */
export interface Statistics {
  readonly [name: string]: Tensor;
  readonly running_mean: Tensor;
  readonly running_var: Tensor;
}
type StatisticsByPath = { readonly [path: string]: Statistics };

/** Weights [size, size, in, out] of a convolution, with or without a bias [out]. */
export interface Convolution {
  readonly weight: Tensor;
  readonly bias?: Tensor;
}

/** Batch normalization after a convolution with zero borders of size / 2: x [N, H, W, in] -> [N, H', W', out]. */
export type ConvNorm = (path: string, x: Tensor, conv: Convolution, norm: Scale, stride?: number) => Tensor;

const EPSILON = 1e-5;

/** PyTorch stores the statistics with their normalization, and an unused count of batches. */
export const publishedStatistics: PublishedLayout = {
  name: (ours) => ours.replace(/^statistics\./, ""),
  ignore: (name) => name.endsWith(".num_batches_tracked"),
};

/** Before anything was seen: mean 0, variance 1. */
export const freshStatistics = (channels: number): Statistics => ({
  running_mean: tf.zeros([channels]),
  running_var: tf.ones([channels]),
});

/** With the running statistics: the normalization is then an affine map of each channel, and goes into the convolution's weights. */
const inferenceNorm =
  (statistics: StatisticsByPath): ConvNorm =>
  (path, x, { weight, bias }, norm, stride = 1) => {
    const { running_mean, running_var } = statistics[path]!;
    const scale = tf.mul(norm.weight, tf.rsqrt(tf.add(running_var, EPSILON)));
    const offset = tf.sub(bias ?? 0, running_mean);
    return convolve(
      x,
      { weight: tf.mul(weight, scale), bias: tf.add(tf.mul(offset, scale), norm.bias) },
      stride,
    );
  };

/**
 * With the batch's own moments. `updated` gets the new running statistics of each path: `momentum` of the batch's mean and unbiased variance, the
 * rest of what was there.
 */
const trainingNorm =
  (statistics: StatisticsByPath, updated: Record<string, Statistics>, momentum = 0.1): ConvNorm =>
  (path, x, conv, norm, stride = 1) => {
    const h = convolve(x, conv, stride);
    const { mean, variance } = moments(h);
    const count = h.size / h.shape[3]!;
    const { running_mean, running_var } = statistics[path]!;
    const towards = (old: Tensor, now: Tensor): Tensor => tf.add(old, tf.mul(tf.sub(now, old), momentum));
    updated[path] = {
      running_mean: towards(running_mean, mean),
      running_var: towards(running_var, tf.mul(variance, count / Math.max(1, count - 1))),
    };
    return batchNorm(h, norm);
  };

/** Mean 0 and variance 1 of each channel over the whole batch x [N, H, W, C], then scale and shift. */
function batchNorm(x: Tensor, { weight, bias }: Scale): Tensor {
  const normalize = tf.customGrad((...inputs) => {
    const [x, weight, bias, save] = inputs as [Tensor, Tensor, Tensor, tf.GradSaveFunc];
    save([x, weight] as tf.Tensor[]);
    const { mean, inverse } = moments(x);
    const a = tf.mul(inverse, weight);
    return {
      value: tf.add(tf.mul(x, a), tf.sub(bias, tf.mul(mean, a))),
      gradFunc: (dy: Tensor, saved: Tensor[]) => {
        const [x, weight] = saved as [Tensor, Tensor];
        const { mean, inverse } = moments(x);
        const count = x.size / x.shape[3]!;
        const sumDy = tf.sum(dy, [0, 1, 2]);
        const sumDyHat = tf.mul(tf.sub(tf.sum(tf.mul(dy, x), [0, 1, 2]), tf.mul(mean, sumDy)), inverse);
        // dx = inverse weight (dy - mean of dy - xhat mean of (dy xhat)), xhat = (x - mean) inverse
        const a = tf.mul(inverse, weight);
        const p = tf.div(tf.mul(tf.mul(a, inverse), sumDyHat), count);
        const q = tf.sub(tf.mul(mean, p), tf.div(tf.mul(a, sumDy), count));
        const dx = tf.add(tf.sub(tf.mul(dy, a), tf.mul(x, p)), q);
        return [dx, sumDyHat, sumDy];
      },
    };
  });
  return normalize(x, weight, bias);
}

function moments(x: Tensor): { mean: Tensor; variance: Tensor; inverse: Tensor } {
  const mean = tf.mean(x, [0, 1, 2]);
  const variance = tf.relu(tf.sub(tf.mean(tf.square(x), [0, 1, 2]), tf.square(mean)));
  return { mean, variance, inverse: tf.rsqrt(tf.add(variance, EPSILON)) };
}

function convolve(x: Tensor, { weight, bias }: Convolution, stride: number): Tensor {
  if (stride === 1 && bias) return conv2d(x, { weight, bias });
  // Borders as PyTorch has them: "same" of tfjs would put fewer pixels before than after.
  const border = Math.floor(weight.shape[0]! / 2);
  const y = tf.conv2d(x as tf.Tensor4D, weight as tf.Tensor4D, stride, border, "NHWC", 1, "floor");
  return bias ? tf.add(y, bias) : y;
}

/** `apply` and `train` of a network (see `Network`), from one function, given how to normalize. */
export function withBatchNorm<Output>(
  run: (parameters: Tree, x: Tensor, convNorm: ConvNorm) => Output,
): Required<Pick<Network<[x: Tensor], Output>, "apply" | "train" | "published">> {
  const statisticsOf = (parameters: Tree): StatisticsByPath =>
    (parameters as { statistics: StatisticsByPath }).statistics;
  return {
    apply: (parameters, x) => run(parameters, x, inferenceNorm(statisticsOf(parameters))),
    train: (parameters, x) => {
      const before = statisticsOf(parameters);
      const updated: Record<string, Statistics> = {};
      const output = run(parameters, x, trainingNorm(before, updated));
      // In the order of the parameters, not in that in which the layers ran.
      return {
        output,
        statistics: Object.fromEntries(Object.keys(before).map((path) => [path, updated[path]!])),
      };
    },
    published: publishedStatistics,
  };
}
