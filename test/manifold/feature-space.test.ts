import * as tf from "@tensorflow/tfjs-core";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { mfdDistance } from "../../src/consistency/mfd.js";
import { useDevice } from "../../src/engine/device.js";
import * as random from "../../src/engine/random.js";
import { toFeatureSpace } from "../../src/manifold/index.js";
import { convFeatures, type FeatureModel, flatten, mlpFeatures } from "../../src/nn/index.js";
import { rejection } from "../rejection.js";

test.before(async () => {
  await useDevice("cpu");
});

const rows = (seed: number, shape: number[]) => ({
  shape,
  values: random.normal(
    random.key(seed),
    shape.reduce((a, b) => a * b, 1),
  ),
});
const images = flatten(convFeatures({ size: 8, inChannels: 1, labels: 3, channels: [4, 4] }));
const points = flatten(mlpFeatures({ dim: 2, labels: 3, width: 8, depth: 2 }));
const cases: [string, FeatureModel, number[]][] = [
  ["images", images, [3, 8, 8, 1]],
  // More than one batch.
  ["points", points, [70, 2]],
];

for (const [name, model, shape] of cases) {
  test(`features of ${name}, and where directions lead: the difference quotient`, async () => {
    const parameters = model.init(random.key(0));
    const [x, directions] = [rows(1, shape), rows(2, shape)];
    const before = tf.memory().numTensors;
    const there = await toFeatureSpace({ model, parameters }, x, { directions });
    assert.is(tf.memory().numTensors, before, "no tensor is left behind");
    assert.equal(there.points.shape, [shape[0], there.points.values.length / shape[0]!]);
    assert.equal(there.directions.shape, there.points.shape);

    const step = 1e-2;
    const moved = (sign: number) =>
      toFeatureSpace(
        { model, parameters },
        {
          shape,
          values: x.values.map((value, i) => value + sign * step * directions.values[i]!),
        },
      );
    const [ahead, behind] = [(await moved(1)).points.values, (await moved(-1)).points.values];
    let [wrong, all] = [0, 0];
    for (let i = 0; i < ahead.length; i++) {
      const quotient = (ahead[i]! - behind[i]!) / (2 * step);
      wrong += (quotient - there.directions.values[i]!) ** 2;
      all += quotient ** 2;
    }
    assert.ok(wrong < 1e-4 * all, `squared error ${wrong} of ${all}`);
  });
}

test("of points, distances in feature space are within the manifold feature distance", async () => {
  // Without positions, MFD is the sum of absolute differences: at least the Euclidean distance.
  const parameters = points.init(random.key(0));
  const [a, b] = [rows(1, [5, 2]), rows(2, [5, 2])];
  const [there, here] = [
    await toFeatureSpace({ model: points, parameters }, a, { layers: [-1] }),
    await toFeatureSpace({ model: points, parameters }, b, { layers: [-1] }),
  ];
  assert.equal(there.points.shape, [5, 3], "three labels");
  const mfd = mfdDistance({ model: points, parameters }, { layers: [-1] })(
    tf.tensor(a.values, [5, 2]),
    tf.tensor(b.values, [5, 2]),
  ).dataSync();
  for (let i = 0; i < 5; i++) {
    let sum = 0;
    for (let k = 0; k < 3; k++)
      sum += Math.abs(there.points.values[3 * i + k]! - here.points.values[3 * i + k]!);
    assert.ok(Math.abs(sum - mfd[i]!) < 1e-3, `${sum}, MFD ${mfd[i]}`);
  }
});

test("shapes that do not fit are refused by name", async () => {
  const parameters = points.init(random.key(0));
  const [x, other] = [rows(1, [5, 2]), rows(2, [4, 2])];
  const cut = { shape: [5, 2], values: [1] };
  assert.is((await rejection(toFeatureSpace({ model: points, parameters }, cut))).argument, "points.values");
  assert.is(
    (await rejection(toFeatureSpace({ model: points, parameters }, x, { directions: other }))).argument,
    "directions.shape",
  );
});

test.run();
