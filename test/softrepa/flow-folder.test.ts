import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import * as tf from "@tensorflow/tfjs-core";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { useDevice } from "../../src/engine/device.js";
import * as random from "../../src/engine/random.js";
import type { Tensor } from "../../src/engine/tensor.js";
import { asFloat32, readSafetensors, type Safetensors, writeSafetensors } from "../../src/io/safetensors.js";
import { embeddedText, generate, loadFlow } from "../../src/softrepa/index.js";
import { tolerances } from "../../src/verify/case.js";
import { close } from "../reference/fixtures.js";
import { rejection } from "../rejection.js";

// A reference case that diffusers has computed (test/fixtures/joint-transformer.py), laid out as its save_pretrained does.
const reference = fileURLToPath(
  new URL("../fixtures/reference/joint_transformer_b.safetensors", import.meta.url),
);

let folder: string;
let file: Safetensors;
test.before(async () => {
  await useDevice("cpu");
  file = await readSafetensors(reference);
});
test.before.each(async () => {
  folder = await mkdtemp(join(tmpdir(), "tangent-lab-flow-"));
  const index = {
    _class_name: "StableDiffusion3Pipeline",
    transformer: ["diffusers", "SD3Transformer2DModel"],
  };
  await writeFile(join(folder, "model_index.json"), JSON.stringify(index));
  await mkdir(join(folder, "transformer"));
  await settings({});
  const weights = Object.entries(file.tensors)
    .filter(([name]) => name.startsWith("weights."))
    .map(([name, array]) => [name.slice("weights.".length), array] as const);
  await writeSafetensors(
    join(folder, "transformer/diffusion_pytorch_model.safetensors"),
    Object.fromEntries(weights),
  );
});
test.after.each(() => rm(folder, { recursive: true }));

const settings = (change: object): Promise<void> =>
  writeFile(
    join(folder, "transformer/config.json"),
    JSON.stringify({
      ...{ _class_name: "SD3Transformer2DModel", _diffusers_version: "0.30.0" },
      ...(JSON.parse(file.metadata.config!) as object),
      ...change,
    }),
  );

const tensor = (name: string): Tensor => {
  const { shape, data } = file.tensors[name]!;
  return tf.tensor(asFloat32(data), shape as number[]);
};
const images = (name: string): Tensor => tf.transpose(tensor(name), [0, 2, 3, 1]);
const captions = ["a cat", "a dog"];
const text = (): ReturnType<typeof embeddedText> =>
  embeddedText({ captions, tokens: tensor("tokens"), pooled: tensor("pooled") });

test("the transformer of a pipeline's folder: velocities as diffusers', and images", async () => {
  const flow = await loadFlow(folder, text());
  const { parameters } = flow;
  const encoded = flow.encode(parameters, flow.tokenize(captions));
  const velocity = flow.velocity(parameters, images("x"), tensor("t"), encoded);
  close(velocity, images("velocity"), tolerances.value, "velocity");
  const drawn = await generate(flow, { captions, steps: 2, key: random.key(0) });
  assert.is(drawn.length, 2 * 8 * 8 * 3);
  assert.ok(drawn.every(Number.isFinite));
  // The transformer's folder by itself, too.
  const alone = await loadFlow(join(folder, "transformer"), text());
  assert.equal(alone.parameters.dataSync(), parameters.dataSync());
});

test("a folder without captions' embeddings, of another network, or with settings that are not supported, is refused", async () => {
  assert.match(
    (await rejection(loadFlow(folder))).message,
    /invalid text; given: undefined; allowed: what embeds the captions: embeddedText/,
  );
  await settings({ qk_norm: "layer_norm" });
  assert.match(
    (await rejection(loadFlow(folder, text()))).message,
    /the configuration's qk_norm is not supported; given: "layer_norm"; allowed: "rms_norm" or null/,
  );
  await settings({ _class_name: "UNet2DModel" });
  assert.match(
    (await rejection(loadFlow(folder, text()))).message,
    /given: "UNet2DModel"; allowed: SD3Transformer2DModel; diffusion\.loadDenoiser\(folder\) reads this one/,
  );
  await settings({ num_layers: 3 });
  const missing = await rejection(loadFlow(folder, text()));
  assert.match(missing.message, /transformer\.transformer_blocks\.1\..* has another shape/);
  assert.is(missing.code, "invalid-data");
  await settings({ num_layers: 1e9 });
  assert.match(
    (await rejection(loadFlow(folder, text()))).message,
    /num_layers is more than the file has weights for/,
  );
  await rm(join(folder, "transformer/config.json"));
  assert.match(
    (await rejection(loadFlow(folder, text()))).message,
    /transformer is no folder of a model: it has no config\.json/,
  );
});

test.run();
