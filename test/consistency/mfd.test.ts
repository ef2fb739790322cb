import * as tf from "@tensorflow/tfjs-core";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { ect, pseudoHuber } from "../../src/consistency/index.js";
import { mfd, mfdDistance } from "../../src/consistency/mfd.js";
import * as edm from "../../src/diffusion/edm.js";

import { useDevice } from "../../src/engine/device.js";
import * as random from "../../src/engine/random.js";
import type { Tensor } from "../../src/engine/tensor.js";
import { featureRegression, pointTransformations } from "../../src/manifold/index.js";
import { convFeatures, type FeatureModel, flatten, mlp, mlpFeatures } from "../../src/nn/index.js";
import { adam } from "../../src/optim/index.js";
import { checkGradients, normal } from "../finite-differences.js";
import { close } from "../reference/fixtures.js";
import { rejection } from "../rejection.js";

test.before(async () => {
  await useDevice("cpu");
});

const images = flatten(convFeatures({ size: 8, inChannels: 1, labels: 3, channels: [8, 8] }));
const points = flatten(mlpFeatures({ dim: 2, labels: 3, width: 8, depth: 2 }));
const cases: [FeatureModel, number[]][] = [
  [images, [3, 8, 8, 1]],
  [points, [3, 2]],
];

const norms = (x: Tensor): Float32Array =>
  tf.sqrt(tf.sum(tf.reshape(tf.square(x), [x.shape[0]!, -1]), 1)).dataSync() as Float32Array;

test("MFD by its definition, per example", () => {
  const p = images.init(random.key(0));
  const [x, y] = [normal(1, [2, 8, 8, 1]), normal(2, [2, 8, 8, 1])];
  const [a, b] = [images.apply(p, x), images.apply(p, y)];
  const expected = [0, 0];
  [...a.stages, a.labels].forEach((feature, f) => {
    const other = [...b.stages, b.labels][f]!;
    const channels = feature.shape[feature.shape.length - 1]!;
    const positions = feature.size / 2 / channels;
    const [u, v] = [feature.dataSync(), other.dataSync()];
    for (let i = 0; i < 2; i++) {
      for (let c = 0; c < channels; c++) {
        let sum = 1e-10;
        for (let k = 0; k < positions; k++) {
          const at = (i * positions + k) * channels + c;
          sum += (u[at]! - v[at]!) ** 2;
        }
        expected[i]! += Math.sqrt(sum) - 1e-5;
      }
    }
  });
  close(mfdDistance({ model: images, parameters: p })(x, y), expected, 1e-4, "distance");
});

test("MFD is 0 only at equal features; its layers can be chosen", () => {
  const p = points.init(random.key(0));
  const [x, y] = [normal(1, [3, 2]), normal(2, [3, 2])];
  assert.ok(Math.max(...mfdDistance({ model: points, parameters: p })(x, x).dataSync()) < 1e-6);
  const parts = [0, 1, 2].map((layer) =>
    mfdDistance({ model: points, parameters: p }, { layers: [layer] })(x, y),
  );
  close(
    mfdDistance({ model: points, parameters: p })(x, y),
    tf.addN(parts as tf.Tensor[]),
    1e-5,
    "all is the sum of the parts",
  );
  close(
    mfdDistance({ model: points, parameters: p }, { layers: [-1] })(x, y),
    parts[2]!,
    1e-6,
    "from the end",
  );
  assert.throws(() => mfdDistance({ model: points, parameters: p }, { layers: [3] })(x, y), /invalid layers/);
  assert.throws(() => mfdDistance({ model: points, parameters: p }, { layers: [] }), /invalid layers/);
});

test("MFD's gradients against finite differences", () => {
  for (const [model, shape] of cases) {
    const p = model.init(random.key(0));
    const y = normal(2, shape);
    // Rounded off, so that no difference steps over a root's kink.
    checkGradients(
      (x) => mfdDistance({ model, parameters: p }, { epsilon: 0.1 })(x!, y),
      [normal(1, shape)],
      1e-2,
    );
  }
});

test("the loss moves each output by exactly norm 1 against MFD's gradient", () => {
  for (const [model, shape] of cases) {
    const p = model.init(random.key(0));
    const [x, y] = [normal(1, shape), normal(2, shape)];
    const loss = mfd({ model, parameters: p });
    const gradient = tf.grad((x) => tf.sum(loss.apply(x, y, loss.context).loss))(x);
    for (const norm of norms(gradient)) assert.ok(Math.abs(norm - 1) < 1e-4, String(norm));
    const raw = tf.grad((x) => tf.sum(mfdDistance({ model, parameters: p })(x, y)))(x);
    const dot = norms(tf.mul(gradient, raw));
    assert.is(dot.length, 3);
    const cosine = tf.div(tf.sum(tf.reshape(tf.mul(gradient, raw), [3, -1]), 1), tf.tensor1d(norms(raw)));
    close(cosine, [1, 1, 1], 1e-4, "direction");
    const { distance: value } = loss.apply(x, y, loss.context);
    close(value, tf.mean(mfdDistance({ model, parameters: p })(x, y)), 1e-5, "distance");
  }
});

