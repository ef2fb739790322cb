import * as tf from "@tensorflow/tfjs-core";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { useDevice } from "../../src/engine/device.js";
import { embed, gelu, headAttention, modulatedNorm, rmsNorm } from "../../src/nn/transformer.js";
import { checkGradients, normal } from "../finite-differences.js";
import { close } from "../reference/fixtures.js";

test.before(async () => {
  await useDevice("cpu");
});

test("gradients against finite differences", () => {
  checkGradients(
    (x, shift, scale) => modulatedNorm(x!, shift!, scale!),
    [normal(1, [2, 3, 8]), normal(2, [2, 8]), normal(3, [2, 8])],
  );
  checkGradients((x) => gelu(x!), [tf.mul(normal(4, [40]), 2)]);
  checkGradients((x, weight) => rmsNorm(x!, weight!), [normal(5, [3, 8]), normal(6, [8])]);
  const bias = tf.tensor4d([0, 0, -1e9, 0], [1, 1, 1, 4]);
  checkGradients(
    (q, k, v) => headAttention(q!, k!, v!, bias),
    [normal(7, [2, 2, 3, 4]), normal(8, [2, 2, 4, 4]), normal(9, [2, 2, 4, 4])],
  );
  checkGradients((table) => embed(table!, tf.tensor2d([[1, 1, 0]], [1, 3], "int32")), [normal(10, [3, 4])]);
});

test("modulatedNorm: mean 0 and variance 1 per token, however large the mean; then scale and shift of the example", () => {
  const x = tf.add(normal(1, [2, 3, 64]), 100);
  const zero = tf.zeros([2, 64]);
  const { mean, variance } = tf.moments(modulatedNorm(x, zero, zero), 2);
  assert.ok(Math.max(...tf.abs(mean).dataSync()) < 1e-4);
  assert.ok(Math.max(...tf.abs(tf.sub(variance, 1)).dataSync()) < 1e-3);
  const [shift, scale] = [normal(2, [2, 64]), normal(3, [2, 64])];
  const expected = tf.add(
    tf.mul(modulatedNorm(x, zero, zero), tf.expandDims(tf.add(scale, 1), 1)),
    tf.expandDims(shift, 1),
  );
  close(modulatedNorm(x, shift, scale), expected, 1e-5, "modulated");
});

test("gelu at known points", () => {
  // 0.5 x (1 + tanh(sqrt(2 / pi) (x + 0.044715 x^3)))
  close(gelu(tf.tensor1d([-10, -1, 0, 1, 10])), [0, -0.158808, 0, 0.841192, 10], 1e-5, "gelu");
});

test("hidden tokens get no attention", () => {
  const v = tf.tensor4d([1, 2, 300], [1, 1, 3, 1]);
  const mixed = headAttention(tf.zeros([1, 1, 2, 1]), tf.ones([1, 1, 3, 1]), v, tf.tensor1d([0, 0, -1e9]));
  close(mixed, [1.5, 1.5], 1e-6, "mean of the two others");
});

test.run();
