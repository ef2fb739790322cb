import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as tf from "@tensorflow/tfjs-core";
import { test } from "uvu";
import { fromArray } from "../../datasets/index.js";
import * as diffusion from "../../src/diffusion/index.js";
import * as random from "../../src/engine/random.js";
import { edmAugmentation } from "../../src/manifold/index.js";
import * as nn from "../../src/nn/index.js";
import { circle, smallRun } from "../loop/runs.js";
import { trainingConfig } from "../training-config.js";
import { noCount, noOptions, noPositive, noSeed, noShape, testWrongCalls } from "../wrong-calls.js";

const folder = mkdtempSync(join(tmpdir(), "tangent-lab-wrong-"));
test.after(() => rmSync(folder, { recursive: true }));

const network = nn.mlp({ dim: 2, width: 4, depth: 1, frequencies: 1 });
const denoiser = diffusion.denoiser(network);
const parameters = denoiser.init(random.key(0));
const noModel = [...noOptions, {}, Promise.resolve()];
const noDenoiser = [...noOptions, {}, network];
const noNetwork = [null, 7, "mlp", {}, () => network];
/** For networks without such labels. */
const noAugment = [null, 7, "flip", {}, edmAugmentation({ size: 8, channels: 3 })];
const noTime = [...noOptions, {}, { mean: "0", std: 1 }, { mean: 0, std: -1 }];
const noLevels = [null, 80, "80", [], ["80"], [1, 2], [Number.NaN]];
const latent = tf.zeros([1, 2]);
const noTensor = [null, 7, [0, 0], {}];
const solver = (solve: typeof diffusion.euler) => ({
  call: (g: { [name: string]: never }) => solve(g.denoiser!, g.parameters!, g.latent!, g.sigmas!),
  valid: { denoiser, parameters, latent, sigmas: [80, 0] },
  wrong: {
    denoiser: noDenoiser,
    parameters: [...noTensor, tf.zeros([3])],
    latent: noTensor,
    sigmas: noLevels,
  },
});

