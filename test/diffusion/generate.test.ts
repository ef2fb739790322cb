import * as tf from "@tensorflow/tfjs-core";
import { test } from "uvu";
import * as assert from "uvu/assert";
import * as consistency from "../../src/consistency/index.js";
import type { ConsistencyTraining } from "../../src/consistency/train.js";
import { denoise } from "../../src/diffusion/denoise.js";
import * as edm from "../../src/diffusion/edm.js";
import { generate } from "../../src/diffusion/generate.js";
import * as diffusion from "../../src/diffusion/index.js";
import { heun, stochastic, trigflow } from "../../src/diffusion/index.js";
import { denoised } from "../../src/diffusion/sampling.js";
import { pretrained } from "../../src/diffusion/trained.js";
import * as random from "../../src/engine/random.js";
import type { Tensor } from "../../src/engine/tensor.js";
import type { TrainingData } from "../../src/loop/data.js";
import * as manifold from "../../src/manifold/index.js";
import { trainClassifier } from "../../src/metrics/classifier.js";
import { evaluate } from "../../src/metrics/evaluate.js";
import { mlp } from "../../src/nn/mlp.js";
import { flatten, type TimeNetwork } from "../../src/nn/network.js";
import { exportPublished, importPublished } from "../../src/nn/published.js";
import { normal } from "../finite-differences.js";
import { circle, network, smallRun } from "../loop/runs.js";
import { close } from "../reference/fixtures.js";
import { rejection } from "../rejection.js";

const short = { steps: 4, batchSize: 8, recording: false } as const;

test("every objective trains by its name, continuous ones with TrigFlow", async () => {
  const start = await smallRun();
  const { cd, ct, ict, scd, sct } = consistency;
  const each: [string, ConsistencyTraining][] = [
    ["ct", { objective: ct({ s1: 10 }), network }],
    ["ict", { objective: ict({ time: { mean: 0, std: 1 } }), network }],
    ["cd", { objective: cd({ intervals: 6, solver: "euler" }), from: start }],
    ["scd", { objective: scd({ warmup: 2 }), from: start }],
    ["sct", { objective: sct({ process: "trigflow" }), preconditioning: "trigflow", network }],
  ];
  for (const [name, options] of each) {
    const { record, parameters } = await consistency.train(circle, { ...short, ...options });
    assert.is(record.settings.objective, name);
    assert.ok(parameters.dataSync().every(Number.isFinite), name);
  }
});

test("options that do not go together are refused by name", async () => {
  const plain = await smallRun();
  const ofClasses = pretrained(plain.denoiser, plain.parameters, { shape: [2], classes: 3 });
  const { cd, ect, ict, sct } = consistency;
  const wrong: [() => ConsistencyTraining, string, RegExp][] = [
    [() => ({ objective: "ddpm" as never }), "objective", /scd\(\)/],
    [() => ({ objective: ict({ stages: 4 } as never) }), "stages", /of ict only s0, s1/],
    [() => ({ objective: ect({ teacher: {} } as never) }), "teacher", /of ect only stages/],
    [() => ({ objective: cd() }), "teacher", /a trained denoiser/],
    [() => ({ objective: sct({ s0: 2 } as never) }), "s0", /of sct only process/],
    [() => ({ stages: 4 }) as never, "stages", /ect\(\{ stages \}\)/],
    [() => ({ distance: "l2" }) as never, "distance", /given as loss/],
    [() => ({ classConditional: true }), "classConditional", /without classes/],
    [() => ({ steps: 1.5 }), "steps", /an integer >= 1/],
    [() => ({ from: smallRun() as never }), "from", /await its run first/],
    [() => ({ from: plain, network }), "network", /none with from/],
    [
      () => ({ objective: cd({ teacher: ofClasses }), network }),
      "teacher",
      /given: "one of 3 classes"; allowed: one of no classes/,
    ],
    [() => ({ objective: cd({ teacher: smallRun() as never }) }), "teacher", /await its run first/],
    [() => ({ objective: ect({ time: { mean: 0, std: -1 } }) }), "time.std", /a finite number >= 0/],
    [() => ({ preconditioning: "vp" as "edm" }), "preconditioning", /edm or trigflow/],
  ];
  for (const [options, argument, message] of wrong) {
    const error = await rejection(() => consistency.train(circle, { ...short, ...options() }));
    assert.is(error.argument, argument);
    assert.match(error.message, message);
  }
});

