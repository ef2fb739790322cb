import * as tf from "@tensorflow/tfjs-core";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { ct, ect, pseudoHuber } from "../../src/consistency/index.js";
import { denoiser } from "../../src/diffusion/index.js";
import { useDevice } from "../../src/engine/device.js";
import * as random from "../../src/engine/random.js";
import type { Tensor } from "../../src/engine/tensor.js";
import { type GradientNoise, gradientNoise } from "../../src/metrics/index.js";
import { mlp } from "../../src/nn/index.js";
import { type Method, method } from "../../src/optim/index.js";
import { rejection } from "../rejection.js";

test.before(async () => {
  await useDevice("onnx");
});

/** Half the mean squared distance of the parameters to the examples: the gradient of one example is parameters - x. */
const meanOf: Method = method({
  init: () => tf.zeros([3]),
  batch: (_key, x) => ({ x: tf.tensor2d(x, [x.length / 3, 3]) as Tensor }),
  loss:
    (_parameters, { x }) =>
    (parameters) => ({
      loss: tf.mul(tf.mean(tf.sum(tf.square(tf.sub(parameters, x)), 1)), 0.5),
      aux: {},
    }),
});

/** Normal numbers about 0 of variances 1, 4 and 9. */
const sample = (key: random.Key, count: number): { x: Float32Array } => ({
  x: random.normal(key, 3 * count).map((z, i) => z * ((i % 3) + 1)),
});

const at = (parameters: number[]) => meanOf.from(tf.tensor1d(parameters));

test("the noise scale of a known gradient: the examples' variance over its square, whatever the batch", async () => {
  const results: GradientNoise[] = [];
  for (const batchSize of [2, 8]) {
    const options = { sample, batchSize, batches: 2000, key: random.key(1) };
    const { scale, trace, squaredNorm } = await gradientNoise(meanOf, at([2, -1, 2]), options);
    assert.ok(Math.abs(trace / 14 - 1) < 0.05, `trace ${trace}`);
    assert.ok(Math.abs(squaredNorm / 9 - 1) < 0.1, `squared norm ${squaredNorm}`);
    assert.ok(scale.low < 14 / 9 && 14 / 9 < scale.high, `${scale.low} to ${scale.high}`);
    assert.ok(scale.standardError < 0.15);
    results.push({ scale, trace, squaredNorm });
  }
  assert.ok(results[1]!.scale.standardError < results[0]!.scale.standardError);
});

test("intervals hold the true value about as often as they say", async () => {
  let held = 0;
  for (let i = 0; i < 60; i++) {
    const options = { sample, batchSize: 4, batches: 64, key: random.key(100 + i) };
    const { scale } = await gradientNoise(meanOf, at([2, -1, 2]), options);
    if (scale.low < 14 / 9 && 14 / 9 < scale.high) held++;
  }
  assert.ok(held >= 51, `${held} of 60`);
});

test("where the mean gradient is 0 its square is about 0, not the variance over the number of batches", async () => {
  const options = { sample, batchSize: 2, batches: 400, key: random.key(2) };
  const { scale, squaredNorm } = await gradientNoise(meanOf, at([0, 0, 0]), options);
  assert.ok(Math.abs(squaredNorm) < 0.06, `${squaredNorm}`);
  assert.ok(scale.estimate > 100);
});

test("the gradient of a method is what its step follows, with a moving target, too", async () => {
  const model = denoiser(mlp({ dim: 2, width: 8, depth: 1 }));
  const config = { denoiser: model, shape: [2], loss: pseudoHuber(), iterations: 10 };
  for (const objective of [ect().method(config), ct().method(config)]) {
    const state = objective.from(model.init(random.key(3)));
    const batch = objective.batch(random.key(4), random.normal(random.key(5), 8), 0);
    const norm = tf.norm(objective.gradient(state, batch)).dataSync()[0]!;
    const expected = objective.step(state, batch).metrics.gradientNorm!.dataSync()[0]!;
    assert.ok(norm > 0 && Math.abs(norm / expected - 1) < 1e-5, `${norm}, ${expected}`);
  }
});

test("options out of range are refused", async () => {
  const options = { sample, key: random.key(0) };
  const wrong: [() => unknown, string][] = [
    [() => gradientNoise({} as never, at([0, 0, 0]), options), "method"],
    [() => gradientNoise(meanOf, at([0, 0, 0]), { ...options, batches: 15 }), "batches"],
    [() => gradientNoise(meanOf, at([0, 0, 0]), { ...options, batchSize: 0 }), "batchSize"],
    [() => gradientNoise(meanOf, at([0, 0, 0]), { ...options, sample: undefined as never }), "sample"],
  ];
  for (const [use, argument] of wrong) assert.is((await rejection(use)).argument, argument);
});

test.run();
