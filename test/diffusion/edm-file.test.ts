import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import * as tf from "@tensorflow/tfjs-core";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { generate, loadDenoiser } from "../../src/diffusion/index.js";
import { useDevice } from "../../src/engine/device.js";
import * as random from "../../src/engine/random.js";
import { asFloat32, readSafetensors, type StoredArray, writeSafetensors } from "../../src/io/safetensors.js";
import { tolerances } from "../../src/verify/case.js";
import { close } from "../reference/fixtures.js";
import { rejection } from "../rejection.js";

let folder: string;
let file: string;
test.before(async () => {
  await useDevice("cpu");
  folder = await mkdtemp(join(tmpdir(), "tangent-lab-edm-"));
  file = join(folder, "snapshot.safetensors");
});
test.after(() => rm(folder, { recursive: true }));

// What `state_dict()` of EDM's network lists for the settings below, by hand: its EDMPrecond has a SongUNet named `model`.
const settings = {
  ...{
    class_name: "EDMPrecond",
    model_type: "SongUNet",
    use_fp16: false,
    img_resolution: 4,
    img_channels: 1,
  },
  ...{
    label_dim: 0,
    model_channels: 4,
    channel_mult: [1],
    num_blocks: 1,
    attn_resolutions: [],
    augment_dim: 9,
  },
};
const conv = (name: string, inputs: number, outputs: number, size: number): [string, number[]][] => [
  [`${name}.weight`, [outputs, inputs, size, size]],
  [`${name}.bias`, [outputs]],
];
const linear = (name: string, inputs: number, outputs: number): [string, number[]][] => [
  [`${name}.weight`, [outputs, inputs]],
  [`${name}.bias`, [outputs]],
];
const norm = (name: string, channels: number): [string, number[]][] => [
  [`${name}.weight`, [channels]],
  [`${name}.bias`, [channels]],
];
const block = (name: string, inputs: number): [string, number[]][] => [
  ...norm(`${name}.norm0`, inputs),
  ...conv(`${name}.conv0`, inputs, 4, 3),
  ...linear(`${name}.affine`, 16, 4),
  ...norm(`${name}.norm1`, 4),
  ...conv(`${name}.conv1`, 4, 4, 3),
];
const shapes: [string, number[]][] = [
  ["model.map_augment.weight", [4, 9]],
  ...linear("model.map_layer0", 4, 16),
  ...linear("model.map_layer1", 16, 16),
  ...conv("model.enc.4x4_conv", 1, 4, 3),
  ...block("model.enc.4x4_block0", 4),
  ...block("model.dec.4x4_in0", 4),
  ...norm("model.dec.4x4_in0.norm2", 4),
  ...conv("model.dec.4x4_in0.qkv", 4, 12, 1),
  ...conv("model.dec.4x4_in0.proj", 4, 4, 1),
  ...block("model.dec.4x4_in1", 4),
  ...block("model.dec.4x4_block0", 8),
  ...conv("model.dec.4x4_block0.skip", 8, 4, 1),
  ...block("model.dec.4x4_block1", 8),
  ...conv("model.dec.4x4_block1.skip", 8, 4, 1),
  ...norm("model.dec.4x4_aux_norm", 4),
  ...conv("model.dec.4x4_aux_conv", 4, 1, 3),
];
const state = (): Record<string, StoredArray> =>
  Object.fromEntries(
    shapes.map(([name, shape], i) => [
      name,
      {
        shape,
        data: random
          .normal(
            random.key(i),
            shape.reduce((a, b) => a * b, 1),
          )
          .map((value) => 0.2 * value),
      },
    ]),
  );

test("a snapshot of EDM's, converted as the documents have it, is loaded with its preconditioning", async () => {
  await writeSafetensors(file, state(), { edm: JSON.stringify(settings) });
  const model = await loadDenoiser(file);
  assert.equal([model.record.name, model.record.shape, model.record.settings], ["snapshot", [4, 4, 1], {}]);
  assert.is(model.denoiser.preconditioning, "edm");
  const { values } = await generate(model, { count: 2, sampler: "heun", steps: 3 });
  assert.ok(values.every(Number.isFinite));
});

test("its values are those that EDM's code computed, with classes", async () => {
  const path = fileURLToPath(new URL("../fixtures/networks/edm_unet_ncsnpp.safetensors", import.meta.url));
  const { tensors, metadata } = await readSafetensors(path);
  const weights = Object.entries(tensors)
    .filter(([name]) => name.startsWith("weights."))
    .map(([name, array]) => [name.slice("weights.".length), array] as const);
  const edm = JSON.stringify({ class_name: "EDMPrecond", ...JSON.parse(metadata.config!) });
  await writeSafetensors(file, Object.fromEntries(weights), { edm });
  const { denoiser, parameters, record } = await loadDenoiser(file);
  assert.is(record.settings.classes, 3);
  const tensor = (name: string): tf.Tensor =>
    tf.tensor(asFloat32(tensors[name]!.data), tensors[name]!.shape as number[]);
  const images = (name: string): tf.Tensor => tf.transpose(tensor(name), [0, 2, 3, 1]);
  const condition = { classLabels: tensor("class_labels"), augmentLabels: tensor("augment_labels") };
  const ours = denoiser.apply(parameters, images("x"), tensor("sigma"), condition);
  close(ours, images("denoised"), tolerances.value, "denoised");
});

test("other networks, and what a snapshot lacks, are refused by name", async () => {
  const refused = async (
    given: object,
    change: (tensors: Record<string, StoredArray>) => void,
  ): Promise<Error> => {
    const tensors = state();
    change(tensors);
    await writeSafetensors(file, tensors, { edm: JSON.stringify({ ...settings, ...given }) });
    return rejection(loadDenoiser(file));
  };
  assert.match(
    (await refused({ class_name: "VPPrecond" }, () => {})).message,
    /class_name; given: "VPPrecond"; allowed: EDMPrecond/,
  );
  assert.match(
    (await refused({ model_type: "DhariwalUNet" }, () => {})).message,
    /config\.model_type; given: "DhariwalUNet"; allowed: SongUNet/,
  );
  assert.match((await refused({ num_blocks: 2 }, () => {})).message, /there is no model\.enc\.4x4_block1/);
  const missing = await refused({}, (tensors) => delete tensors["model.map_augment.weight"]);
  assert.match(missing.message, /there is no model\.map_augment\.weight/);
  await writeSafetensors(file, state(), { edm: "{" });
  assert.match(
    (await rejection(loadDenoiser(file))).message,
    /holds no denoiser: its metadata's edm is not JSON/,
  );
  await writeSafetensors(file, state());
  assert.match(
    (await rejection(loadDenoiser(file))).message,
    /holds no denoiser: its metadata's denoiser is missing/,
  );
});

test.run();
