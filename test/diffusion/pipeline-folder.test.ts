import { cp, mkdtemp, readFile, rename, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import * as tf from "@tensorflow/tfjs-core";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { ddpmLevels } from "../../src/diffusion/ddpm.js";
import { euler, generate, loadDenoiser, saveDenoiser } from "../../src/diffusion/index.js";
import { sample } from "../../src/diffusion/multistep.js";
import { useDevice } from "../../src/engine/device.js";
import type { Tensor } from "../../src/engine/tensor.js";
import { asFloat32, readSafetensors, type Safetensors, writeSafetensors } from "../../src/io/safetensors.js";
import { tolerances } from "../../src/verify/case.js";
import { close } from "../reference/fixtures.js";
import { rejection } from "../rejection.js";

// Made by test/fixtures/unet2d.py: folders as diffusers writes them, and the samples that its pipelines draw.
const fixture = (name: string): string =>
  fileURLToPath(new URL(`../fixtures/pipelines/${name}`, import.meta.url));

/** Images of a file, NHWC. */
const images = ({ tensors }: Safetensors, name: string): Tensor => {
  const { shape, data } = tensors[name]!;
  const order = shape.length === 5 ? [0, 1, 3, 4, 2] : [0, 2, 3, 1];
  return tf.transpose(tf.tensor(asFloat32(data), shape as number[]), order);
};

test.before(async () => {
  await useDevice("cpu");
});

let folder: string;
test.before.each(async () => {
  folder = await mkdtemp(join(tmpdir(), "tangent-lab-pipeline-"));
});
test.after.each(() => rm(folder, { recursive: true }));

test("a consistency model of diffusers draws what its pipeline draws, in 1, 2 and 3 steps", async () => {
  const file = await readSafetensors(fixture("consistency.safetensors"));
  const model = await loadDenoiser(fixture("consistency"));
  assert.equal(
    [model.record.kind, model.record.name, model.record.shape, model.record.settings.classes],
    ["consistency", "consistency", [4, 4, 3], 3],
  );
  const { denoiser, parameters } = model;
  assert.equal(denoiser.schedule, { steps: 40, min: 0.05, max: 20, rho: 7, clip: true });
  const noises = tf.unstack(images(file, "noises") as tf.Tensor) as Tensor[];
  const condition = {
    classLabels: tf.tensor2d([
      [1, 0, 0],
      [0, 0, 1],
    ]),
  };
  const levels = JSON.parse(file.metadata["levels.3"]!) as number[];
  // With float32's rounding of 250 ln t.
  for (const [steps, times] of [
    [1, [20]],
    [3, levels],
  ] as const) {
    const ours = sample(denoiser, parameters, noises.slice(0, steps), times, { condition });
    close(ours, images(file, `samples.${steps}.unclipped`), tolerances.value, `${steps} steps`);
  }
  for (const engine of ["onnx", "cpu"] as const) {
    await useDevice(engine);
    const one = await generate(model, { labels: [0, 2], times: [20] });
    const again = await generate(model, { labels: [0, 2] });
    assert.equal(one.values, again.values, "one step starts from the highest level");
    assert.ok(one.values.every((value) => Math.abs(value) <= 1));
    const three = await generate(model, { labels: [0, 2], steps: 3 });
    const told = await generate(model, { labels: [0, 2], times: levels });
    close(tf.tensor1d(three.values), tf.tensor1d(told.values), 1e-4, "its own levels");
  }
  await useDevice("cpu");
  const many = await rejection(generate(model, { labels: [0, 2], steps: 41 }));
  assert.match(many.message, /invalid steps; given: 41; allowed: at most 40/);
});

test("clipped samples are those of the pipeline, too", async () => {
  const file = await readSafetensors(fixture("consistency.safetensors"));
  const { denoiser, parameters } = await loadDenoiser(fixture("consistency"));
  const noises = tf.unstack(images(file, "noises") as tf.Tensor) as Tensor[];
  const condition = {
    classLabels: tf.tensor2d([
      [1, 0, 0],
      [0, 0, 1],
    ]),
  };
  const levels = JSON.parse(file.metadata["levels.3"]!) as number[];
  // As `generate` puts the steps together, but with the file's noises.
  let x: Tensor = tf.zerosLike(noises[0]!);
  levels.forEach((t, i) => {
    const added = i === 0 ? t : Math.sqrt(t ** 2 - 0.05 ** 2);
    const noisy = tf.add(x, tf.mul(noises[i]!, added));
    x = tf.clipByValue(denoiser.apply(parameters, noisy, tf.fill([2], t), condition) as tf.Tensor, -1, 1);
  });
  close(x, images(file, "samples.3"), tolerances.value, "3 steps");
});

test("up to the lowest level a consistency function is x itself", async () => {
  const { denoiser, parameters } = await loadDenoiser(fixture("consistency"));
  const x = tf.randomNormal([3, 4, 4, 3], 0, 1, "float32", 1) as Tensor;
  close(denoiser.apply(parameters, x, tf.tensor1d([0, 0.01, 0.05])), x, 1e-6, "x");
});

test("DDPM's network predicts noise, velocity or data: Euler's method gives what DDIM gives", async () => {
  const file = await readSafetensors(fixture("ddim.safetensors"));
  const levels = JSON.parse(file.metadata.levels!) as number[];
  await cp(fixture("ddim"), folder, { recursive: true });
  for (const prediction of ["epsilon", "v_prediction", "sample"]) {
    await change("scheduler/scheduler_config.json", { prediction_type: prediction });
    const { denoiser, parameters, record } = await loadDenoiser(folder);
    assert.is(record.kind, "denoiser");
    const start = tf.mul(images(file, "latent"), Math.sqrt(levels[0]! ** 2 + 1));
    const ours = euler(denoiser, parameters, start, [...levels, 0]);
    close(ours, images(file, prediction), tolerances.value, prediction);
  }
});

test("the noise levels of DDPM's steps are those of diffusers", async () => {
  const { tensors } = await readSafetensors(fixture("ddim.safetensors"));
  for (const betas of ["linear", "scaled_linear", "squaredcos_cap_v2"] as const) {
    const alphas = asFloat32(tensors[`alphas.${betas}`]!.data);
    const levels = ddpmLevels({ steps: 1000, betas, start: 1e-4, end: 0.02, prediction: "epsilon" });
    levels.forEach((level, i) => {
      assert.ok(Math.abs(1 / (1 + level ** 2) - alphas[i]!) <= 2e-6, `${betas} ${i}`);
    });
  }
});

test("a pipeline's model is saved as one file, and comes back", async () => {
  for (const name of ["consistency", "ddim"]) {
    const model = await loadDenoiser(fixture(name));
    const file = join(folder, `${name}.safetensors`);
    await saveDenoiser(file, model);
    const loaded = await loadDenoiser(file);
    assert.equal(loaded.denoiser.schedule, model.denoiser.schedule);
    const labels = name === "consistency" ? { labels: [0, 1] } : {};
    const [before, after] = await Promise.all(
      [model, loaded].map((each) => generate(each, { count: 2, ...labels })),
    );
    assert.equal(before!.values, after!.values);
  }
});

test("older names of attention, all files in one folder, and weights in several files", async () => {
  const model = await loadDenoiser(fixture("ddim"));
  await cp(fixture("ddim/unet"), folder, { recursive: true });
  await cp(fixture("ddim/scheduler"), folder, { recursive: true });
  const path = join(folder, "diffusion_pytorch_model.safetensors");
  const { tensors } = await readSafetensors(path);
  const older = Object.entries(tensors).map(([name, array], i) => {
    const former = name
      .replace(".to_q.", ".query.")
      .replace(".to_k.", ".key.")
      .replace(".to_v.", ".value.")
      .replace(".to_out.0.", ".proj_attn.");
    return [former, array, i % 2] as const;
  });
  assert.ok(older.some(([name]) => name.endsWith("proj_attn.weight")));
  await rm(path);
  const weight_map: Record<string, string> = {};
  for (const shard of [0, 1]) {
    const part = older.filter(([, , i]) => i === shard);
    const name = `diffusion_pytorch_model-0000${shard + 1}-of-00002.safetensors`;
    for (const [tensor] of part) weight_map[tensor] = name;
    await writeSafetensors(join(folder, name), Object.fromEntries(part));
  }
  await writeFile(`${path}.index.json`, JSON.stringify({ metadata: {}, weight_map }));
  const { parameters } = await loadDenoiser(folder);
  assert.equal(parameters.dataSync(), model.parameters.dataSync());
  await writeFile(`${path}.index.json`, JSON.stringify({ weight_map: { a: "../a.safetensors" } }));
  assert.match((await rejection(loadDenoiser(folder))).message, /it names "\.\.\/a\.safetensors"/);
});

/** Changes a JSON file in the folder. */
async function change(name: string, settings: object): Promise<void> {
  const path = join(folder, name);
  const before = JSON.parse(await readFile(path, "utf8")) as object;
  await writeFile(path, JSON.stringify({ ...before, ...settings }));
}

const refused: [what: string, damage: () => Promise<unknown>, code: string, message: RegExp][] = [
  [
    "an activation that is not there",
    () => change("unet/config.json", { act_fn: "mish" }),
    "invalid-argument",
    /unet\/config\.json: the setting act_fn is not supported; given: "mish"; allowed: "silu" or "swish"/,
  ],
  [
    "a block that is not there",
    () => change("unet/config.json", { down_block_types: ["SkipDownBlock2D", "DownBlock2D"] }),
    "invalid-argument",
    /the setting down_block_types is not supported; given: "SkipDownBlock2D"; allowed: DownBlock2D, AttnDown/,
  ],
  [
    "a setting that is not known",
    () => change("unet/config.json", { encoder_hid_dim: 3 }),
    "invalid-argument",
    /the setting encoder_hid_dim is not supported; given: 3; allowed: of unet2d only sample_size/,
  ],
  [
    "no size",
    () => change("unet/config.json", { sample_size: null }),
    "invalid-argument",
    /the setting sample_size is not supported; given: null; allowed: a multiple of 2/,
  ],
  [
    "learned variances",
    () => change("unet/config.json", { out_channels: 4 }),
    "invalid-argument",
    /the setting out_channels is not supported; given: 4; allowed: 3, as in_channels/,
  ],
  [
    "a scheduler that is not known",
    () => change("scheduler/scheduler_config.json", { _class_name: "ScoreSdeVeScheduler" }),
    "invalid-argument",
    /the setting _class_name is not supported; given: "ScoreSdeVeScheduler"; allowed: CMStochastic/,
  ],
  [
    "betas that are not known",
    () => change("scheduler/scheduler_config.json", { beta_schedule: "sigmoid" }),
    "invalid-argument",
    /scheduler_config\.json: the setting beta_schedule is not supported; given: "sigmoid"; allowed: "linear", /,
  ],
  [
    "betas of its own",
    () => change("scheduler/scheduler_config.json", { trained_betas: [0.1] }),
    "invalid-argument",
    /the setting trained_betas is not supported; given: \[0\.1\]; allowed: null/,
  ],
  [
    "a variance that is none",
    () => change("scheduler/scheduler_config.json", { beta_end: "0.02" }),
    "invalid-argument",
    /scheduler_config\.json: the setting beta_end is not supported; given: "0\.02"; allowed: a number from beta_start/,
  ],
  [
    "a transformer",
    () => change("unet/config.json", { _class_name: "SD3Transformer2DModel" }),
    "invalid-argument",
    /given: "SD3Transformer2DModel"; allowed: UNet2DModel; softrepa\.loadFlow\(folder, text\) reads this one/,
  ],
  [
    "another pipeline",
    async () => {
      await writeFile(join(folder, "model_index.json"), '{"_class_name": "FluxPipeline"}');
      await rename(join(folder, "unet"), join(folder, "transformer"));
    },
    "invalid-argument",
    /of a class that is not read here; given: "FluxPipeline"; allowed: UNet2DModel/,
  ],
  [
    "latents",
    () => change("model_index.json", { vqvae: ["diffusers", "VQModel"] }),
    "invalid-argument",
    /invalid model_index\.json; given: \["vqvae"\]; allowed: unet and scheduler/,
  ],
  [
    "no scheduler",
    () => rm(join(folder, "scheduler"), { recursive: true }),
    "file-system",
    /has no scheduler, which says what the network predicts; .*nn\.unet2d\(config\)/,
  ],
  [
    "no config.json",
    () => rm(join(folder, "unet/config.json")),
    "file-system",
    /unet is no folder of a model: it has no config\.json; given: \["diffusion_pytorch_model\.safetensors"\]/,
  ],
  [
    "a config.json that is not JSON",
    () => writeFile(join(folder, "unet/config.json"), "{"),
    "corrupt-file",
    /unet\/config\.json: it is not JSON/,
  ],
  [
    "a pickle for weights",
    () =>
      rename(
        join(folder, "unet/diffusion_pytorch_model.safetensors"),
        join(folder, "unet/diffusion_pytorch_model.bin"),
      ),
    "file-system",
    /unet\/diffusion_pytorch_model\.bin is a Python pickle, a program that is not run here: convert it/,
  ],
  [
    "no weights",
    () => rm(join(folder, "unet/diffusion_pytorch_model.safetensors")),
    "file-system",
    /unet has no weights; given: \["config\.json"\]; allowed: diffusion_pytorch_model\.safetensors/,
  ],
  [
    "a missing weight",
    async () => {
      const path = join(folder, "unet/diffusion_pytorch_model.safetensors");
      const { tensors } = await readSafetensors(path);
      delete tensors["conv_in.bias"];
      await writeSafetensors(path, tensors);
    },
    "invalid-data",
    /there is no conv_in\.bias/,
  ],
  [
    "weights of another width",
    () => change("unet/config.json", { block_out_channels: [4, 12] }),
    "invalid-data",
    /has another shape/,
  ],
  [
    "sizes beyond the file",
    () => change("unet/config.json", { block_out_channels: [4, 1e9] }),
    "invalid-data",
    /block_out_channels is more than the file has weights for/,
  ],
];
for (const [what, damage, code, message] of refused) {
  test(`a folder with ${what} is refused`, async () => {
    await cp(fixture("ddim"), folder, { recursive: true });
    await damage();
    const error = await rejection(loadDenoiser(folder));
    assert.match(error.message, message);
    assert.is(error.code, code);
  });
}

test("a file that is a pickle says how to convert it", async () => {
  const path = join(folder, "network-snapshot.pkl");
  await writeFile(path, Buffer.from([0x80, 4, 0x95, 1, 2, 3, 4, 5, 6, 7, 8]));
  assert.match(
    (await rejection(loadDenoiser(path))).message,
    /it is a pickle; docs\/weights\.md has a line of Python/,
  );
});

test.run();
