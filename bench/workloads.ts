import * as tf from "@tensorflow/tfjs-core";
import { ect } from "../src/consistency/index.js";
import { denoising, edm } from "../src/diffusion/index.js";
import * as random from "../src/engine/random.js";
import type { Tensor } from "../src/engine/tensor.js";
import type * as tree from "../src/engine/tree.js";
import { alignedLoss, imageTransformations } from "../src/manifold/index.js";
import { flatten, functional, type Network, unet, vgg } from "../src/nn/index.js";
import { denseInit } from "../src/nn/initializers.js";
import { adam, type Method, method, radam } from "../src/optim/index.js";

/** A whole training step, forward, backward, optimizer and average, on one fixed batch; and what another library needs to do the same. */
export interface Workload {
  readonly name: string;
  readonly title: string;
  readonly method: Method;
  /** Examples of the fixed batch, flat. */
  readonly x: Float32Array;
  /** Names and shapes of the parameters; the start is `start()`. */
  readonly structure: tree.Structure<tree.Tree>;
  start(): Tensor;
  /** For a peer: which of its models, its arguments, and further frozen weights by name. */
  readonly peer: { readonly case: string; readonly config: object; frozen(): { [name: string]: tree.Tree } };
}

const learningRate = 1e-3;
const decay = 0.999;
const sigmaData = 0.5;
const key = random.key(1);

/** Initial weights with noise on top: layers that start as zero would make a comparison of first losses blind. */
const start = (model: { init(key: random.Key): Tensor; structure: { size: number } }) => (): Tensor =>
  tf.tidy(() =>
    tf.add(
      model.init(key),
      random.normal(random.foldIn(key, 7), model.structure.size).map((value) => 0.05 * value),
    ),
  );

/** (linear, SiLU) x hidden layers, linear. */
function perceptron(sizes: readonly number[]): Network<[x: Tensor], Tensor> {
  return {
    init: (key) => ({
      layers: sizes.slice(1).map((out, i) => denseInit(random.foldIn(key, i), sizes[i]!, out)),
    }),
    apply: (parameters, x) => {
      const { layers } = parameters as unknown as { layers: functional.Affine[] };
      return layers.reduce((h, layer, i) => functional.linear(i === 0 ? h : functional.silu(h), layer), x);
    },
  };
}

function mlp(width: number, count: number): Workload {
  const sizes = [3, width, width, width, width, 2];
  const model = flatten(perceptron(sizes));
  return {
    name: `mlp-${width}`,
    title: `MLP 3-4x${width}-2, batch ${count}, Adam`,
    structure: model.structure,
    start: start(model),
    x: random.normal(key, 3 * count),
    method: method({
      init: model.init,
      optimizer: adam(),
      learningRate,
      ema: decay,
      batch: (key, x) => ({
        x: tf.tensor2d(x, [count, 3]) as Tensor,
        y: tf.tensor2d(random.normal(key, 2 * count), [count, 2]) as Tensor,
      }),
      loss:
        (_parameters, { x, y }) =>
        (parameters) => ({ loss: tf.mean(tf.square(tf.sub(model.apply(parameters, x), y))), aux: {} }),
    }),
    peer: {
      case: "mlp",
      config: { sizes, optimizer: "adam", learning_rate: learningRate, ema: decay },
      frozen: () => ({}),
    },
  };
}

const image = { size: 16, inChannels: 1 };
const unetConfig = { ...image, channels: 32, multipliers: [1, 2, 2], blocks: 1, groups: 8 };
const peerUnet = { in_channels: 1, channels: 32, multipliers: [1, 2, 2], blocks: 1, groups: 8 };
const shape = [16, 16, 1];

function convolutional(count: number): Workload {
  const denoiser = edm.denoiser(unet(unetConfig), { sigmaData });
  return {
    name: `unet-${count}`,
    title: `U-Net 16x16, width 32, ${(denoiser.structure.size / 1e6).toFixed(2)} M parameters, batch ${count}, Adam`,
    structure: denoiser.structure,
    start: start(denoiser),
    x: random.normal(key, 256 * count),
    method: denoising({ denoiser, shape, optimizer: adam(), learningRate, ema: decay }),
    peer: {
      case: "denoising",
      config: {
        unet: peerUnet,
        sigma_data: sigmaData,
        optimizer: "adam",
        learning_rate: learningRate,
        ema: decay,
      },
      frozen: () => ({}),
    },
  };
}

function alignYourTangent(count: number): Workload {
  const denoiser = edm.denoiser(unet(unetConfig), { sigmaData });
  const labels = imageTransformations({ size: 16, channels: 1 }).labelNames.length;
  const network = vgg({ ...image, labels });
  const features = flatten(network);
  const weights = tf.keep(features.init(random.foldIn(key, 3)) as tf.Tensor);
  return {
    name: "ayt",
    title: `AYT: consistency step with MFD, features included, batch ${count}, RAdam`,
    structure: denoiser.structure,
    start: start(denoiser),
    x: random.normal(key, 256 * count),
    method: ect({
      denoiser,
      shape,
      loss: alignedLoss(features, weights),
      iterations: 1000,
      optimizer: radam(),
      learningRate,
      ema: decay,
    }),
    peer: {
      case: "ayt",
      config: {
        unet: peerUnet,
        vgg: { size: 16, in_channels: 1, labels, channels: [16, 32, 64] },
        sigma_data: sigmaData,
        optimizer: "radam",
        learning_rate: learningRate,
        ema: decay,
      },
      frozen: () => ({ features: features.structure.unravel(weights) }),
    },
  };
}

/** What `npm run bench` measures, by name. */
export const workloads: Readonly<Record<string, () => Workload>> = {
  "mlp-256": () => mlp(256, 256),
  "mlp-64": () => mlp(64, 64),
  "unet-16": () => convolutional(16),
  "unet-64": () => convolutional(64),
  ayt: () => alignYourTangent(16),
};

/** The batch of every step of every participant. */
export const fixedBatch = (workload: Workload) => workload.method.batch(random.foldIn(key, 5), workload.x, 0);
