import * as tf from "@tensorflow/tfjs-core";
import { test } from "uvu";
import * as assert from "uvu/assert";
import * as consistency from "../../src/consistency/index.js";
import { mfd } from "../../src/consistency/mfd.js";
import type { ConsistencyTraining } from "../../src/consistency/train.js";
import * as diffusion from "../../src/diffusion/index.js";
import type { TrainedDenoiser } from "../../src/diffusion/trained.js";
import * as random from "../../src/engine/random.js";
import type { TrainingData } from "../../src/loop/data.js";
import type { Run } from "../../src/loop/run.js";
import * as manifold from "../../src/manifold/index.js";
import { trainClassifier } from "../../src/metrics/classifier.js";
import * as metrics from "../../src/metrics/index.js";
import { unet } from "../../src/nn/unet.js";
import { circle, network, smallRun } from "../loop/runs.js";
import { rejection } from "../rejection.js";

/** Two classes of 8x8 images: bright on the left, or on the right. */
const halves: TrainingData = {
  name: "halves",
  shape: [8, 8, 1],
  numClasses: 2,
  sample: (key, count) => {
    const [a, b] = random.split(key);
    const labels = random.integers(a, count, 2);
    const noise = random.normal(b, 64 * count);
    const x = noise.map((z, i) => (i % 8 < 4 === (labels[Math.floor(i / 64)] === 0) ? 0.5 : -0.5) + 0.3 * z);
    return { x, labels };
  },
};

const short = (options: ConsistencyTraining = {}): Run<TrainedDenoiser> =>
  consistency.train(circle, {
    ...{
      steps: 20,
      batchSize: 8,
      objective: consistency.ect({ stages: 2 }),
      ...(!options.from && { network }),
    },
    recording: { every: 10, count: 32, shown: 8, times: [0.1, 1], examples: 3 },
    ...options,
  });

test("a run records samples, quality and tangents from before the first step to the last", async () => {
  const run = short();
  const events: number[] = [];
  for await (const { step, samples, probes, metrics } of run) {
    if (!probes) continue;
    events.push(step);
    assert.equal(samples!.shape, [8, 2]);
    assert.ok(metrics.manifoldDistance! >= 0 && Number.isFinite(metrics.slicedWasserstein));
  }
  assert.equal(events, [0, 10, 20]);
  const { probes, probeSet, curve, samples } = run.record;
  assert.equal([probes.length, curve.length, samples.length], [3, 3, 3]);
  assert.is(probeSet!.tangentSpace, "exact");
  assert.is(probeSet!.chance, 0.5);
  assert.equal(
    probeSet!.times,
    [0.1, 1, 0.1, 1, 0.1, 1].map(Math.fround).map((t) => Number(t.toPrecision(6))),
  );
  assert.is(probes[0]!.cosine, null);
  assert.is(probes[1]!.cosine!.length, 6);
  for (const { parallel, normal, tangents } of probes) {
    for (const [i, share] of parallel.entries()) {
      assert.ok(share >= 0 && share <= 1 + 1e-6);
      assert.ok(Math.abs(share + normal[i]! - 1) < 1e-6);
      const [a, b] = tangents.values.slice(2 * i, 2 * i + 2) as [number, number];
      assert.ok(Math.abs(Math.hypot(a, b) - 1) < 1e-3);
    }
  }
  assert.equal(JSON.parse(JSON.stringify(run.record)), run.record);
});

