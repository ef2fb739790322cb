import * as tf from "@tensorflow/tfjs-core";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { useDevice } from "../../src/engine/device.js";
import { functional as F } from "../../src/nn/index.js";
import { checkGradients, normal } from "../finite-differences.js";
import { close } from "../reference/fixtures.js";

test.before(async () => {
  await useDevice("cpu");
});

test("groupNorm: groups have mean 0 and variance 1, then scale and shift", () => {
  const x = tf.add(tf.mul(normal(1, [2, 4, 4, 6]), 3), 2);
  const scale = { weight: tf.ones([6]), bias: tf.zeros([6]) };
  const grouped = tf.reshape(F.groupNorm(x, scale, 2), [2, 16, 2, 3]);
  const { mean, variance } = tf.moments(grouped, [1, 3]);
  assert.ok(Math.max(...tf.abs(mean).dataSync()) < 1e-5);
  assert.ok(Math.max(...tf.abs(tf.sub(variance, 1)).dataSync()) < 1e-4);
  const weight = normal(2, [6]);
  const bias = normal(3, [6]);
  const plain = tf.add(tf.mul(F.groupNorm(x, scale, 2), weight), bias);
  close(F.groupNorm(x, { weight, bias }, 2), plain, 1e-5, "scale and shift");
});

test("layerNorm: rows have mean 0 and variance 1", () => {
  const y = F.layerNorm(tf.add(tf.mul(normal(1, [3, 8]), 5), 1), {
    weight: tf.ones([8]),
    bias: tf.zeros([8]),
  });
  const { mean, variance } = tf.moments(y, 1);
  assert.ok(Math.max(...tf.abs(mean).dataSync()) < 1e-5);
  assert.ok(Math.max(...tf.abs(tf.sub(variance, 1)).dataSync()) < 1e-4);
});

test("maxPool2x is tf.maxPool with its gradient, also where values are equal", () => {
  const x = tf.round(tf.mul(normal(1, [2, 4, 6, 3]), 2)) as tf.Tensor4D; // many equal ones
  const dy = normal(2, [2, 2, 3, 3]) as tf.Tensor4D;
  const [ours, tfs] = [
    (x: tf.Tensor) => F.maxPool2x(x),
    (x: tf.Tensor) => tf.maxPool(x as tf.Tensor4D, 2, 2, "valid"),
  ].map((pool) => tf.valueAndGrad((x: tf.Tensor) => tf.sum(tf.mul(pool(x), dy)))(x));
  close(F.maxPool2x(x), tf.maxPool(x, 2, 2, "valid"), 0, "value");
  close(ours!.grad, tfs!.grad, 0, "gradient");
  checkGradients(
    (x, v) =>
      tf
        .grad((x: tf.Tensor) => tf.sum(tf.square(F.maxPool2x(x))))(x as tf.Tensor)
        .mul(v!),
    [normal(3, [1, 4, 4, 1]), normal(4, [1, 4, 4, 1])],
  );
});

test("upsample2x repeats, downsample2x averages, and they undo each other", () => {
  const x = tf.tensor4d([1, 2, 3, 4], [1, 2, 2, 1]);
  assert.equal(Array.from(F.upsample2x(x).dataSync()), [1, 1, 2, 2, 1, 1, 2, 2, 3, 3, 4, 4, 3, 3, 4, 4]);
  assert.equal(Array.from(F.downsample2x(x).dataSync()), [2.5]);
  assert.equal(Array.from(F.downsample2x(F.upsample2x(x)).dataSync()), [1, 2, 3, 4]);
});

test("attention to equal keys is the mean of the values", () => {
  const v = normal(1, [1, 3, 2]);
  const mixed = F.attention(normal(2, [1, 3, 2]), tf.ones([1, 3, 2]), v);
  close(mixed, tf.tile(tf.mean(v, 1, true), [1, 3, 1]), 1e-5, "mean");
});

test("gradients against finite differences", () => {
  const x = normal(1, [2, 4, 4, 4]);
  const [weight, bias] = [normal(2, [4]), normal(3, [4])];
  checkGradients(
    (x, weight, bias) => F.groupNorm(x!, { weight: weight!, bias: bias! }, 2),
    [x, weight, bias],
  );
  checkGradients(
    (x, weight, bias) => F.layerNorm(x!, { weight: weight!, bias: bias! }),
    [normal(4, [3, 4]), weight, bias],
  );
  checkGradients((x) => F.silu(x!), [x]);
  checkGradients((x) => F.upsample2x(x!), [x]);
  checkGradients((x) => F.downsample2x(x!), [x]);
  checkGradients(
    (q, k, v) => F.attention(q!, k!, v!),
    [5, 6, 7].map((seed) => normal(seed, [2, 3, 4])),
  );
});

test("gradients of gradients against finite differences", () => {
  const x = normal(1, [2, 2, 2, 4]);
  const [weight, bias, dy] = [normal(2, [4]), normal(3, [4]), normal(4, [2, 2, 2, 4])];
  checkGradients((x) => tf.grad((x) => F.silu(x) as tf.Tensor)(x as tf.Tensor, dy), [x]);
  checkGradients(
    (x, weight) =>
      tf.grad((x) => F.groupNorm(x, { weight: weight!, bias }, 2) as tf.Tensor)(x as tf.Tensor, dy),
    [x, weight],
    1e-2,
  );
});

test.run();
