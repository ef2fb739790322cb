import * as tf from "@tensorflow/tfjs-core";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { fromArray } from "../../datasets/index.js";
import { useDevice } from "../../src/engine/device.js";
import * as random from "../../src/engine/random.js";
import { metrics, nn } from "../../src/index.js";
import { rejection } from "../rejection.js";

test.before(async () => {
  await useDevice("onnx");
});

/** Bright pictures and dark ones, 8x8. */
const count = 64;
const values = random.normal(random.key(0), count * 64).map((z, i) => 0.1 * z + ((i >> 6) % 2 ? 0.5 : -0.5));
const data = fromArray(
  values,
  [8, 8, 1],
  Array.from({ length: count }, (_, i) => i % 2),
);

const vgg = (labels: number) =>
  nn.flatten(nn.vggFeatures({ size: 8, inChannels: 1, labels, blocks: [4, "M", 8, "M"] }));

test("a classifier may be any feature network: one with batch normalization keeps running statistics, and tells classes with them", async () => {
  const model = vgg(2);
  const trained = await metrics.trainClassifier(data, {
    model,
    steps: 60,
    batchSize: 16,
    learningRate: 1e-2,
    ema: 0.9,
  });
  assert.is(trained.model, model);
  assert.ok(trained.record.losses.at(-1)!.metrics.accuracy! > 0.9);
  assert.not("statistics" in trained.record.losses.at(-1)!.metrics, "they are no metric");

  // As published networks are used: with the running statistics, one example at a time.
  const [before, after] = [model.init(random.key(0)), trained.parameters].map((p) => p.dataSync());
  const { statistics } = model.train!(trained.parameters, tf.zeros([2, 8, 8, 1]));
  const from = before!.length - statistics.size;
  assert.ok(
    before!.subarray(from).every((value) => value === 0 || value === 1),
    "as they begin",
  );
  assert.ok(
    after!.subarray(from).some((value) => value !== 0 && value !== 1),
    "as they became",
  );
  const right = Array.from({ length: 16 }, (_, i) => {
    const x = tf.tensor(values.slice(64 * i, 64 * (i + 1)), [1, 8, 8, 1]);
    const [dark, bright] = model.apply(trained.parameters, x).labels.dataSync() as unknown as number[];
    return Number(bright! > dark!) === i % 2;
  });
  assert.ok(right.filter(Boolean).length >= 14, `${right}`);
});

test("a network that does not have a label for each class is refused by name", async () => {
  const error = await rejection(async () =>
    metrics.trainClassifier(data, { model: vgg(3), steps: 1, batchSize: 4 }),
  );
  assert.match(error.message, /invalid model; given: "?3 labels"?; allowed: 2 labels, one for each class/);
});

test.run();
