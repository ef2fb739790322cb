import * as tf from "@tensorflow/tfjs-core";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { useDevice } from "../../src/engine/device.js";
import * as random from "../../src/engine/random.js";
import type { Tensor } from "../../src/engine/tensor.js";
import type { CaptionedData } from "../../src/loop/data.js";
import { contrastive } from "../../src/softrepa/contrastive.js";
import { trainFlow, trainTokens, tuneFlow } from "../../src/softrepa/index.js";
import { rejection } from "../rejection.js";
import { captions as toyCaptions, toyFlow } from "./toy-flow.js";

test.before(async () => {
  await useDevice("onnx");
});

const captions = ["a red cat", "a red dog", "a blue cat", "a blue dog"];
const data: CaptionedData = {
  name: "plain",
  shape: [4, 4, 1],
  captions,
  captionAttributes: captions.map((caption) => {
    const [, colour, animal] = caption.split(" ") as [string, string, string];
    return { colour, animal };
  }),
  sample: (key: random.Key, count: number) => {
    const labels = random.integers(key, count, captions.length);
    const x = Float32Array.from({ length: 16 * count }, (_, i) => labels[Math.floor(i / 16)]! / 2 - 1);
    return { x, labels };
  },
};
const sizes = { patch: 2, layers: 1, heads: 1, headDim: 8, steps: 3, batchSize: 4, eventEvery: 3 };
const valuesOf = (tensor: Tensor): Float32Array => (tensor.dataSync() as Float32Array).slice();
const differs = (a: Float32Array, b: Float32Array): boolean => a.some((value, i) => value !== b[i]);

test("a whole flow goes on from where it is, and the one it starts from stays", async () => {
  const flow = await trainFlow(data, sizes);
  const before = valuesOf(flow.parameters);
  for (const tuned of [
    await tuneFlow(data, flow, {
      steps: 2,
      batchSize: 3,
      logits: "linear",
      negatives: "attributes",
      positiveWeight: 10,
    }),
    await tuneFlow(data, flow, { steps: 2, batchSize: 3, contrast: false, timesPerStep: 2 }),
    await trainFlow(data, { from: flow, steps: 2, batchSize: 4, learningRate: 1e-4 }),
  ]) {
    const after = valuesOf(tuned.parameters);
    assert.is(after.length, before.length);
    assert.ok(differs(after, before));
    // Two steps of 1e-4 each: near the start, and not a new one.
    assert.ok(after.every((value, i) => Math.abs(value - before[i]!) < 1e-3));
    assert.is(tuned.model, flow.model);
    assert.is(tuned.record.kind, "flow");
  }
  assert.not(differs(valuesOf(flow.parameters), before));
});

test("the gradient of the whole flow is that of finite differences", async () => {
  await useDevice("cpu");
  const method = contrastive({
    ...{ flow: toyFlow, captions: toyCaptions, logits: "linear", temperature: 0.5, positiveWeight: 0.3 },
    timesPerStep: 2,
  });
  const x = random.normal(random.key(1), 3 * 4);
  const batch = method.batch(random.key(2), x, 0, Int32Array.from([0, 2, 4]));
  const lossAt = (value: number): number => {
    const state = method.from(tf.tensor1d([value]));
    return method.step(state, { ...batch, learningRate: tf.scalar(1e-9) }).metrics.loss.dataSync()[0]!;
  };
  const gradient = method.gradient(method.from(tf.tensor1d([0.7])), batch).dataSync()[0]!;
  const step = 1e-2;
  const slope = (lossAt(0.7 + step) - lossAt(0.7 - step)) / (2 * step);
  assert.ok(Math.abs(gradient) > 1e-3);
  assert.ok(Math.abs(gradient - slope) < 0.02 * Math.abs(gradient) + 1e-4, `${gradient} is not ${slope}`);
  await useDevice("onnx");
});

test("flows that do not fit, and what belongs to the flow already, are refused before anything is trained", async () => {
  const flow = await trainFlow(data, sizes);
  const other = { ...data, captions: ["a green cat", "a green dog"], captionAttributes: [] };
  for (const [call, argument] of [
    [() => trainFlow(data, { from: flow, layers: 2 }), "layers"],
    [() => trainFlow(data, { from: flow.model as never }), "from"],
    [() => trainFlow(other, { from: flow }), "from"],
    [() => trainFlow({ ...data, shape: [8, 8, 1] }, { from: flow }), "from.shape"],
    [() => tuneFlow(other, flow), "flow"],
    [() => tuneFlow(data, flow, { temperature: 0 }), "temperature"],
    [() => tuneFlow(data, flow, { tMin: 1 }), "tMin"],
    [() => tuneFlow(data, flow, { tMax: 1.5 }), "tMax"],
    [() => tuneFlow(data, flow, { tMin: 0.5, tMax: 0.4 }), "tMax"],
    [() => tuneFlow({ ...data, captionAttributes: [] }, flow, { negatives: "attributes" }), "negatives"],
    [() => tuneFlow(data, flow, { layers: 2 } as never), "layers"],
  ] as const) {
    const error = await rejection(call);
    assert.equal([error.code, error.argument], ["invalid-argument", argument]);
  }
  // Tokens of another width than the flow's.
  const wide = await trainFlow(data, { ...sizes, headDim: 16 });
  const tokens = await trainTokens(data, wide, { steps: 1, batchSize: 2, layers: 1 });
  const error = await rejection(() => contrastive({ flow, captions, tokens: tokens.model }));
  assert.equal([error.code, error.argument], ["invalid-argument", "tokens.dim"]);
});

test.run();
