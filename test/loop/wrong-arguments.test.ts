import { test } from "uvu";
import * as assert from "uvu/assert";
import { fromArray } from "../../datasets/index.js";
import * as consistency from "../../src/consistency/index.js";
import { cd, classifierStandIn, ect, l1, lpips, mfdDistance } from "../../src/consistency/index.js";
import { denoise } from "../../src/diffusion/denoise.js";
import { generate } from "../../src/diffusion/generate.js";
import * as diffusion from "../../src/diffusion/index.js";
import { loadDenoiser, saveDenoiser } from "../../src/diffusion/model-file.js";
import { pretrained, type TrainedDenoiser } from "../../src/diffusion/trained.js";
import type { RunRecord } from "../../src/loop/record.js";
import * as manifold from "../../src/manifold/index.js";
import { trainClassifier } from "../../src/metrics/classifier.js";
import { evaluate } from "../../src/metrics/evaluate.js";
import { mlpFeatures } from "../../src/nn/features.js";
import { rejection } from "../rejection.js";
import { circle, network, smallRun } from "./runs.js";

const brief = { steps: 4, batchSize: 8 } as const;
const short = { ...brief, recording: false } as const;
const coloured = fromArray(new Float32Array(4 * 64), [8, 8, 1], [0, 1, 0, 1]);

test("what is no option, model, network, loss or data of the right kind is refused by name, before anything is computed", async () => {
  const model = await smallRun();
  const classifier = await trainClassifier(coloured, { steps: 1, batchSize: 4 });
  const ofThree = pretrained(model.denoiser, model.parameters, { shape: [3] });
  const clean = new Float32Array(8);
  const train = (options: object) => () => consistency.train(circle, { ...short, network, ...options });
  for (const [attempt, argument] of [
    [() => consistency.train(circle, null as never), "options"],
    [() => diffusion.train(circle, null as never), "options"],
    [() => manifold.train(circle, null as never), "options"],
    [() => trainClassifier(coloured, null as never), "options"],
    [() => generate(model, null as never), "options"],
    [() => denoise(model, clean, undefined as never), "options"],
    [() => evaluate(model, circle, null as never), "options"],
    [() => consistency.train(circle, { ...short, from: ofThree }), "from"],
    [train({ objective: cd({ teacher: ofThree }) }), "teacher"],
    [train({ loss: l1 }), "loss"],
    [train({ loss: {} }), "loss"],
    [train({ recording: null }), "recording"],
    [train({ recording: { judge: model } }), "judge"],
    [train({ network: () => network }), "network"],
    [train({ optimizer: "sgd" }), "optimizer"],
    [train({ objective: ect({ k: "8" as never }) }), "k"],
    [train({ objective: ect({ b: Number.NaN }) }), "b"],
    [train({ checkpoint: 5 }), "checkpoint"],
    [() => manifold.train(circle, { ...brief, transformations: "scale" as never }), "transformations"],
    [() => manifold.train(circle, { ...brief, model: mlpFeatures({ dim: 2, labels: 5 }) as never }), "model"],
    [() => manifold.train(circle, { steps: 2, ramp: "3" as never }), "ramp"],
    [() => generate(model, { times: 80 as never }), "times"],
    [() => generate(model, { times: ["80"] as never }), "times"],
    [() => generate(model, { times: [80, 1], steps: 2 }), "steps"],
    [() => generate(model, { sampler: "stochastic", churn: 3 as never }), "churn"],
    [() => denoise(model, circle as never, { sigma: 1 }), "clean"],
    [() => denoise(model, clean.subarray(1), { sigma: 1 }), "clean"],
    [() => evaluate(model, circle, { count: 16, features: "a.onnx" as never }), "features"],
    [() => evaluate(model, circle, { count: 16, resamples: 2, sigmas: 0.2 as never }), "sigmas"],
    [() => evaluate({ ...model, record: ofClasses(model) }, circle, { count: 16 }), "data"],
    [() => classifierStandIn({ model: classifier.model, parameters: undefined as never }), "features"],
    [() => classifierStandIn({ model: classifier.model, parameters: model.parameters }), "features"],
    [() => lpips(undefined as never), "arrays"],
    [() => mfdDistance(classifier, { layers: "last" as never }), "layers"],
    [() => mfdDistance(classifier, { layers: [1.5] }), "layers"],
    [() => loadDenoiser(undefined as never), "path"],
    [() => saveDenoiser(5 as never, model), "path"],
  ] as const) {
    const error = await rejection(async () => await attempt());
    assert.is(error.argument, argument, error.message);
  }
  const labels = await rejection(generate({ ...model, record: ofClasses(model) }, { labels: [0, 3] }));
  assert.match(labels.message, /invalid labels\[1\]; given: 3; allowed: classes from 0 to 2/);
});

/** The record of a model as if it had three classes. */
const ofClasses = ({ record }: TrainedDenoiser): RunRecord => ({ ...record, settings: { classes: 3 } });

test("as many samples are kept as are measured where those are few", async () => {
  const { record } = await consistency.train(circle, { ...short, network, recording: { count: 16 } });
  assert.equal(record.samples[0]!.samples.shape, [16, 2]);
});

test.run();