test("a run or a dataset that was not awaited is refused by name", async () => {
  const run = smallRun() as never;
  const data = Promise.resolve(circle) as never;
  const model = await smallRun();
  const attempts: [() => unknown, string][] = [
    [() => generate(run), "model"],
    [() => denoise(run, new Float32Array(2), { sigma: 0.2 }), "model"],
    [() => evaluate(run, circle), "model"],
    [() => evaluate(model, data), "data"],
    [() => diffusion.train(data), "data"],
    [() => consistency.train(data), "data"],
    [() => manifold.train(data), "data"],
    [() => trainClassifier(data), "data"],
  ];
  for (const [attempt, argument] of attempts) {
    const error = await rejection(attempt);
    assert.is(error.argument, argument);
    assert.match(error.message, /await/);
  }
});

test("samplers: the same seed gives the same samples, whatever the batch; another seed others", async () => {
  const model = await smallRun();
  for (const sampler of ["consistency", "euler", "heun", "stochastic"] as const) {
    const options = { sampler, steps: 3, count: 5, seed: 1 };
    const { shape, values } = await generate(model, options);
    assert.equal(shape, [5, 2]);
    assert.ok(values.every(Number.isFinite));
    close((await generate(model, { ...options, batchSize: 2 })).values, values, 1e-5, sampler);
    assert.not.equal((await generate(model, { ...options, seed: 2 })).values, values);
  }
  const bad = await rejection(() => generate(model, { labels: [0] }));
  assert.is(bad.argument, "labels");
  assert.is((await rejection(() => generate(model, { churn: {} }))).argument, "churn");
});

/** Two points: class 0 at -1, class 1 at 1. */
const two: TrainingData = {
  name: "two",
  shape: [1],
  numClasses: 2,
  sample: (key, count) => {
    const labels = random.integers(key, count, 2);
    return { x: Float32Array.from(labels, (label) => 2 * label - 1), labels };
  },
};

/** Whatever x: what the class says. */
const lookup: TimeNetwork = {
  init: () => ({ place: tf.zeros([2, 1]) }),
  apply: (parameters, x, c, condition) => {
    const place = (parameters as { place: Tensor }).place;
    const clean = condition?.classLabels ? tf.matMul(condition.classLabels, place) : tf.zerosLike(x);
    return tf.add(clean, tf.mul(tf.reshape(c, [-1, 1]), 0));
  },
};

test("class-conditional models learn and draw what each class is", async () => {
  const options = { steps: 150, batchSize: 16, learningRate: 0.05, ema: 0.5 };
  const model = await diffusion.train(two, {
    ...options,
    network: lookup,
    sigmaData: 1,
    classConditional: true,
  });
  assert.is(model.record.settings.classes, 2);
  const { values } = await generate(model, { labels: [0, 1, 1] });
  assert.ok(values[0]! < -0.3 && values[1]! > 0.3 && values[2]! > 0.3, String(values));
  const tuned = await consistency.train(two, { ...options, from: model, steps: 5, classConditional: true });
  assert.ok(tuned.record.probes.length > 0);
  assert.is((await rejection(() => generate(model))).argument, "labels");
  const unknown = await rejection(() => generate(model, { labels: [2] }));
  assert.is(unknown.code, "invalid-data");
});

