import * as tf from "@tensorflow/tfjs-core";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { useDevice } from "../../src/engine/device.js";
import * as random from "../../src/engine/random.js";
import type { Tensor } from "../../src/engine/tensor.js";
import * as tree from "../../src/engine/tree.js";
import {
  convFeatures,
  exportPublished,
  flatten,
  type Masks,
  type Model,
  mlp,
  mlpFeatures,
  resnetFeatures,
  scaledVggBlocks,
  songUnet,
  type TimeNetwork,
  unet,
  vggFeatures,
} from "../../src/nn/index.js";
import { checkGradients, normal } from "../finite-differences.js";
import { close } from "../reference/fixtures.js";
import { rejection } from "../rejection.js";

test.before(async () => {
  await useDevice("cpu");
});

const images = { size: 4, inChannels: 1, channels: 4, multipliers: [1, 2] };
const small = { ...images, groups: 2 };

/** Parameters away from the initial ones, whose last layer is zero. */
const trained = <I extends readonly unknown[], O>(model: Model<I, O>): tf.Tensor =>
  tf.add(model.init(random.key(1)), tf.mul(normal(2, [model.structure.size]), 0.2)) as tf.Tensor;

test("the same key gives the same parameters, another key others", () => {
  const model = flatten(unet(small));
  const [a, b, c] = [0, 0, 1].map((seed) => Array.from(model.init(random.key(seed)).dataSync()));
  assert.equal(a, b);
  assert.not.equal(a, c);
});

test("outputs have the shape of the inputs and depend on input and time", () => {
  const cases: [Model<[Tensor, Tensor], Tensor>, number[]][] = [
    [flatten(mlp({ dim: 3, width: 8, depth: 2, layerNorm: true })), [2, 3]],
    [flatten(unet(small)), [2, 4, 4, 1]],
    [flatten(unet({ ...small, blocks: 2, attention: true })), [2, 4, 4, 1]],
  ];
  for (const [model, shape] of cases) {
    const parameters = trained(model);
    const x = normal(3, shape);
    const y = model.apply(parameters, x, tf.tensor1d([0.1, 0.1]));
    assert.equal(y.shape, shape);
    const later = model.apply(parameters, x, tf.tensor1d([0.9, 0.1]));
    const moved = tf.sum(tf.abs(tf.sub(y, later)), y.shape.map((_, i) => i).slice(1)).dataSync();
    assert.ok(moved[0]! > 1e-3, "time matters");
    assert.ok(moved[1]! < 1e-6, "an example's output depends on itself only");
  }
});

test("the U-Net of the benchmarks has about 0.4 million parameters", () => {
  const { size } = flatten(unet({ size: 16, inChannels: 1 })).structure;
  assert.ok(size > 350_000 && size < 500_000, String(size));
});

test("gradients with respect to parameters and input against finite differences", () => {
  const points = flatten(mlp({ dim: 2, width: 8, depth: 2, layerNorm: true }));
  const c = tf.tensor1d([0.3, -0.5]);
  checkGradients((p, x) => points.apply(p!, x!, c), [trained(points), normal(4, [2, 2])]);
  const images = flatten(unet({ ...small, attention: true }));
  checkGradients((p, x) => images.apply(p!, x!, c), [trained(images), normal(4, [2, 4, 4, 1])], 2e-2);
});

test("feature networks: a feature per stage, then labels", () => {
  const images = flatten(convFeatures({ size: 8, inChannels: 1, labels: 5, channels: [8, 16] }));
  const { stages, labels } = images.apply(images.init(random.key(0)), normal(1, [2, 8, 8, 1]));
  assert.equal(
    stages.map((stage) => stage.shape),
    [
      [2, 4, 4, 8],
      [2, 2, 2, 16],
    ],
  );
  assert.equal(labels.shape, [2, 5]);
  const normalized = flatten(
    convFeatures({ size: 8, inChannels: 1, labels: 5, channels: [8, 16], groups: 4 }),
  );
  assert.is(normalized.structure.size, images.structure.size + 2 * (8 + 16));
  checkGradients(
    (p, x) => normalized.apply(p!, x!).labels,
    [normalized.init(random.key(1)), normal(2, [2, 8, 8, 1])],
    2e-2,
  );
  const points = flatten(mlpFeatures({ dim: 3, labels: 4, width: 6, depth: 2 }));
  const features = points.apply(points.init(random.key(0)), normal(1, [2, 3]));
  assert.equal(
    [...features.stages, features.labels].map((feature) => feature.shape),
    [
      [2, 6],
      [2, 6],
      [2, 4],
    ],
  );
});

