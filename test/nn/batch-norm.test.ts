import { fileURLToPath } from "node:url";
import * as tf from "@tensorflow/tfjs-core";
import { test } from "uvu";
import * as assert from "uvu/assert";
import * as v from "valibot";
import { mfd } from "../../src/consistency/mfd.js";
import { compile } from "../../src/engine/compile.js";
import { useDevice } from "../../src/engine/device.js";
import * as random from "../../src/engine/random.js";
import type { Tensor } from "../../src/engine/tensor.js";
import { featureRegression, imageTransformations } from "../../src/manifold/index.js";
import {
  exportPublished,
  type FeatureModel,
  flatten,
  importPublished,
  resnetFeatures,
  type VggBlocks,
  vggBlocks,
  vggFeatures,
} from "../../src/nn/index.js";
import { type Reference, readReference } from "../../src/verify/reference.js";
import { verifyFile } from "../../src/verify/verify.js";
import { close, relativeError } from "../reference/fixtures.js";

// Against PyTorch: test/fixtures/networks/generate.py.
const path = (name: string): string =>
  fileURLToPath(new URL(`../fixtures/networks/${name}.safetensors`, import.meta.url));
const fixture = (name: string): Promise<Reference> => readReference(path(name));

const networks: Record<string, (file: Reference) => FeatureModel> = {
  feature_net_vgg: (file) =>
    flatten(
      vggFeatures({
        size: 8,
        inChannels: 3,
        labels: 5,
        blocks: file.json("blocks", v.array(v.union([v.number(), v.literal("M")]))),
      }),
    ),
  resnet_small: () => flatten(resnetFeatures({ inChannels: 3, labels: 5, channels: 4, blocks: [1, 2] })),
  resnet_imagenet: () =>
    flatten(resnetFeatures({ inChannels: 3, labels: 5, channels: 4, blocks: [1, 2], stem: "imagenet" })),
};

for (const [name, make] of Object.entries(networks)) {
  for (const engine of ["onnx", "cpu"] as const) {
    test(`${name} as in PyTorch, in inference and in training, on ${engine}`, async () => {
      await useDevice(engine);
      const file = await fixture(name);
      const model = make(file);
      const weights = file.stored("weights.");
      const step = compile((parameters: Tensor, x: Tensor) => {
        const { stages, labels } = model.apply(parameters, x);
        const { output, statistics } = model.train!(parameters, x);
        const [gradParameters, gradX] = tf.grads((parameters: tf.Tensor, x: tf.Tensor) => {
          const { stages, labels } = model.train!(parameters, x).output;
          return tf.addN([...stages, labels].map((part) => tf.sum(tf.square(part))));
        })([parameters as tf.Tensor, x as tf.Tensor]) as [Tensor, Tensor];
        return {
          inference: [...stages, labels],
          training: [...output.stages, output.labels],
          statistics,
          gradParameters,
          gradX,
        };
      });
      const ours = await step(importPublished(model, weights), file.images("x"));
      const feature = (prefix: string, i: number): Tensor =>
        i + 1 < ours.inference.length
          ? file.images(`${prefix}feature.${i}`)
          : file.tensor(`${prefix}feature.${i}`); // the labels
      ours.inference.forEach((part, i) => {
        close(part, feature("", i), 1e-4, `feature ${i} in inference`);
      });
      ours.training.forEach((part, i) => {
        close(part, feature("train.", i), 1e-4, `feature ${i} in training`);
      });
      close(ours.gradX, file.images("train.grad_x"), 1e-3, "gradient of x");
      const gradients = exportPublished(model, ours.gradParameters);
      // A bias before a normalization by the batch has gradient 0, and here only rounding errors.
      for (const parameter of file.names("train.grad.").filter((name) => !name.endsWith("conv.bias"))) {
        const reference = file.stored(`train.grad.${parameter}`)[""]!;
        close(gradients[parameter]!.data as Float32Array, reference.data as Float32Array, 1e-3, parameter);
      }
      const flat = importPublished(model, weights);
      const untrained = tf.slice1d(flat as tf.Tensor1D, 0, flat.size - ours.statistics.size);
      const after = exportPublished(model, tf.concat1d([untrained, ours.statistics as tf.Tensor1D]));
      const statistics = file.names("train.").filter((name) => name.includes("running"));
      assert.ok(statistics.length > 0);
      for (const name of statistics) {
        const reference = file.stored(`train.${name}`)[""]!;
        close(after[name]!.data as Float32Array, reference.data as Float32Array, 1e-4, name);
      }
    });
  }
}

