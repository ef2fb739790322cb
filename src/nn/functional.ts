import * as tf from "@tensorflow/tfjs-core";
import type { Tensor } from "../engine/tensor.js";

// Composite functions with hand-written gradients: fewer ops in a compiled step than automatic differentiation of their parts. A gradient
// starts again from the function's inputs (saved: otherwise, run eagerly, they would be freed), never from other values inside, so that
// gradients of gradients are right; compiled, the repetition is merged.

/** Weights of an affine map: `weight` [in, out], `bias` [out]. */
export type Affine = {
  readonly weight: Tensor;
  readonly bias: Tensor;
};

/** x [batch, in] -> [batch, out]. */
export function linear(x: Tensor, { weight, bias }: Affine): Tensor {
  return tf.add(tf.matMul(x, weight), bias);
}

/** Convolution with zero borders, "same" size divided by the stride: x [N, H, W, C], `weight` HWIO, `bias` [O] -> [N, H', W', O]. */
export function conv2d(x: Tensor, { weight, bias }: Affine, stride = 1): Tensor {
  return tf.add(tf.conv2d(x as tf.Tensor4D, weight as tf.Tensor4D, stride, "same"), bias);
}

/** SiLU, x sigmoid(x) (Elfwing et al., 1702.03118): like x, of any shape. */
export function silu(x: Tensor): Tensor {
  return tf.customGrad((...inputs) => {
    const [x, save] = inputs as [Tensor, tf.GradSaveFunc];
    save([x as tf.Tensor]);
    return {
      value: tf.mul(x, tf.sigmoid(x)),
      gradFunc: (dy: Tensor, [x]: Tensor[]) => {
        const s = tf.sigmoid(x!);
        // d/dx x s = s + x s (1 - s) = s (x - x s + 1)
        return tf.mul(dy, tf.mul(s, tf.add(tf.sub(x!, tf.mul(x!, s)), 1)));
      },
    };
  })(x);
}

/** Scale and shift of a normalization, each [channels]. */
export type Scale = {
  readonly weight: Tensor;
  readonly bias: Tensor;
};

/**
 * Group normalization (Wu and He, 1803.08494) of x [N, H, W, C]: mean 0 and variance 1 over the positions and channels of each of `groups`
 * groups of channels, then scale and shift per channel.
 */
export function groupNorm(x: Tensor, { weight, bias }: Scale, groups: number, epsilon = 1e-5): Tensor {
  const [n, h, w, c] = x.shape as [number, number, number, number];
  // Sums over `count` numbers of each channel [N, C] to the mean over the group that it belongs to: one small product, the big tensor untouched.
  const overGroup = (stat: Tensor, count: number): Tensor => {
    const width = c / groups;
    const sameGroup = new Float32Array(c * c);
    for (let i = 0; i < c; i++) {
      const first = i * c + width * Math.floor(i / width);
      sameGroup.fill(1 / (width * count), first, first + width);
    }
    return tf.matMul(stat, tf.tensor2d(sameGroup, [c, c]));
  };
  const spread = (stat: Tensor): Tensor => tf.reshape(stat, [n, 1, 1, c]);
  const moments = (x: Tensor): { mu: Tensor; inverse: Tensor } => {
    const mu = overGroup(tf.mean(x, [1, 2]), 1);
    const square = overGroup(tf.sum(tf.square(x), [1, 2]), h * w);
    const variance = tf.relu(tf.sub(square, tf.square(mu)));
    return { mu, inverse: tf.rsqrt(tf.add(variance, epsilon)) };
  };
  const normalize = tf.customGrad((...inputs) => {
    const [x, weight, bias, save] = inputs as [Tensor, Tensor, Tensor, tf.GradSaveFunc];
    save([x, weight] as tf.Tensor[]);
    const { mu, inverse } = moments(x);
    const a = tf.mul(inverse, weight);
    const value = tf.add(tf.mul(x, spread(a)), spread(tf.sub(bias, tf.mul(mu, a))));
    return {
      value,
      gradFunc: (dy: Tensor, saved: Tensor[]) => {
        const [x, weight] = saved as [Tensor, Tensor];
        const { mu, inverse } = moments(x);
        const sumDy = tf.sum(dy, [1, 2]);
        // Sums over positions of dy times the normalized x.
        const sumDyHat = tf.mul(tf.sub(tf.sum(tf.mul(dy, x), [1, 2]), tf.mul(mu, sumDy)), inverse);
        const lessDy = overGroup(tf.mul(sumDy, weight), -h * w);
        const lessDyHat = overGroup(tf.mul(sumDyHat, weight), -h * w);
        // dx = inverse (dy weight + lessDy + xhat lessDyHat), xhat = (x - mu) inverse
        const p = tf.mul(tf.square(inverse), lessDyHat);
        const q = tf.sub(tf.mul(inverse, lessDy), tf.mul(mu, p));
        const scaled = tf.add(tf.mul(dy, spread(tf.mul(inverse, weight))), spread(q));
        const dx = tf.add(scaled, tf.mul(x, spread(p)));
        return [dx, tf.sum(sumDyHat, 0), tf.sum(sumDy, 0)];
      },
    };
  });
  return normalize(x, weight, bias);
}