test("the default network has classes, and training from a class-conditional model goes on with them", async () => {
  const model = await diffusion.train(two, {
    steps: 200,
    batchSize: 32,
    learningRate: 0.01,
    classConditional: true,
  });
  const { values } = await generate(model, { labels: [0, 0, 0, 1, 1, 1] });
  assert.ok(
    values.subarray(0, 3).every((x) => x < -0.3) && values.subarray(3).every((x) => x > 0.3),
    `${values}`,
  );
  const tuned = await consistency.train(two, { ...short, from: model });
  assert.is(tuned.record.settings.classes, 2);
  const given = await rejection(() =>
    diffusion.train(two, { steps: 4, batchSize: 8, network: mlp({ dim: 1 }), classConditional: true }),
  );
  assert.match(given.message, /invalid classLabels.*this network was made without/);
});

test("published weights are a trained model: samples, training from them, classes", async () => {
  const model = flatten(mlp({ dim: 2, width: 8, depth: 1, classes: 3 }));
  const start = edm.denoiser(mlp({ dim: 2, width: 8, depth: 1, classes: 3 }));
  const parameters = importPublished(start, exportPublished(model, normal(1, [model.structure.size])));
  const trained = pretrained(start, parameters, { shape: [2], classes: 3 });
  const { shape, values } = await generate(trained, { labels: [2, 0] });
  assert.equal(shape, [2, 2]);
  const noise = tf.mul(tf.tensor(random.normal(random.key(0), 4), [2, 2]), 80);
  const classLabels = tf.tensor2d([0, 0, 1, 1, 0, 0], [2, 3]);
  close(values, start.apply(parameters, noise, tf.fill([2], 80), { classLabels }), 1e-4, "one step");
  const labelled = {
    ...circle,
    numClasses: 3,
    sample: (key: random.Key, count: number) => ({
      ...circle.sample(key, count),
      labels: random.integers(key, count, 3),
    }),
  };
  const tuned = await consistency.train(labelled, { ...short, from: trained });
  assert.equal([tuned.record.settings.from, tuned.record.settings.classes], ["pretrained", 3]);
  for (const [wrong, argument] of [
    [() => pretrained(start, tf.zeros([3]), { shape: [2] }), "parameters"],
    [() => pretrained(start, parameters, { shape: [2, 2] }), "shape"],
    [() => pretrained(start, parameters, { shape: [2], classes: 0 }), "classes"],
  ] as const)
    assert.is((await rejection(wrong)).argument, argument);
});

test("churn: none is Heun's method, and noises are asked for", () => {
  const denoiser = edm.denoiser(network);
  const p = tf.mul(normal(1, [denoiser.structure.size]), 0.2);
  const [latent, sigmas] = [tf.mul(normal(2, [3, 2]), 5), [5, 1, 0.2, 0]];
  const noises = [4, 5, 6].map((seed) => normal(seed, [3, 2]));
  const still = stochastic({ churn: 0 })(denoiser, p, latent, sigmas, noises);
  close(still, heun(denoiser, p, latent, sigmas), 1e-5, "without churn");
  assert.not.equal(stochastic()(denoiser, p, latent, sigmas, noises).dataSync(), still.dataSync());
  assert.throws(() => stochastic()(denoiser, p, latent, sigmas, []), /invalid noises/);
  const x = denoised(denoiser, p, latent, noises[0]!, 0.4);
  const noisy = tf.add(latent, tf.mul(noises[0]!, 0.4));
  close(x, denoiser.apply(p, noisy, tf.fill([3], 0.4)), 1e-6, "denoised");
});

test("TrigFlow is EDM's preconditioning in another angle: with -F it is the same function", () => {
  const constant = (sign: number): TimeNetwork => ({
    init: () => ({ w: tf.ones([1]) }),
    apply: (p, x) => tf.mul(tf.sin(x), tf.mul((p as { w: Tensor }).w, sign)),
  });
  const p = tf.tensor1d([0.7]);
  const [x, t] = [normal(3, [4, 2]), tf.tensor1d([0, 0.1, 1, 20])];
  const config = { sigmaData: 0.6 };
  const want = edm.denoiser(constant(-1), config).apply(p, x, t);
  close(trigflow(constant(1), config).apply(p, x, t), want, 1e-5, "denoised");
});

test.run();
