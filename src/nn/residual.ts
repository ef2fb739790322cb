import * as tf from "@tensorflow/tfjs-core";
import type { Key } from "../engine/random.js";
import type { Tensor } from "../engine/tensor.js";
import { type Affine, conv2d, groupNorm, linear, type Scale, silu } from "./functional.js";
import { convInit, denseInit, type Leaves, normInit } from "./initializers.js";

/** A U-Net's residual block. */
export type Residual = { readonly [name: string]: Leaves } & {
  norm0: Scale;
  conv0: Affine;
  time: Affine;
  norm1: Scale;
  conv1: Affine;
  skip?: Affine;
};

/** `embedding` is the dimension of the block's time embedding. The block starts near the identity. */
export function residualInit(
  next: () => Key,
  inputs: number,
  outputs: number,
  embedding: number,
): { [name: string]: Leaves } {
  return {
    norm0: normInit(inputs),
    conv0: convInit(next(), 3, inputs, outputs),
    time: denseInit(next(), embedding, outputs),
    norm1: normInit(outputs),
    conv1: convInit(next(), 3, outputs, outputs, 0.1),
    ...(inputs === outputs ? {} : { skip: convInit(next(), 1, inputs, outputs) }),
  };
}

/**
 * Pre-norm convolutions of x [N, H, W, inputs] with the time [N, embedding] added between them: -> [N, H, W, outputs].
 * @param mask Dropout before the last convolution, [N, H, W, outputs].
 */
export function residual(x: Tensor, time: Tensor, block: Residual, groups: number, mask?: Tensor): Tensor {
  const shift = linear(time, block.time);
  let h = conv2d(silu(groupNorm(x, block.norm0, groups)), block.conv0);
  h = tf.add(h, tf.reshape(shift, [shift.shape[0]!, 1, 1, shift.shape[1]!]));
  h = silu(groupNorm(h, block.norm1, groups));
  if (mask) h = tf.mul(h, mask);
  h = conv2d(h, block.conv1);
  return tf.add(block.skip ? conv2d(x, block.skip) : x, h);
}
