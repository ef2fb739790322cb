import * as tf from "@tensorflow/tfjs-core";
import type { Key } from "../../engine/random.js";
import type { Tensor } from "../../engine/tensor.js";
import type { Tree } from "../../engine/tree.js";
import { type Affine, linear, silu } from "../../nn/functional.js";
import { denseInit, reserve, xavierInit } from "../../nn/initializers.js";
import type { JointConfig } from "./config.js";

/** Sines and cosines that a time is embedded in, and their number of halves in the published model. */
const timeChannels = 256;

/** Published times count to 1000. */
const timeScale = 1000;

export type PatchParameters = {
  proj: Affine;
  /** The table of positions [1, positions^2, width], where it is one of the weights. */
  pos_embed?: Tensor;
};

/** Patches of an image, in both directions. */
interface Grid {
  readonly rows: number;
  readonly columns: number;
}

const gridOf = (x: Tensor, patch: number): Grid => ({
  rows: x.shape[1]! / patch,
  columns: x.shape[2]! / patch,
});

export type ConditionParameters = {
  timestep_embedder: { linear_1: Affine; linear_2: Affine };
  text_embedder: { linear_1: Affine; linear_2: Affine };
};

export function patchInit(key: Key, config: JointConfig): Tree {
  const { patch, channels, width, positions } = config;
  // A convolution whose windows do not overlap; it starts as the matrix that it is.
  const { weight, bias } = xavierInit(key, [patch * patch * channels, width]);
  const proj = { weight: tf.reshape(weight, [patch, patch, channels, width]), bias };
  if (config.storedPositions) reserve(positions ** 2 * width);
  return config.storedPositions
    ? { proj, pos_embed: tf.tensor3d(wholeTable(config), [1, positions ** 2, width]) }
    : { proj };
}

/** Images [N, height, width, channels] as tokens [N, patches, width], with their positions added. */
export function patchify(x: Tensor, p: PatchParameters, config: JointConfig): Tensor {
  const { patch, channels, width } = config;
  const n = x.shape[0]!;
  const { rows, columns } = gridOf(x, patch);
  const split = tf.reshape(x, [n, rows, patch, columns, patch, channels]);
  const windows = tf.reshape(tf.transpose(split, [0, 1, 3, 2, 4, 5]), [
    n * rows * columns,
    patch * patch * channels,
  ]);
  const weight = tf.reshape(p.proj.weight, [patch * patch * channels, width]);
  const tokens = tf.reshape(linear(windows, { weight, bias: p.proj.bias }), [n, rows * columns, width]);
  return tf.add(tokens, tf.reshape(positionsOf({ rows, columns }, p, config), [1, rows * columns, width]));
}

/** What the last layer says of each patch [N, patches, patch patch channels] as images like x. */
export function unpatchify(tokens: Tensor, x: Tensor, { patch, channels }: JointConfig): Tensor {
  const [n, height, width] = x.shape as [number, number, number];
  const { rows, columns } = gridOf(x, patch);
  const windows = tf.reshape(tokens, [n, rows, columns, patch, patch, channels]);
  return tf.reshape(tf.transpose(windows, [0, 1, 3, 2, 4, 5]), [n, height, width, channels]);
}

/** The middle of the table of positions, [rows, columns, width]. A given table is a constant: it has no gradient. */
function positionsOf(grid: Grid, { pos_embed }: PatchParameters, config: JointConfig): Tensor {
  const { positions, width } = config;
  const { rows, columns } = grid;
  if (!pos_embed) return tf.tensor3d(positionTable(config, grid), [rows, columns, width]);
  const [top, left] = middle(config, grid);
  const fixed = tf.customGrad((table) => ({
    value: tf.slice(
      tf.reshape(table as Tensor, [positions, positions, width]),
      [top, left, 0],
      [rows, columns, width],
    ),
    gradFunc: () => tf.zeros([1, positions ** 2, width]),
  }));
  return fixed(pos_embed as tf.Tensor);
}

/** Where the middle of the table begins, by row and column: as diffusers' PatchEmbed crops it. */
const middle = ({ positions }: JointConfig, { rows, columns }: Grid): [number, number] => [
  Math.floor((positions - rows) / 2),
  Math.floor((positions - columns) / 2),
];

/** All of the table, `positions` x `positions`. */
export const wholeTable = (config: JointConfig): Float32Array =>
  positionTable(config, { rows: config.positions, columns: config.positions });

/**
 * Sines and cosines of the positions of the table's middle rows and columns, first of the column, then of the row: width / 4 frequencies from 1 down to
 * near 1/10000, sines first; as long as `width` for each. Positions count in patches of the image that the table was made for; they and their scale are
 * float32, as diffusers has them.
 */
function positionTable(config: JointConfig, grid: Grid): Float32Array {
  const { size, patch, positions, width } = config;
  const count = width / 4;
  const scale = Math.fround(positions / (size / patch));
  const [top, left] = middle(config, grid);
  const { rows, columns } = grid;
  const table = new Float32Array(rows * columns * width);
  for (let row = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++) {
      const begin = (row * columns + column) * width;
      [left + column, top + row].forEach((index, axis) => {
        const position = Math.fround(index / scale);
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
