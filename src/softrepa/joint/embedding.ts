import * as tf from "@tensorflow/tfjs-core";
import type { Key } from "../../engine/random.js";
import type { Tensor } from "../../engine/tensor.js";
import type { Tree } from "../../engine/tree.js";
import { type Affine, linear, silu } from "../../nn/functional.js";
import { denseInit, xavierInit } from "../../nn/initializers.js";
import type { JointConfig } from "./config.js";

/** Sines and cosines that a time is embedded in, and their number of halves in the published model. */
const timeChannels = 256;

/** Published times count to 1000. */
const timeScale = 1000;

export interface PatchParameters {
  proj: Affine;
}

export interface ConditionParameters {
  timestep_embedder: { linear_1: Affine; linear_2: Affine };
  text_embedder: { linear_1: Affine; linear_2: Affine };
}

export function patchInit(key: Key, { patch, channels, width }: JointConfig): Tree {
  // A convolution whose windows do not overlap; it starts as the matrix that it is.
  const { weight, bias } = xavierInit(key, [patch * patch * channels, width]);
  return { proj: { weight: tf.reshape(weight, [patch, patch, channels, width]), bias } };
}

/** Images [N, size, size, channels] as tokens [N, patches, width], with their positions added. */
export function patchify(x: Tensor, { proj }: PatchParameters, config: JointConfig): Tensor {
  const { size, patch, channels, width } = config;
  const n = x.shape[0]!;
  const side = size / patch;
  const windows = tf.transpose(tf.reshape(x, [n, side, patch, side, patch, channels]), [0, 1, 3, 2, 4, 5]);
  const rows = tf.reshape(windows, [n * side * side, patch * patch * channels]);
  const weight = tf.reshape(proj.weight, [patch * patch * channels, width]);
  const tokens = tf.reshape(linear(rows, { weight, bias: proj.bias }), [n, side * side, width]);
  return tf.add(tokens, tf.tensor3d(positionTable(config, side), [1, side * side, width]));
}

/** What the last layer says of each patch [N, patches, patch patch channels] as images. */
export function unpatchify(tokens: Tensor, { size, patch, channels }: JointConfig): Tensor {
  const n = tokens.shape[0]!;
  const side = size / patch;
  const windows = tf.reshape(tokens, [n, side, side, patch, patch, channels]);
  return tf.reshape(tf.transpose(windows, [0, 1, 3, 2, 4, 5]), [n, size, size, channels]);
}

/**
 * Sines and cosines of the positions of the table's middle `side` x `side` patches, first of the column, then of the row: width / 4 frequencies from 1 down to
 * near 1/10000, sines first; rows as long as `width`. Positions count in patches of the image that the table was made for.
 */
export function positionTable({ size, patch, positions, width }: JointConfig, side: number): Float32Array {
  const count = width / 4;
  const scale = positions / (size / patch);
  const start = Math.floor((positions - side) / 2);
  const table = new Float32Array(side * side * width);
  for (let row = 0; row < side; row++) {
    for (let column = 0; column < side; column++) {
      const begin = (row * side + column) * width;
      [column, row].forEach((index, axis) => {
        const position = Math.fround((start + index) / scale);
        for (let i = 0; i < count; i++) {
          const angle = position / 10000 ** (i / count);
          table[begin + 2 * axis * count + i] = Math.sin(angle);
          table[begin + (2 * axis + 1) * count + i] = Math.cos(angle);
        }
      });
    }
  }
  return table;
}

export function conditionInit(
  next: () => Key,
  { pooledDim, width }: Pick<JointConfig, "pooledDim" | "width">,
): Tree {
  const mlp = (inputs: number): Tree => ({
    linear_1: denseInit(next(), inputs, width),
    linear_2: denseInit(next(), width, width),
  });
  return { timestep_embedder: mlp(timeChannels), text_embedder: mlp(pooledDim) };
}

/** What modulates every layer [N, width]: time t [N] in [0, 1] and pooled text [N, pooledDim]. */
export function condition(t: Tensor, pooled: Tensor, parameters: ConditionParameters): Tensor {
  const half = timeChannels / 2;
  const frequencies = Float32Array.from({ length: half }, (_, i) => timeScale * 10000 ** (-i / half));
  const angles = tf.matMul(tf.reshape(t, [-1, 1]), tf.tensor2d(frequencies, [1, half]));
  const waves = tf.concat([tf.cos(angles), tf.sin(angles)], 1);
  const mlp = (x: Tensor, { linear_1, linear_2 }: ConditionParameters["text_embedder"]): Tensor =>
    linear(silu(linear(x, linear_1)), linear_2);
  return tf.add(mlp(waves, parameters.timestep_embedder), mlp(pooled, parameters.text_embedder));
}