test("at the target the signal is 0, not NaN", () => {
  const p = points.init(random.key(0));
  const x = normal(1, [3, 2]);
  const loss = mfd({ model: points, parameters: p });
  const gradient = tf.grad((x) => tf.sum(loss.apply(x, normal(1, [3, 2]), loss.context).loss))(x);
  assert.equal(Array.from(gradient.dataSync()), [0, 0, 0, 0, 0, 0]);
});

test("mixed: the pixel loss's gradient plus the weighted signal", () => {
  const p = points.init(random.key(0));
  const [x, y] = [normal(1, [3, 2]), normal(2, [3, 2])];
  const pixel = pseudoHuber();
  const gradient = (loss: (x: tf.Tensor) => Tensor): tf.Tensor => tf.grad((x) => tf.sum(loss(x)))(x);
  const alone = mfd({ model: points, parameters: p });
  const mixed = mfd({ model: points, parameters: p }, { beside: pixel, lambda: 0.3 });
  assert.throws(
    () => mfd({ model: points, parameters: p }, { beside: "l2" as never }),
    /invalid beside; .*pseudoHuber\(\)/,
  );
  const expected = tf.add(
    gradient((x) => pixel(x, y)),
    tf.mul(
      gradient((x) => alone.apply(x, y, alone.context).loss),
      0.3,
    ),
  );
  close(
    gradient((x) => mixed.apply(x, y, mixed.context).loss),
    expected,
    1e-4,
    "gradient",
  );
});

test("a whole step: the parameters' gradient is the signal pulled back through the network", () => {
  const denoiser = edm.denoiser(mlp({ dim: 2, width: 8, depth: 1 }));
  const p = points.init(random.key(0));
  const loss = mfd({ model: points, parameters: p });
  const method = ect({ stages: 1, q: 8 }).method({ denoiser, shape: [2], loss, iterations: 10 });
  const state = method.from(tf.mul(normal(4, [denoiser.structure.size]), 0.3));
  const batch = method.batch(random.key(1), random.normal(random.key(2), 8), 0);
  const { x, noise, t, r } = batch as unknown as Record<string, Tensor>;
  const target = denoiser.apply(state.parameters, edm.addNoise(x!, noise!, r!), r!);
  const output = (q: Tensor): Tensor => denoiser.apply(q, edm.addNoise(x!, noise!, t!), t!);
  const at = output(state.parameters);
  const raw = tf.grad((f) => tf.sum(mfdDistance({ model: points, parameters: p })(f, target)))(
    at as tf.Tensor,
  );
  const g = tf.div(raw, tf.norm(raw, 2, 1, true));
  const weight = tf.reshape(tf.div(1 / 4, tf.sub(t!, r!)), [4, 1]);
  const expected = tf.grad((q) => tf.sum(tf.mul(output(q), tf.mul(g, weight))))(
    state.parameters as tf.Tensor,
  );
  const { metrics, state: next } = method.step(state, batch);
  close(metrics.gradientNorm!, [tf.norm(expected).dataSync()[0]!], 1e-3, "gradient norm");
  close(next.context.features!, p, 0, "feature parameters are handed on");
});

test("feature regression learns the size of noise on a line", () => {
  const model = flatten(mlpFeatures({ dim: 2, labels: 1, width: 16, depth: 2 }));
  const transformations = pointTransformations({ dim: 2, groups: ["noise"], probability: 0.7 });
  const method = featureRegression({
    features: model,
    transformations,
    shape: [2],
    optimizer: adam(),
    learningRate: 1e-2,
    ramp: 20,
  });
  let state = method.init(random.key(0));
  const losses: number[] = [];
  for (let i = 0; i < 150; i++) {
    const [dataKey, key] = random.split(random.key(i));
    const x = random.uniform(dataKey, 128, -1, 1).map((value, j) => (j % 2 === 0 ? value : 0));
    const result = method.step(state, method.batch(key, x, i));
    state = result.state;
    losses.push(result.metrics.loss.dataSync()[0]!);
  }
  const late = losses.slice(-30).reduce((a, b) => a + b, 0) / 30;
  // The variance of the labels, the loss of always saying their mean, is 0.7/3 - 0.35^2 = 0.11.
  assert.ok(late < 0.08, String(late));
});

test("features that are not there yet are refused", async () => {
  const run = {} as { model: FeatureModel; parameters: Tensor };
  const error = await rejection(() => mfd(run));
  assert.match(error.message, /await its run first/);
});

test("feature regression refuses a network with other labels than the transformations'", async () => {
  const features = flatten(mlpFeatures({ dim: 2, labels: 3, width: 4, depth: 1 }));
  const transformations = pointTransformations({ dim: 2, groups: ["mixup", "noise"] });
  const method = featureRegression({ features, transformations, shape: [2] });
  const batch = method.batch(random.key(0), new Float32Array(4), 0);
  const error = await rejection(() => method.step(method.init(random.key(0)), batch));
  assert.match(error.message, /3 labels.*2 labels, one for each of mixup, noise/);
});

test.run();