testWrongCalls(
  diffusion,
  {
    train: {
      call: async ({ data, ...options }) => diffusion.train(data, options),
      valid: { data: circle, steps: 2 },
      wrong: {
        ...trainingConfig,
        data: [...noOptions, {}, Promise.resolve(circle)],
        ...{
          steps: noCount,
          batchSize: noCount,
          seed: noSeed,
          eventEvery: noCount,
          checkpointEvery: noCount,
        },
        ...{ checkpoint: [7, ""], resume: ["yes", true], signal: [7, "stop", {}], name: [7, null, {}] },
        ...{ network: noNetwork, preconditioning: ["vp", null], sigmaData: noPositive, time: noTime },
        ...{ classConditional: [true, "no"], augment: noAugment, epochs: [3] },
      },
    },
    denoiser: {
      call: ({ network, config, ...given }) =>
        diffusion.denoiser(network, config === undefined ? given : config),
      valid: { network },
      wrong: { network: noNetwork, sigmaData: noPositive, config: noOptions },
    },
    trigflow: {
      call: ({ network, config, ...given }) =>
        diffusion.trigflow(network, config === undefined ? given : config),
      valid: { network },
      wrong: { network: noNetwork, sigmaData: noPositive, config: noOptions },
    },
    consistencyFunction: {
      call: ({ network, config, ...given }) =>
        diffusion.consistencyFunction(network, config === undefined ? given : config),
      valid: { network },
      wrong: {
        ...{ network: noNetwork, sigmaData: noPositive, config: noOptions },
        schedule: [
          ...[...noOptions, { steps: 1 }, { min: 0 }, { min: 90 }, { max: "80" }],
          ...[{ rho: 0 }, { clip: 1 }],
        ],
      },
    },
    ddpm: {
      call: ({ network, config, ...given }) => diffusion.ddpm(network, config === undefined ? given : config),
      valid: { network },
      wrong: {
        ...{ network: noNetwork, sigmaData: noPositive, config: noOptions },
        schedule: [
          ...[...noOptions, { steps: 1 }, { steps: 1e9 }, { betas: "sigmoid" }, { start: 0 }],
          ...[{ end: 1 }, { end: 1e-5 }, { prediction: "score" }],
        ],
      },
    },
    denoising: {
      call: diffusion.denoising,
      valid: { denoiser, shape: [2] },
      wrong: {
        ...trainingConfig,
        denoiser: noDenoiser,
        shape: noShape,
        time: noTime,
        classes: ["3", 0, 1.5],
        augment: noAugment,
      },
    },
    pretrained: {
      call: ({ denoiser, parameters, ...options }) => diffusion.pretrained(denoiser, parameters, options),
      valid: { denoiser, parameters, shape: [2] },
      wrong: {
        ...{ denoiser: noDenoiser, parameters: [...noTensor, tf.zeros([3])], shape: noShape },
        ...{ classes: ["3", 0, 1.5, null], name: [7, null, {}], dataset: ["digits"] },
      },
    },
    generate: {
      call: ({ model, ...options }) => diffusion.generate(model, options),
      valid: async () => ({ model: await smallRun(), count: 2 }),
      wrong: {
        ...{ model: noModel, count: noCount, seed: noSeed, sampler: ["dpm", 7, null], steps: noCount },
        ...{ times: noLevels, labels: [[0, 1], "01"], batchSize: noCount, sigmas: [[1]] },
        churn: [7, { churn: 1 }],
      },
    },
    denoise: {
      call: ({ model, clean, ...options }) => diffusion.denoise(model, clean, options),
      valid: async () => ({ model: await smallRun(), clean: new Float32Array(4), sigma: 0.5 }),
      wrong: {
        model: noModel,
        clean: [null, "01", {}, new Float32Array(3), new Float32Array(2).fill(Number.NaN)],
        ...{ sigma: noPositive, seed: noSeed, labels: [[0, 1]], batchSize: noCount, sigmas: [[1]] },
      },
    },
    saveDenoiser: {
      call: ({ path, model }) => (path === "fine" ? undefined : diffusion.saveDenoiser(path, model)),
      valid: async () => ({ path: "fine", model: await smallRun() }),
      wrong: { path: [null, 7, ""] },
    },
    loadDenoiser: {
      call: ({ path }) => (path === "fine" ? undefined : diffusion.loadDenoiser(path)),
      valid: { path: "fine" },
      wrong: { path: [null, 7, ""] },
    },
    exportOnnx: {
      call: ({ path, model, ...options }) => diffusion.exportOnnx(path, model, options),
      valid: async () => ({ path: join(folder, "model.onnx"), model: await smallRun() }),
      wrong: {
        ...{ path: [null, 7, "", "model.safetensors"], model: noModel, batch: noCount, sigma: noPositive },
        steps: [2],
      },
    },
    karrasSigmas: {
      call: diffusion.karrasSigmas,
      valid: { steps: 3 },
      wrong: {
        ...{ steps: [...noCount, 1], min: ["0.1", 0, 90, Number.NaN, null], max: ["80", Number.NaN, null] },
        ...{ rho: noPositive, levels: [3] },
      },
    },
    euler: solver(diffusion.euler),
    heun: solver(diffusion.heun),
    stochastic: {
      call: diffusion.stochastic,
      valid: { churn: 1 },
      wrong: {
        ...{ churn: ["1", -1, Number.NaN, null], min: ["0", -1, 60, null], max: ["50", Number.NaN, null] },
        ...{ noise: ["1", -1, Number.NaN, null], steps: [3] },
      },
    },
    logNormal: {
      call: ({ key, count, time }) => diffusion.logNormal(key, count, time),
      valid: { key: random.key(0), count: 2, time: { mean: 0, std: 1 } },
      wrong: { key: [null, 7, [0]], time: noTime },
    },
    defaultNetwork: {
      call: ({ data, classes }) => diffusion.defaultNetwork(data, classes),
      valid: { data: circle },
      wrong: {
        data: [...noOptions, {}, { ...fromArray(new Float32Array(8), [2, 4, 1]), shape: [2, 4, 1] }],
        classes: ["3", -1, 1.5],
      },
    },
  },
  {
    addNoise: "arithmetic on tensors inside a step: TensorFlow.js names op and shapes",
    velocity: "arithmetic on tensors inside a step",
    eulerStep: "arithmetic on tensors inside a step",
    heunStep: "arithmetic on tensors inside a step",
    denoisingWeight: "arithmetic on tensors inside a step",
  },
);

test.run();