test("names of parameters are paths", () => {
  const names = tree.flatten(unet(small).init(random.key(0))).map((leaf) => leaf.name);
  assert.ok(names.includes("encoder.0.0.conv0.weight"));
  assert.equal(flatten(unet(small)).structure.names, names);
});

test("configurations that cannot be are refused", () => {
  assert.throws(() => unet({ ...small, size: 5 }), /invalid size/);
  assert.throws(() => unet({ ...small, groups: 3 }), /invalid groups/);
  assert.throws(() => mlp({ dim: 0 }), /invalid dim/);
  assert.throws(() => convFeatures({ size: 6, inChannels: 1, labels: 2, channels: [8, 8] }), /invalid size/);
  assert.throws(
    () => convFeatures({ size: 8, inChannels: 1, labels: 2, channels: [8, 6], groups: 4 }),
    /groups/,
  );
});

test("classes: each has outputs of its own, none is zeros; networks without them, or with others, refuse labels", async () => {
  const cases: [(classes?: number) => TimeNetwork, number[]][] = [
    [(classes = 0) => mlp({ dim: 3, width: 8, depth: 2, classes }), [3, 3]],
    [(classes = 0) => unet({ ...small, classes }), [3, 4, 4, 1]],
    [(classes = 0) => songUnet({ ...images, blocks: 1, attentionSizes: [], classes }), [3, 4, 4, 1]],
  ];
  for (const [make, shape] of cases) {
    const model = flatten(make(2));
    const parameters = trained(model);
    const row = normal(3, [1, ...shape.slice(1)]);
    const x = tf.concat([row, row, row]);
    const c = tf.zeros([3]);
    const classLabels = tf.tensor2d([1, 0, 0, 1, 0, 0], [3, 2]);
    const apart = (y: Tensor, i: number, z: Tensor, j: number): number =>
      tf.max(tf.abs(tf.sub(tf.slice(y, i, 1), tf.slice(z, j, 1)))).dataSync()[0]!;
    const labelled = model.apply(parameters, x, c, { classLabels });
    const none = model.apply(parameters, x, c);
    assert.ok(apart(labelled, 0, labelled, 1) > 1e-3 && apart(labelled, 0, none, 0) > 1e-3);
    assert.ok(apart(labelled, 2, none, 2) < 1e-6);
    const without = flatten(make());
    for (const [wrong, argument] of [
      [() => without.apply(without.init(random.key(0)), x, c, { classLabels }), "classLabels"],
      [() => model.apply(parameters, x, c, { classLabels: tf.zeros([3, 5]) }), "classLabels"],
    ] as const)
      assert.is((await rejection(wrong)).argument, argument);
  }
  assert.is((await rejection(() => mlp({ dim: 2, classes: 1.5 }))).argument, "classes");
});

test("VGG's blocks scale to the image: halved as often as its size can be, five times at most", () => {
  const blocks = (size: number): string => scaledVggBlocks(size).join(" ");
  assert.is(blocks(16), "16 M 32 M 64 64 M 64 64 M");
  assert.is(blocks(32), "16 M 32 M 64 64 M 64 64 M 64 64 M");
  assert.is(blocks(64), blocks(32));
  assert.is(blocks(24), "16 M 32 M 64 64 M 64 64");
  assert.is(blocks(28), "16 M 32 M 64 64");
  for (const size of [2, 6, 8, 16, 24, 28, 32]) {
    const model = flatten(vggFeatures({ size, inChannels: 1, labels: 3, blocks: scaledVggBlocks(size) }));
    const { stages, labels } = model.apply(model.init(random.key(1)), normal(2, [2, size, size, 1]));
    assert.is(stages.at(-1)!.shape[1]! * 2 ** stages.length, size);
    assert.equal(labels.shape, [2, 3]);
  }
  for (const size of [0, 7, 2.5]) assert.throws(() => scaledVggBlocks(size), /invalid size/);
});

