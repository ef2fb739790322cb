import * as tf from "@tensorflow/tfjs-core";
import * as assert from "uvu/assert";
import * as random from "../src/engine/random.js";
import type { Tensor } from "../src/engine/tensor.js";

/**
 * Compares the gradient of sum(f(inputs) * cotangent), for a random cotangent, with central differences along a random direction in each
 * input. Fails where they differ by more than `tolerance` of their size.
 */
export function checkGradients(f: (...inputs: Tensor[]) => Tensor, inputs: Tensor[], tolerance = 5e-3): void {
  const output = f(...inputs);
  const cotangent = tf.tensor(random.normal(random.key(101), output.size), output.shape);
  const scalar = (...xs: tf.Tensor[]): tf.Scalar => tf.sum(tf.mul(f(...xs), cotangent)) as tf.Scalar;
  const gradients = tf.grads(scalar)(inputs as tf.Tensor[]);
  inputs.forEach((input, i) => {
    const direction = tf.tensor(random.normal(random.key(202 + i), input.size), input.shape);
    const step = 1e-2 / Math.sqrt(input.size);
    const at = (sign: number): Float64Array => {
      const moved = inputs.slice();
      moved[i] = tf.add(input, tf.mul(direction, sign * step));
      return Float64Array.from(tf.mul(f(...moved), cotangent).dataSync());
    };
    const [above, below] = [at(1), at(-1)];
    // Differences before sums: float32 sums of the outputs would lose the difference.
    const numeric = above.reduce((sum, value, j) => sum + (value - below[j]!), 0) / (2 * step);
    const analytic = tf.sum(tf.mul(gradients[i]!, direction)).dataSync()[0]!;
    const size = Math.max(Math.abs(numeric), 0.1 * gradients[i]!.norm().dataSync()[0]!);
    const error = Math.abs(analytic - numeric) / (size + 1e-6);
    assert.ok(error < tolerance, `input ${i}: gradient ${analytic}, differences ${numeric}`);
  });
}

/** Standard normal tensor. */
export const normal = (seed: number, shape: number[]): tf.Tensor =>
  tf.tensor(
    random.normal(
      random.key(seed),
      shape.reduce((a, b) => a * b, 1),
    ),
    shape,
  );
