import * as tf from "@tensorflow/tfjs-core";
import { ect } from "../../src/consistency/index.js";
import { mfd } from "../../src/consistency/mfd.js";
import * as edm from "../../src/diffusion/edm.js";
import { denoising } from "../../src/diffusion/index.js";
import * as random from "../../src/engine/random.js";
import { imageTransformations } from "../../src/manifold/index.js";
import { convFeatures, flatten, unet } from "../../src/nn/index.js";
import { adam, radam } from "../../src/optim/index.js";
import { decay, key, learningRate, millions, sigmaData, start, training, type Workload } from "./workload.js";

const image = { size: 16, inChannels: 1 };
const unetConfig = { ...image, channels: 32, multipliers: [1, 2, 2], blocks: 1, groups: 8 };
const peerUnet = { in_channels: 1, channels: 32, multipliers: [1, 2, 2], blocks: 1, groups: 8 };
const shape = [16, 16, 1];

/** A denoiser's step. */
export function denoisingStep(count: number): Workload {
  const denoiser = edm.denoiser(unet(unetConfig), { sigmaData });
  return training({
    name: `unet-${count}`,
    title: `U-Net 16x16, width 32, ${millions(denoiser.structure)} M parameters, batch ${count}, Adam`,
    small: true,
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
    },
  });
}

/** Align Your Tangent's step on digits: two passes of the denoiser, three of the features. */
export function mfdStep(count: number): Workload {
  const denoiser = edm.denoiser(unet(unetConfig), { sigmaData });
  const labels = imageTransformations({ size: 16, channels: 1 }).labelNames.length;
  const network = convFeatures({ ...image, labels });
  const features = flatten(network);
  const weights = tf.keep(features.init(random.foldIn(key, 3)) as tf.Tensor);
  return training({
    name: "ayt",
    title: `AYT: consistency step with MFD, features included, batch ${count}, RAdam`,
    small: true,
    structure: denoiser.structure,
    start: start(denoiser),
    x: random.normal(key, 256 * count),
    method: ect().method({
      denoiser,
      shape,
      loss: mfd({ model: features, parameters: weights }),
      iterations: 1000,
      optimizer: radam(),
      learningRate,
      ema: decay,
    }),
    peer: {
      case: "ayt",
      config: {
        unet: peerUnet,
        conv_features: { size: 16, in_channels: 1, labels, channels: [16, 32, 64] },
        sigma_data: sigmaData,
        optimizer: "radam",
        learning_rate: learningRate,
        ema: decay,
      },
      frozen: () => ({ features: features.structure.unravel(weights) }),
    },
  });
}