test("the gradient noise scale over training is that of the parameters as they are trained", async () => {
  const run = short({
    learningRate: 1e-9,
    recording: { every: 10, count: 8, examples: 2, seed: 4, noiseBatches: 16 },
  });
  const { parameters } = await run;
  const rows = run.record.curve.map(({ metrics }) => metrics);
  const names = ["gradientNoise", "gradientTrace", "gradientSquaredNorm"] as const;
  for (const row of rows) {
    const ratio = row.gradientTrace! / row.gradientSquaredNorm!;
    assert.ok(Math.abs(row.gradientNoise! / ratio - 1) < 1e-6 || row.gradientSquaredNorm! <= 0);
  }
  // Next to nothing moves, and all is measured with the same draws; only the pairs of times come closer.
  assert.is.not(rows[0]!.gradientTrace, rows[1]!.gradientTrace);
  const { method } = consistency.ect({ stages: 2 });
  const own = method({
    denoiser: (await run).denoiser,
    ...{
      shape: [2],
      loss: consistency.pseudoHuber(),
      classes: undefined,
      iterations: 20,
      teacher: undefined,
    },
  });
  const state = own.from(parameters);
  const config = { sample: circle.sample, batches: 16, key: random.foldIn(random.key(4), 6), iteration: 19 };
  const { scale, trace, squaredNorm } = await metrics.gradientNoise(own, state, config);
  const expected = { gradientNoise: scale.estimate, gradientTrace: trace, gradientSquaredNorm: squaredNorm };
  for (const name of names)
    assert.ok(Math.abs(rows[2]![name]! / expected[name] - 1) < 1e-3, `${name}: ${rows[2]![name]}`);
  assert.not("gradientNoise" in (await short()).record.curve[0]!.metrics);
});

test("a consistency model starts from a denoiser and is the identity at t = 0", async () => {
  const start = await smallRun();
  const { denoiser, parameters, record } = await short({ from: start, name: "pixel" });
  assert.is(record.settings.from, "denoiser");
  assert.is(record.parameters, start.record.parameters);
  const x = tf.tensor2d([0.3, -2, 1, 1], [2, 2]);
  assert.equal(Array.from(denoiser.apply(parameters, x, tf.zeros([2])).dataSync()), Array.from(x.dataSync()));
});

test("dropout is that of the training, not of the denoiser it starts from; points have none", async () => {
  const start = await diffusion.train(halves, {
    steps: 2,
    batchSize: 4,
    network: unet({ size: 8, inChannels: 1, channels: 8 }),
  });
  const options = { steps: 2, batchSize: 4, from: start, recording: false } as const;
  const [without, dropped] = [
    await consistency.train(halves, options),
    await consistency.train(halves, { ...options, dropout: 0.2 }),
  ];
  assert.is(without.denoiser.drawMasks, undefined);
  assert.is(dropped.record.settings.dropout, 0.2);
  assert.is(dropped.denoiser.sigmaData, start.denoiser.sigmaData);
  const masks = dropped.denoiser.drawMasks!(random.key(0), 2);
  const values = new Set(Object.values(masks).flatMap((mask) => [...mask.dataSync()]));
  assert.equal([...values].sort(), [0, 1.25]);
  assert.not.equal([...dropped.parameters.dataSync()], [...without.parameters.dataSync()]);
  assert.is((await rejection(() => short({ dropout: 0.2 }))).argument, "dropout");
});

test("features, trained without labels, train a consistency model", async () => {
  const features = await manifold.train(circle, { steps: 20, batchSize: 16 });
  const loss = mfd(features);
  const { record } = await short({ loss, name: "MFD" });
  assert.is(record.settings.loss, "MFD");
  assert.ok(record.losses.every(({ metrics }) => Number.isFinite(metrics.loss)));
});

test("a classifier learns to tell images apart and judges samples", async () => {
  const judge = await trainClassifier(halves, { steps: 60, batchSize: 32, learningRate: 3e-3 });
  assert.ok(judge.record.losses.at(-1)!.metrics.accuracy! > 0.95);
  const { record } = await consistency.train(halves, {
    steps: 2,
    batchSize: 4,
    objective: consistency.ect({ stages: 2 }),
    recording: { every: 2, count: 32, shown: 16, times: [1], examples: 2, judge },
  });
  assert.ok(record.curve.every(({ metrics }) => metrics.frechet! > 0));
  assert.is(record.probeSet!.tangentSpace, "local-pca");
});