test("U-Net: dropout only with masks, the same with the same masks, as none where nothing is dropped", () => {
  const config = { size: 8, inChannels: 1, channels: 8, blocks: 2, multipliers: [1, 2] };
  const model = flatten(unet({ ...config, dropout: 0.5 }));
  const plain = flatten(unet(config));
  assert.is(plain.drawMasks, undefined);
  // Away from the start, at which the last layer is 0.
  const parameters = tf.add(model.init(random.key(1)), tf.mul(normal(3, [model.structure.size]), 0.05));
  const [x, c] = [normal(2, [3, 8, 8, 1]), tf.tensor1d([0, 0.5, 1])];
  const run = (masks?: Masks): tf.Tensor => model.apply(parameters, x, c, masks && { masks }) as tf.Tensor;
  close(run(), plain.apply(parameters, x, c), 0, "without masks");
  const masks = model.drawMasks!(random.key(5), 3);
  // Two blocks on each side of both levels but the lowest, whose other side is the middle.
  assert.is(Object.keys(masks).length, 2 + 2 + 1 + 2);
  for (const mask of Object.values(masks)) {
    const kept = tf.mean(mask as tf.Tensor).dataSync()[0]!;
    assert.ok(Math.abs(kept - 1) < 0.25 && mask.dataSync().every((value) => value === 0 || value === 2));
  }
  close(run(masks), run(model.drawMasks!(random.key(5), 3)), 0, "the same key");
  for (const name of Object.keys(masks)) {
    const ones = Object.fromEntries(
      Object.entries(masks).map(([other, mask]) => [other, other === name ? mask : tf.onesLike(mask)]),
    );
    const change = tf.max(tf.abs(tf.sub(run(ones), run()))).dataSync()[0]!;
    assert.ok(change > 1e-3, `${name} drops nothing`);
  }
  assert.throws(() => unet({ ...config, dropout: 1 }), /invalid dropout/);
});

test("inputs and parameters of other shapes than the network was made for are refused by name", async () => {
  const images = { size: 8, inChannels: 3 };
  const regressed = { ...images, labels: 2 };
  const song = { ...images, channels: 8, multipliers: [1], blocks: 1 };
  const c = tf.zeros([2]);
  const timed = [unet(images), songUnet(song)].map(flatten);
  const feature = [
    convFeatures(regressed),
    vggFeatures({ ...regressed, blocks: [4, "M"] }),
    resnetFeatures({ inChannels: regressed.inChannels, labels: regressed.labels, blocks: [1], channels: 4 }),
  ].map(flatten);
  for (const model of [
    ...timed,
    ...feature,
    flatten(mlp({ dim: 3 })),
    flatten(mlpFeatures({ dim: 3, labels: 2 })),
  ]) {
    const parameters = model.init(random.key(0));
    const grey = await rejection(() => model.apply(parameters, tf.zeros([2, 8, 8, 1]), c));
    assert.is(grey.argument, "x");
    assert.match(grey.message, /\[2,8,8,1\]; allowed: \[batch, .*3\], what the network was made for/);
    const cut = tf.slice(parameters as tf.Tensor1D, 1) as Tensor;
    for (const use of [() => model.apply(cut, tf.zeros([2, 3]), c), () => exportPublished(model, cut)])
      assert.is((await rejection(use)).argument, "parameters");
  }
  for (const model of timed) {
    const wide = await rejection(() => model.apply(model.init(random.key(0)), tf.zeros([2, 16, 16, 3]), c));
    assert.is(wide.argument, "x");
  }
});

test.run();