/** Layer normalization (Ba et al., 1607.06450) over the last axis of x [N, C], then scale and shift, each [C]. */
export function layerNorm(x: Tensor, { weight, bias }: Scale, epsilon = 1e-5): Tensor {
  const centred = tf.sub(x, tf.mean(x, -1, true));
  const inverse = tf.rsqrt(tf.add(tf.mean(tf.square(centred), -1, true), epsilon));
  return tf.add(tf.mul(tf.mul(centred, inverse), weight), bias);
}

/** Scaled dot-product attention over tokens (Vaswani et al., 1706.03762, eq. 1): q, k, v [N, tokens, C] -> [N, tokens, C]. */
export function attention(q: Tensor, k: Tensor, v: Tensor): Tensor {
  const scores = tf.mul(tf.matMul(q, k, false, true), 1 / Math.sqrt(q.shape[2]!));
  return tf.matMul(tf.softmax(scores), v);
}

/** Nearest-neighbour upsampling: [N, H, W, C] -> [N, 2H, 2W, C]. */
export function upsample2x(x: Tensor): Tensor {
  return tf.customGrad((input) => {
    const x = input as tf.Tensor4D;
    const value = tf.image.resizeNearestNeighbor(x, [2 * x.shape[1], 2 * x.shape[2]]) as Tensor;
    return { value, gradFunc: (dy: Tensor) => tf.mul(downsample2x(dy), 4) };
  })(x);
}

/** Means of 2x2 blocks: [N, H, W, C] -> [N, H/2, W/2, C]; H and W even. */
export function downsample2x(x: Tensor): Tensor {
  return tf.customGrad((input) => {
    const value = tf.avgPool(input as tf.Tensor4D, 2, 2, "valid") as Tensor;
    return { value, gradFunc: (dy: Tensor) => tf.mul(upsample2x(dy), 0.25) };
  })(x);
}

/** Largest of 2x2 blocks: [N, H, W, C] -> [N, H/2, W/2, C]; H and W even. The first of equal ones gets the gradient, as in PyTorch. */
export const maxPool2x = (x: Tensor): Tensor => tf.maxPool(x as tf.Tensor4D, 2, 2, "valid");

/**
 * Sines and cosines of c [N] at `count` frequencies spaced geometrically in [0.25, 8]: [N, 2 count]. For c = ln(t)/4: low enough that a
 * network stays smooth in time, which consistency training needs.
 */
export function timeEmbedding(c: Tensor, count: number): Tensor {
  const frequencies = Float32Array.from(
    { length: count },
    (_, i) => 0.25 * 32 ** (i / Math.max(1, count - 1)),
  );
  const angles = tf.matMul(tf.reshape(c, [-1, 1]), tf.tensor2d(frequencies, [1, count]));
  return tf.concat([tf.cos(angles), tf.sin(angles)], 1);
}