test("an estimated tangent space of points is smaller than the space: not every direction is parallel", async () => {
  const { sample, name, shape } = circle;
  const { record } = await consistency.train(
    { sample, name, shape },
    { steps: 2, recording: { every: 2, count: 16, shown: 16, times: [0.1], examples: 4 } },
  );
  assert.equal([record.probeSet!.tangentSpace, record.probeSet!.chance], ["local-pca", 0.5]);
  assert.ok(record.probes.at(-1)!.parallel.some((share) => share < 0.9));
});

test("of a few examples, drawn again and again, a tangent space is estimated, too", async () => {
  for (const [count, dims] of [
    [20, 4],
    [3, 2],
    [1, 4],
  ] as const) {
    const kept = circle.sample(random.key(3), 4 * count).x; // rows of eight numbers
    const few: TrainingData = {
      name: "few",
      shape: [8],
      sample: (key, n) => {
        const chosen = random.integers(key, n, count);
        return { x: Float32Array.from({ length: 8 * n }, (_, i) => kept[8 * chosen[i >> 3]! + (i & 7)]!) };
      },
    };
    const recording = { every: 2, count: 16, shown: 16, times: [1], examples: 4 };
    const { record } = await consistency.train(few, { steps: 2, recording });
    assert.is(record.probeSet!.chance, dims / 8, `${count}`);
    const { parallel } = record.probes.at(-1)!;
    assert.is(
      parallel.every((share) => share > 0.01 && share < 0.999),
      count > 1,
      `${count}: ${parallel}`,
    );
  }
});

test("a loss that is not one number for each example is refused: a mean would broadcast, and weigh nothing", async () => {
  const squares = (x: tf.Tensor, y: tf.Tensor): tf.Tensor => tf.square(tf.sub(x, y));
  const mean = (x: tf.Tensor, y: tf.Tensor): tf.Tensor => tf.mean(squares(x, y));
  const features = await manifold.train(circle, { steps: 1, batchSize: 4 });
  for (const [argument, loss, given] of [
    ["loss", mean, "a tensor []"],
    ["loss", squares, "a tensor [8,2]"],
    ["loss", (_x: tf.Tensor, _y: tf.Tensor) => 3 as never, "3"],
    ["beside", mfd(features, { beside: mean }), "a tensor []"],
  ] as const) {
    const error = await rejection(() => short({ loss, recording: false }));
    assert.equal([error.argument, String(error.given)], [argument, given]);
    assert.match(error.message, "allowed: [8], one number for each example");
  }
  const objective = consistency.sct();
  assert.is((await rejection(() => short({ objective, loss: mean }))).argument, "loss");
});

test("an own objective's times and method are looked at", async () => {
  const own = (method: unknown): Promise<unknown> =>
    Promise.resolve(short({ objective: { name: "own", settings: {}, method: method as never } }));
  const timed = (times: unknown): Promise<unknown> =>
    own((config: consistency.DiscreteConfig) => consistency.discrete({ ...config, times: times as never }));
  const all = (value: number, count: number): Float32Array => new Float32Array(count).fill(value);
  const fine = (_key: unknown, count: number) => ({ t: all(1, count), r: all(0, count) });
  await timed(fine);
  for (const [times, argument] of [
    [(_key: unknown, count: number) => all(1, count), "times().t"],
    [(_key: unknown, count: number) => ({ t: all(1, count) }), "times().r"],
    [(_key: unknown, count: number) => ({ t: all(1, count), r: all(1, count) }), "times()"],
    [(_key: unknown, count: number) => ({ t: all(1, count), r: all(Number.NaN, count) }), "times()"],
  ] as const)
    assert.is((await rejection(() => timed(times))).argument, argument);
  assert.is((await rejection(() => own(() => () => 0))).argument, "objective.method()");
});

test("unknown losses and data without labels are refused", async () => {
  const wrong = "lpips" as never;
  assert.is((await rejection(() => short({ loss: wrong }))).argument, "loss");
  assert.is((await rejection(() => trainClassifier(circle))).argument, "data.shape");
  assert.is(
    (await rejection(() => trainClassifier({ ...halves, numClasses: undefined }))).argument,
    "data.numClasses",
  );
});

test.run();
