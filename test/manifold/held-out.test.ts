import * as tf from "@tensorflow/tfjs-core";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { useDevice } from "../../src/engine/device.js";
import * as random from "../../src/engine/random.js";
import type { Tensor } from "../../src/engine/tensor.js";
import {
  calibrateStatistics,
  heldOutR2,
  imageTransformations,
  type Transformations,
} from "../../src/manifold/index.js";
import {
  convFeatures,
  type FeatureModel,
  type FeatureNetwork,
  flatten,
  vggFeatures,
} from "../../src/nn/index.js";
import { normal } from "../finite-differences.js";
import { close } from "../reference/fixtures.js";
import { rejection } from "../rejection.js";

test.before(async () => {
  await useDevice("onnx");
});

/** Adds its labels to the first two coordinates; the third label is always 0. */
const shifts: Transformations = {
  labelNames: ["a", "b", "none"],
  draw: (key, count) => ({
    labels: tf.tensor2d(
      random.normal(key, 3 * count).map((z, i) => [z, 2 * z + 1, 0][i % 3]!),
      [count, 3],
    ),
  }),
  apply: (x, { labels }) => tf.add(x, labels),
};

/** A feature network that predicts the first coordinate times a share, the mean of the second, and 0. */
const reader = (share: number): FeatureModel => ({
  ...flatten(convFeatures({ size: 2, inChannels: 1, labels: 3, channels: [1] })),
  apply: (_parameters, x) => ({
    stages: [],
    labels: tf.add(tf.mul(x, tf.tensor1d([share, 0, 0])), tf.tensor1d([0, 1, 0])),
  }),
});

test("R2 of labels: 1 - (1 - a)^2 for predictions that are a times the label, 0 for its mean, NaN for a constant", async () => {
  const count = 4096;
  const examples = { shape: [count, 3], values: new Float32Array(3 * count) };
  for (const share of [1, 0.5, 0, -1]) {
    const model = reader(share);
    const parameters = model.init(random.key(0));
    const r2 = await heldOutR2(
      { model, parameters },
      { transformations: shifts, examples, key: random.key(1) },
    );
    assert.equal(Object.keys(r2), ["a", "b", "none"]);
    assert.ok(Math.abs(r2.a! - (1 - (1 - share) ** 2)) < 5e-3, `${share}: ${r2.a}`);
    assert.ok(Math.abs(r2.b!) < 5e-3);
    assert.ok(Number.isNaN(r2.none));
  }
});

const transformations = imageTransformations({ size: 4, channels: 1, groups: ["noise"] });
const vgg = flatten(vggFeatures({ size: 4, inChannels: 1, labels: 1, blocks: [4, "M", 4] }));
const images = { shape: [40, 4, 4, 1], values: tf.add(normal(1, [640]), 1).dataSync() as Float32Array };

test("calibrated, an untrained network has the moments of what it is shown, and its weights", async () => {
  const parameters = vgg.init(random.key(2));
  const untouched = parameters.dataSync().slice();
  const options = { transformations, examples: images, key: random.key(3), batchSize: 20 };
  const features = { model: vgg, parameters };
  const calibrated = await calibrateStatistics(features, { ...options, batches: 101 });
  assert.equal(parameters.dataSync(), untouched);
  const [before, after] = [
    vgg.structure.unravel(parameters),
    vgg.structure.unravel(calibrated.parameters),
  ] as [
    { layers: unknown; statistics: Record<string, Record<string, Tensor>> },
    { layers: unknown; statistics: Record<string, Record<string, Tensor>> },
  ];
  const weights = (p: { layers: unknown }): number[] =>
    Object.values(p.layers as object).flatMap((layer) =>
      Object.values(layer.conv ?? layer).flatMap((t) => [...(t as Tensor).dataSync()]),
    );
  assert.equal(weights(after), weights(before));
  // The first normalization sees a linear map of the pictures: its moments are theirs.
  const layer = (before.layers as Record<string, { conv: { weight: Tensor; bias: Tensor } }>)["4x4_block0"]!;
  const strength = transformations.draw(random.key(9), 40, 1);
  const shown = transformations.apply(tf.tensor(images.values, images.shape), strength);
  const h = tf.add(
    tf.conv2d(shown as tf.Tensor4D, layer.conv.weight as tf.Tensor4D, 1, "same"),
    layer.conv.bias,
  );
  const { mean, variance } = tf.moments(h, [0, 1, 2]);
  const moments = after.statistics["layers.4x4_block0.bn"]!;
  close(moments.running_mean!, mean, 0.1, "mean");
  close(moments.running_var!, variance, 0.1, "variance");
});

test("a network without batch normalization, other labels and examples that do not fit are refused", async () => {
  const plain = flatten(convFeatures({ size: 4, inChannels: 1, labels: 1, channels: [2] }));
  const of = (model: FeatureModel): FeatureNetwork => ({ model, parameters: model.init(random.key(0)) });
  const options = { transformations, examples: images, key: random.key(0) };
  const two = flatten(convFeatures({ size: 4, inChannels: 1, labels: 2, channels: [2] }));
  const ragged = { ...options, examples: { shape: [3, 4, 4, 1], values: images.values } };
  const refused: [() => unknown, string][] = [
    [() => calibrateStatistics(of(plain), options), "features"],
    [() => calibrateStatistics(of(vgg), { ...options, batches: 0 }), "batches"],
    [() => heldOutR2(of(two), options), "features"],
    [() => heldOutR2(of(plain), ragged), "examples.values"],
    [() => heldOutR2(of(plain), { ...options, batchSize: 1 }), "batchSize"],
    [() => heldOutR2(of(plain), { ...options, transformations: {} as never }), "transformations"],
  ];
  for (const [use, argument] of refused) assert.is((await rejection(use)).argument, argument);
});

test.run();
