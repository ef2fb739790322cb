import * as tf from "@tensorflow/tfjs-core";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { denoise } from "../../src/diffusion/denoise.js";
import { generate } from "../../src/diffusion/generate.js";
import * as diffusion from "../../src/diffusion/index.js";
import type { TrainedDenoiser } from "../../src/diffusion/trained.js";
import * as random from "../../src/engine/random.js";
import type { TrainingData } from "../../src/loop/data.js";
import { evaluate } from "../../src/metrics/evaluate.js";
import { frechetDistance, networkFeatures } from "../../src/metrics/index.js";
import { convFeatures, flatten } from "../../src/nn/index.js";
import type { TimeNetwork } from "../../src/nn/network.js";
import { circle, smallRun } from "../loop/runs.js";
import { close } from "../reference/fixtures.js";
import { rejection } from "../rejection.js";

/** A normal distribution about (3, 0) or, of the second class, (-3, 0); their standard deviation is 0.5. */
const two: TrainingData = {
  name: "two",
  shape: [2],
  numClasses: 2,
  sample: (key, count) => {
    const labels = random.integers(random.foldIn(key, 1), count, 2);
    const x = random
      .normal(key, 2 * count)
      .map((value, i) => 0.5 * value + (i % 2 ? 0 : 3 - 6 * labels[i / 2]!));
    return { x, labels };
  },
};

/** The denoiser of `two` that knows the class: E[x0 | x_t] = (s^2 x + t^2 m)/(s^2 + t^2). */
function exact(): TrainedDenoiser {
  const place = tf.tensor2d([3, 0, -3, 0], [2, 2]);
  return {
    denoiser: {
      sigmaData: 3,
      preconditioning: "edm",
      structure: { shapes: [[1]], names: ["none"], size: 1, unravel: () => ({}) },
      init: () => tf.zeros([1]),
      apply: (_, x, t, condition) => {
        const square = tf.reshape(tf.square(t), [-1, 1]);
        const mean = tf.matMul(condition!.classLabels!, place);
        return tf.div(tf.add(tf.mul(x, 0.25), tf.mul(mean, square)), tf.add(square, 0.25));
      },
    },
    parameters: tf.zeros([1]),
    record: { shape: [2], settings: { classes: 2 } } as unknown as TrainedDenoiser["record"],
  };
}

test("what is known: a class-conditional model's samples and denoising, with intervals", async () => {
  const options = { sampler: "heun", steps: 12, resamples: 60, count: 400 } as const;
  const right = await evaluate(exact(), two, options);
  for (const [name, { estimate, low, high }] of Object.entries({
    frechet: right.frechet,
    kernelDistance: right.kernelDistance,
    precision: right.precision,
    recall: right.recall,
  }))
    assert.ok(low < high && low <= estimate && estimate <= high, `${name}: ${low} ${estimate} ${high}`);
  assert.ok(right.frechet.estimate < 0.1, `samples: ${right.frechet.estimate}`);
  assert.ok(right.precision.estimate > 0.9 && right.recall.estimate > 0.9);
  // Denoising shrinks the deviation of 0.5 to 0.5^2 / sqrt(0.5^2 + sigma^2); along x the classes' distance outweighs that.
  for (const { sigma, frechet } of right.denoising) {
    const expected = (0.5 - 0.25 / Math.hypot(0.5, sigma)) ** 2;
    assert.ok(
      frechet.estimate > 0.4 * expected && frechet.estimate < 2.5 * expected,
      `${sigma}: ${frechet.estimate}`,
    );
    assert.ok(frechet.low <= frechet.estimate && frechet.estimate <= frechet.high);
  }
  assert.equal(
    right.denoising.map(({ sigma }) => sigma),
    [0.2, 0.4, 0.8],
  );
  const again = await evaluate(exact(), two, { ...options, sigmas: [0.2] });
  assert.equal([again.frechet, again.denoising[0]], [right.frechet, right.denoising[0]]);
  const one = await evaluate(
    exact(),
    { ...two, sample: (key, n) => ({ ...two.sample(key, n), labels: new Int32Array(n) }) },
    options,
  );
  assert.ok(one.frechet.estimate > 5 && one.recall.estimate < 0.7, "samples of one class only");
});

test("images: a feature network's features, whatever the batch; any function of images", async () => {
  const data: TrainingData = {
    name: "grey",
    shape: [8, 8, 1],
    sample: (key, n) => ({ x: random.uniform(key, 64 * n, -1, 1) }),
  };
  const model = flatten(convFeatures({ size: 8, inChannels: 1, labels: 2, channels: [4, 6] }));
  const parameters = model.init(random.key(0));
  const { x } = data.sample(random.key(1), 5);
  const [all, some] = await Promise.all(
    [64, 2].map((size) => networkFeatures({ model, parameters }, size)(x, data.shape)),
  );
  const stages = model.apply(parameters, tf.tensor(x, [5, 8, 8, 1])).stages;
  assert.is(all!.dim, 6);
  close(all!.values, tf.mean(stages[1]!, [1, 2]), 1e-5, "features");
  close(some!.values, all!.values, 1e-5, "in batches");
  const trained = await diffusion.train(data, { steps: 2, batchSize: 4, network: idle });
  const options = { count: 16, resamples: 3, sigmas: [0.4] };
  const a = await evaluate(trained, data, {
    ...options,
    features: { model, parameters },
  });
  const b = await evaluate(trained, data, { ...options, features: networkFeatures({ model, parameters }) });
  assert.equal(a, b);
  assert.is((await rejection(evaluate(trained, data))).argument, "features");
  assert.is((await rejection(evaluate(trained, circle))).argument, "data.shape");
});

/** Gives noise no heed. */
const idle: TimeNetwork = {
  init: () => ({ scale: tf.ones([1]) }),
  apply: (parameters, x) => tf.mul(x, (parameters as { scale: tf.Tensor }).scale),
};

test("denoising samples: the same noise at every level, whatever the batch", async () => {
  const model = await smallRun();
  const clean = circle.sample(random.key(0), 5).x;
  const samples = await denoise(model, clean, { sigma: 0.4, seed: 2 });
  assert.equal(samples.shape, [5, 2]);
  close(
    (await denoise(model, clean, { sigma: 0.4, seed: 2, batchSize: 2 })).values,
    samples.values,
    1e-5,
    "batches",
  );
  const noisy = tf.add(
    tf.tensor(clean, [5, 2]),
    tf.mul(tf.tensor(random.normal(random.key(2), 10), [5, 2]), 0.4),
  );
  close(
    samples.values,
    model.denoiser.apply(model.parameters, noisy, tf.fill([5], 0.4)),
    1e-4,
    "f(x0 + sigma e)",
  );
  const close0 = await denoise(model, clean, { sigma: 1e-4 });
  assert.ok(frechetDistance(close0.values, clean, { dim: 2 }) < 1e-4);
  for (const [options, argument] of [
    [{ sigma: 0 }, "sigma"],
    [{ sigma: 1, labels: [0, 1, 2, 3, 4] }, "labels"],
    [{ sigma: 1, batchSize: 0 }, "batchSize"],
  ] as const)
    assert.is((await rejection(denoise(model, clean, options))).argument, argument);
  assert.is((await rejection(denoise(model, clean.slice(1), { sigma: 1 }))).argument, "clean");
  const gap = Float32Array.from(clean, (value, i) => (i === 3 ? Number.NaN : value));
  assert.match((await rejection(denoise(model, gap, { sigma: 1 }))).message, /NaN in row 1/);
  const half = await rejection(generate(exact(), { labels: [0.5] }));
  assert.is(half.argument, "labels");
});

test.run();
