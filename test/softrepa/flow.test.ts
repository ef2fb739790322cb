import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type * as tf from "@tensorflow/tfjs-core";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { useDevice } from "../../src/engine/device.js";
import * as random from "../../src/engine/random.js";
import type { CaptionedData } from "../../src/loop/data.js";
import * as softrepa from "../../src/softrepa/index.js";
import {
  crossUnet,
  flowMatching,
  generate,
  jointTransformer,
  loadFlow,
  saveFlow,
  textToImage,
} from "../../src/softrepa/index.js";
import { captionEncoder, type FlowTraining } from "../../src/softrepa/train-flow.js";
import { rejection } from "../rejection.js";

test.before(async () => {
  await useDevice("onnx");
});

/** Plain 4x4 images: bright, dark or between, and captions that say so. */
const captions = ["it is bright", "it is dark", "it is grey"];
const values = [0.8, -0.8, 0];
const data: CaptionedData = {
  name: "plain",
  shape: [4, 4, 1],
  captions,
  sample: (key, count) => {
    const labels = random.integers(key, count, 3);
    const x = Float32Array.from({ length: 16 * count }, (_, i) => values[labels[Math.floor(i / 16)]!]!);
    return { x, labels };
  },
} as CaptionedData;

const small: FlowTraining = {
  steps: 150,
  batchSize: 32,
  learningRate: 3e-3,
  ema: 0.98,
  layers: 2,
  heads: 2,
  headDim: 8,
  eventEvery: 150,
};

test("a flow learns what captions say, with guidance; saved and read again it makes the same images", async () => {
  const { model, parameters, record } = await softrepa.trainFlow(data, small);
  assert.is(record.kind, "flow");
  const settings = { captions, key: random.key(1), steps: 8, guidance: 1.5 };
  const images = await generate(model.freeze(parameters), settings);
  values.forEach((value, i) => {
    const mean = images.slice(16 * i, 16 * (i + 1)).reduce((a, b) => a + b, 0) / 16;
    assert.ok(Math.abs(mean - value) < 0.25, `"${captions[i]}": mean ${mean}`);
  });
  const folder = await mkdtemp(join(tmpdir(), "tangent-lab-flow-"));
  try {
    const path = join(folder, "flow.safetensors");
    await saveFlow(path, { model, parameters });
    const read = await loadFlow(path);
    const again = await generate(read.model.freeze(read.parameters), settings);
    assert.equal(Array.from(again), Array.from(images));
  } finally {
    await rm(folder, { recursive: true });
  }
});

test("the cross-attention U-Net trains and is saved alike", async () => {
  const text = captionEncoder(captions);
  const { textDim, pooledDim } = text;
  const network = crossUnet({ size: 4, channels: 1, textDim, pooledDim, width: 8, multipliers: [1, 2] });
  const events = softrepa.trainFlow(data, { ...small, steps: 30, eventEvery: 10, network, text });
  const losses: number[] = [];
  for await (const { metrics } of events) losses.push(metrics.loss!);
  assert.ok(losses.at(-1)! < 0.8 * losses[0]!, `losses ${losses}`);
  const { model, parameters } = await events;
  const folder = await mkdtemp(join(tmpdir(), "tangent-lab-flow-"));
  try {
    await saveFlow(join(folder, "flow.safetensors"), { model, parameters });
    const read = await loadFlow(join(folder, "flow.safetensors"));
    assert.is(read.model.network.attention, "cross");
    assert.equal(Array.from(read.parameters.dataSync()), Array.from(parameters.dataSync()));
  } finally {
    await rm(folder, { recursive: true });
  }
});

test("caption dropout: the share of empty captions; times are within (0, 1)", () => {
  const text = captionEncoder(captions);
  const { textDim, pooledDim } = text;
  const flow = textToImage(jointTransformer({ size: 4, channels: 1, textDim, pooledDim, layers: 1 }), text);
  const method = flowMatching({ flow, captions, captionDropout: 0.25 });
  const count = 2000;
  const labels = new Int32Array(count).fill(1);
  const { ids, t } = method.batch(
    random.key(1),
    new Float32Array(16 * count),
    0,
    labels,
  ) as unknown as Record<"ids" | "t", tf.Tensor>;
  const empty = (ids!.arraySync() as number[][]).filter((row) => row[1] === 2).length;
  assert.ok(Math.abs(empty / count - 0.25) < 0.04, `${empty} of ${count}`);
  assert.ok(Math.min(...t!.dataSync()) > 0 && Math.max(...t!.dataSync()) < 1);
});

test("bad input is refused", async () => {
  const argument = async (options: FlowTraining, from = data): Promise<unknown> =>
    (await rejection(() => softrepa.trainFlow(from, options))).argument;
  assert.is(await argument({ captionDropout: 1 }), "captionDropout");
  assert.is(await argument({ time: { mean: 0, std: 0 } }), "time.std");
  assert.is(await argument({}, { ...data, captions: [] }), "captions");
  assert.is(await argument({}, { ...data, shape: [16] }), "data.shape");
  const sizes = { size: 8, channels: 1, textDim: 64, pooledDim: 64 };
  assert.is(await argument({ network: crossUnet(sizes) }), "network.shape");
  assert.is(await argument({ network: crossUnet({ ...sizes, size: 4, textDim: 32 }) }), "textDim");
});

test.run();