for (const engine of ["onnx", "cpu"] as const) {
  test(`the manifold feature distance of a VGG and its gradient, as in PyTorch, on ${engine}`, async () => {
    await useDevice(engine);
    const result = await verifyFile(path("feature_net_vgg"));
    assert.is(result.status, "passed", JSON.stringify(result));
  });
}

test("VGG with batch normalization is trained on transformations and used in the manifold feature distance", async () => {
  await useDevice("onnx");
  const transformations = imageTransformations({ size: 8, channels: 1, probability: 1 });
  const labels = transformations.labelNames.length;
  const model: FeatureModel = flatten(
    vggFeatures({ size: 8, inChannels: 1, labels, blocks: [8, "M", 16, "M"] }),
  );
  const method = featureRegression({
    features: model,
    transformations,
    shape: [8, 8, 1],
    learningRate: 5e-3,
    ema: 0.9,
  });
  const batch = (i: number) =>
    method.batch(random.key(i), random.uniform(random.key(1000 + i), 32 * 64, -1, 1), i);
  const step = compile(method.step, { donate: true });
  let state = method.init(random.key(0));
  const start = model.init(random.key(0));
  const losses: number[] = [];
  for (let i = 0; i < 60; i++) {
    const next = await step(state, batch(i));
    ({ state } = next);
    assert.equal(Object.keys(next.metrics), ["loss", "gradientNorm"]);
    losses.push(next.metrics.loss.dataSync()[0]!);
  }
  const mean = (list: number[]): number => list.reduce((a, b) => a + b, 0) / list.length;
  assert.ok(mean(losses.slice(-10)) < 0.7 * mean(losses.slice(0, 10)), losses.join(" "));

  // Inference with the running statistics predicts about as well as training did.
  const fresh = batch(2000) as unknown as { x: Tensor; draws: { labels: Tensor } };
  const images = transformations.apply(fresh.x, fresh.draws as never);
  const error = (parameters: Tensor): number =>
    tf.mean(tf.square(tf.sub(model.apply(parameters, images).labels, fresh.draws.labels))).dataSync()[0]!;
  const trained = mean(losses.slice(-10));
  for (const parameters of [state.parameters, state.ema])
    assert.ok(error(parameters) < 1.3 * trained, `${error(parameters)} after ${trained}`);
  const stale = tf.concat1d([
    tf.slice1d(state.parameters as tf.Tensor1D, 0, state.parameters.size - 48),
    tf.slice1d(start as tf.Tensor1D, start.size - 48, 48),
  ]);
  const labelsWith = (parameters: Tensor): Float32Array =>
    model.apply(parameters, images).labels.dataSync() as Float32Array;
  const moved = relativeError(labelsWith(stale), labelsWith(state.parameters));
  assert.ok(moved > 0.05, `the statistics matter: ${moved}`);

  const { loss } = mfd({ model, parameters: state.ema }).apply(images, fresh.x, { features: state.ema });
  close(loss, new Float32Array(32).fill(0.5), 1e-4, "aligned loss");
});

test("the published block lists have the published numbers of convolutions", () => {
  const convolutions = Object.values(vggBlocks).map(
    (list: VggBlocks) => list.filter((b) => b !== "M").length,
  );
  assert.equal(convolutions, [8, 10, 13, 16]); // and three linear layers each
  assert.throws(() => vggFeatures({ size: 16, inChannels: 3, labels: 1 }), /invalid size.*a multiple of 32/);
  assert.throws(() => vggFeatures({ size: 8, inChannels: 3, labels: 1, blocks: ["M"] }), /invalid blocks/);
  const name = "vgg11" as never;
  assert.throws(
    () => vggFeatures({ size: 8, inChannels: 3, labels: 1, blocks: name }),
    /such as vggBlocks.vgg11/,
  );
});

test.run();
