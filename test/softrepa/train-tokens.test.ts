import * as tf from "@tensorflow/tfjs-core";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { useDevice } from "../../src/engine/device.js";
import * as random from "../../src/engine/random.js";
import type { CaptionedData } from "../../src/loop/data.js";
import { embedTokens, generate, jointTransformer, textToImage } from "../../src/softrepa/index.js";
import { captionEncoder } from "../../src/softrepa/train-flow.js";
import { type SoftTokenTraining, trainTokens } from "../../src/softrepa/train-tokens.js";
import { normal } from "../finite-differences.js";
import { rejection } from "../rejection.js";

test.before(async () => {
  await useDevice("onnx");
});

const captions = ["a red cat", "a red dog", "a blue cat", "a blue dog"];
const attributes = captions.map((caption) => {
  const [, colour, animal] = caption.split(" ") as [string, string, string];
  return { colour, animal };
});
const data = {
  name: "plain",
  shape: [4, 4, 1],
  captions,
  captionAttributes: attributes,
  sample: (key: random.Key, count: number) => {
    const labels = random.integers(key, count, captions.length);
    const x = Float32Array.from({ length: 16 * count }, (_, i) => labels[Math.floor(i / 16)]! / 2 - 1);
    return { x, labels };
  },
} as CaptionedData;

const text = captionEncoder(captions);
const { textDim, pooledDim } = text;
const network = jointTransformer({
  size: 4,
  channels: 1,
  textDim,
  pooledDim,
  layers: 2,
  heads: 2,
  headDim: 8,
});
const model = textToImage(network, text);
// Random numbers also where a network starts with zeros: else no token could change anything.
const flow = model.freeze(tf.mul(normal(3, [model.structure.size]), 0.1));
const short: SoftTokenTraining = {
  steps: 4,
  batchSize: 3,
  layers: 2,
  tokens: 2,
  timeRows: 10,
  eventEvery: 4,
};

test("every published form and its opposite trains, and its record says which it was", async () => {
  for (const options of [
    {},
    { logits: "linear", tMin: 0.3, tMax: 0.95, timesPerStep: 4, negatives: "attributes" },
    { logits: "linear", temperature: 0.05, negatives: "nearest" },
    { negatives: { of: () => [[0, 1, 2, 3]], count: 1 } },
    { contrast: false, timesPerStep: 2 },
    { beforeEmbedder: true, timeStart: "zeros" },
  ] satisfies SoftTokenTraining[]) {
    const trained = await trainTokens(data, flow, { ...short, ...options });
    const { settings, losses } = trained.record;
    const { negatives = null, ...plain } = options as SoftTokenTraining;
    for (const [name, value] of Object.entries(plain))
      if (name !== "timeStart") assert.is(settings[name], value, name);
    assert.is(settings.negatives, typeof negatives === "object" && negatives ? "own" : negatives);
    assert.is(
      settings.temperature,
      "contrast" in options ? undefined : "temperature" in options ? 0.05 : "logits" in options ? 0.02 : 0.07,
    );
    assert.equal([settings.restartEvery, settings.rateFloor], [2, 1e-5]);
    assert.ok(Number.isFinite(losses.at(-1)!.metrics.loss));
    assert.is("accuracy" in losses.at(-1)!.metrics, !("contrast" in options));
  }
});

test("tokens before the embedder draw the same images as those that have passed it", async () => {
  const trained = await trainTokens(data, flow, { ...short, beforeEmbedder: true, standardDeviation: 3 });
  assert.equal([trained.model.dim, trained.model.textDim], [16, textDim]);
  const inside = embedTokens(flow, trained);
  assert.is(inside.model.textDim, undefined);
  const draw = (tokens: typeof inside): Promise<Float32Array> =>
    generate(flow, { captions, tokens, key: random.key(1), steps: 3 });
  const [before, behind] = [await draw(trained), await draw(inside)];
  assert.ok(before.every((value, i) => Math.abs(value - behind[i]!) < 1e-4));
  const none = await generate(flow, { captions, key: random.key(1), steps: 3 });
  assert.ok(before.some((value, i) => Math.abs(value - none[i]!) > 1e-3));
});

test("bad input is refused before anything is trained", async () => {
  const { captionAttributes: _, ...bare } = data;
  for (const [from, bad, argument] of [
    [bare, { negatives: "attributes" }, "negatives"],
    [data, { negatives: "hard" }, "negatives"],
    [data, { negatives: null }, "negatives"],
    [data, { temperature: 0 }, "temperature"],
    [data, { tMin: -1 }, "tMin"],
    [data, { tMax: 2 }, "tMax"],
    [data, { rateFloor: -1 }, "rateFloor"],
    [data, { rateFloor: Number.NaN }, "rateFloor"],
    [{ ...data, captions: "a cat" }, {}, "captions"],
  ] as const) {
    const error = await rejection(() => trainTokens(from as never, flow, { ...short, ...bad } as never));
    assert.equal([error.code, error.argument], ["invalid-argument", argument]);
  }
  const { embedText: __, ...without } = flow;
  const error = await rejection(() =>
    trainTokens(data, without as typeof flow, { ...short, beforeEmbedder: true }),
  );
  assert.is(error.argument, "beforeEmbedder");
});

test.run();
