import * as tf from "@tensorflow/tfjs-core";
import type { Key } from "../engine/random.js";
import * as random from "../engine/random.js";
import type { Tensor } from "../engine/tensor.js";

/** Drawn on the host: 0 with probability `rate`, else `kept`; default 1 / (1 - rate), so that the mean is 1. */
export function dropoutMask(
  key: Key,
  shape: readonly number[],
  rate: number,
  kept: number = 1 / (1 - rate),
): Tensor {
  const values = random.uniform(
    key,
    shape.reduce((a, b) => a * b, 1),
  );
  for (let i = 0; i < values.length; i++) values[i] = values[i]! < rate ? 0 : kept;
  return tf.tensor(values, shape as number[]);
}
