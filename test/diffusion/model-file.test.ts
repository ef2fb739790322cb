import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { fromArray } from "../../datasets/index.js";
import * as consistency from "../../src/consistency/index.js";
import { generate } from "../../src/diffusion/generate.js";
import * as diffusion from "../../src/diffusion/index.js";
import { loadDenoiser, saveDenoiser } from "../../src/diffusion/model-file.js";
import * as random from "../../src/engine/random.js";
import { readSafetensors, writeSafetensors } from "../../src/io/safetensors.js";
import type { TimeNetwork } from "../../src/nn/network.js";
import { songUnet } from "../../src/nn/song-unet.js";
import { circle, network, smallRun } from "../loop/runs.js";
import { rejection } from "../rejection.js";

let folder: string;
let file: string;
test.before.each(async () => {
  folder = await mkdtemp(join(tmpdir(), "tangent-lab-model-"));
  file = join(folder, "model.safetensors");
});
test.after.each(() => rm(folder, { recursive: true }));

const images = fromArray(random.uniform(random.key(0), 6 * 64, -1, 1), [8, 8, 1], [0, 1, 2, 0, 1, 2]);
const short = { steps: 2, batchSize: 2 } as const;

test("a model comes back from its file: the same samples, and training goes on from it", async () => {
  const dropping = songUnet({
    size: 8,
    inChannels: 1,
    channels: 8,
    multipliers: [1],
    blocks: 1,
    attentionSizes: [],
  });
  const models = [
    await smallRun(),
    await diffusion.train(images, { ...short, classConditional: true, preconditioning: "trigflow" }),
    await consistency.train(images, { ...short, network: dropping, recording: false }),
  ];
  for (const model of models) {
    await saveDenoiser(file, model);
    const loaded = await loadDenoiser(file);
    const { kind, dataset, shape, settings } = model.record;
    assert.equal([loaded.record.kind, loaded.record.dataset], [kind, dataset]);
    assert.equal([loaded.record.shape, loaded.record.settings], [shape, settings]);
    const labels = settings.classes === undefined ? {} : { labels: [2, 0, 1] };
    const [before, after] = await Promise.all(
      [model, loaded].map((each) => generate(each, { count: 3, ...labels })),
    );
    assert.equal(before!.values, after!.values);
    const data = shape.length === 1 ? circle : images;
    const { record } = await consistency.train(data, { ...short, from: loaded, recording: false });
    assert.is(record.settings.from, model.record.name);
  }
});

test("a network of one's own is given again", async () => {
  const { settings: _, ...rest } = network;
  const own: TimeNetwork = rest;
  const model = await smallRun({ network: own });
  await saveDenoiser(file, model);
  const missing = await rejection(loadDenoiser(file));
  assert.match(
    missing.message,
    /invalid network; given: undefined; allowed: the network it was trained with/,
  );
  const loaded = await loadDenoiser(file, own);
  assert.equal((await generate(loaded, { count: 2 })).values, (await generate(model, { count: 2 })).values);
});

test("other files, changed files and runs that were not awaited are refused", async () => {
  assert.is((await rejection(saveDenoiser(file, smallRun() as never))).argument, "model");
  assert.is((await rejection(loadDenoiser(file))).code, "file-system");
  await saveDenoiser(file, await smallRun());
  const { tensors, metadata } = await readSafetensors(file);
  const changed = (name: string, change: object): Record<string, string> => ({
    ...metadata,
    [name]: JSON.stringify({ ...(JSON.parse(metadata[name]!) as object), ...change }),
  });
  const wrong: [Record<string, string>, string, RegExp][] = [
    [{}, "corrupt-file", /holds no denoiser: its metadata's denoiser is missing/],
    [changed("denoiser", { preconditioning: "vp" }), "corrupt-file", /its preconditioning is vp/],
    [changed("denoiser", { network: { kind: "gan" } }), "corrupt-file", /invalid kind; given: "gan"/],
    [changed("denoiser", { network: { kind: "mlp", dim: 0 } }), "corrupt-file", /invalid dim/],
    [
      changed("denoiser", { network: { kind: "mlp", dim: 2, width: 8, depth: 2 } }),
      "invalid-data",
      /another shape/,
    ],
    [changed("run", { shape: [] }), "corrupt-file", /invalid shape/],
  ];
  for (const [metadata, code, message] of wrong) {
    await writeSafetensors(file, tensors, metadata);
    const error = await rejection(loadDenoiser(file));
    assert.is(error.code, code, error.message);
    assert.match(error.message, message);
  }
});

test.run();
