import * as tf from "@tensorflow/tfjs-core";
import type { Key } from "../engine/random.js";
import * as random from "../engine/random.js";
import type { Tensor } from "../engine/tensor.js";
import { TangentLabError } from "../errors.js";
import type { Affine, Scale } from "./functional.js";

/** Numbers that may still be made. */
let left = Number.POSITIVE_INFINITY;

/**
 * Runs `make`, in which the functions here make at most so many numbers. For networks whose sizes a file declares: `ofFile`.
 * @throws TangentLabError `invalid-data` once there would be more, before they are allocated.
 */
export function withAtMost<T>(most: number, make: () => T): T {
  const before = left;
  left = most;
  try {
    return make();
  } finally {
    left = before;
  }
}

/** That there may be so many more initial parameters; called before they are made. */
export function reserve(size: number): void {
  if (size > left)
    throw new TangentLabError("invalid-data", "the network has more parameters than the file", {
      argument: "settings",
      given: size,
      allowed: `at most ${left} more`,
    });
  left -= size;
}

/** Normal weights [in, out] of standard deviation gain / sqrt(in), zero bias. Gain 0 gives a layer that starts as zero. */
export function denseInit(key: Key, inputs: number, outputs: number, gain = 1): Affine & Leaves {
  return affine(key, [inputs, outputs], inputs, outputs, gain);
}

/** Normal weights [size, size, in, out] of standard deviation gain / sqrt(size * size * in), zero bias. */
export function convInit(key: Key, size: number, inputs: number, outputs: number, gain = 1): Affine & Leaves {
  return affine(key, [size, size, inputs, outputs], size * size * inputs, outputs, gain);
}

/**
 * Uniform weights [in, out] or [size, size, in, out] of Glorot and Bengio's range sqrt(6 / (fan in + fan out)), times `gain`, and zero bias:
 * how EDM's networks start.
 */
export function xavierInit(key: Key, shape: readonly number[], gain = 1): Affine & Leaves {
  const outputs = shape[shape.length - 1]!;
  return { weight: xavierWeight(key, shape, gain), bias: tf.zeros([outputs]) };
}

/** The same weights without a bias. */
export function xavierWeight(key: Key, shape: readonly number[], gain = 1): Tensor {
  const [inputs, outputs] = shape.slice(-2) as [number, number];
  const positions = shape.slice(0, -2).reduce((a, b) => a * b, 1);
  reserve(positions * inputs * outputs + outputs);
  const range = gain * Math.sqrt(6 / (positions * (inputs + outputs)));
  return tf.tensor(random.uniform(key, positions * inputs * outputs, -range, range), shape as number[]);
}

/** A normalization's scale of ones and shift of zeros, each [channels]. */
export function normInit(channels: number): Scale & Leaves {
  reserve(2 * channels);
  return { weight: tf.ones([channels]), bias: tf.zeros([channels]) };
}

/** For the type checker: parameters are trees. */
export type Leaves = { readonly [name: string]: Tensor };

function affine(key: Key, shape: number[], fanIn: number, outputs: number, gain: number): Affine & Leaves {
  const size = shape.reduce((a, b) => a * b, 1);
  reserve(size + outputs);
  const weight =
    gain === 0
      ? tf.zeros(shape)
      : tf.tensor(
          random.normal(key, size).map((value) => (value * gain) / Math.sqrt(fanIn)),
          shape,
        );
  return { weight, bias: tf.zeros([outputs]) };
}
