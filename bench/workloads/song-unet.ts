import * as tf from "@tensorflow/tfjs-core";
import { ect, l2, sct } from "../../src/consistency/index.js";
import { mfd } from "../../src/consistency/mfd.js";
import * as edm from "../../src/diffusion/edm.js";
import { heunStep } from "../../src/diffusion/index.js";
import * as random from "../../src/engine/random.js";
import type { Tensor } from "../../src/engine/tensor.js";
import { flatten, songUnet, type VggBlocks, vggFeatures } from "../../src/nn/index.js";
import { radam } from "../../src/optim/index.js";
import { decay, key, learningRate, millions, sigmaData, start, training, type Workload } from "./workload.js";

/** An image size, a width and what goes with them. */
interface Scale {
  readonly size: number;
  readonly inChannels: number;
  readonly channels: number;
  readonly multipliers: readonly number[];
  readonly blocks: number;
  readonly attentionSizes: readonly number[];
  readonly features: VggBlocks;
}

/** As CIFAR-10's images. */
const colour: Scale = {
  size: 32,
  inChannels: 3,
  channels: 64,
  multipliers: [1, 2, 2],
  blocks: 2,
  attentionSizes: [16],
  features: [32, "M", 64, "M", 128, "M"],
};

/** As small digits. */
const grey: Scale = {
  size: 16,
  inChannels: 1,
  channels: 32,
  multipliers: [1, 2, 2],
  blocks: 1,
  attentionSizes: [8],
  features: [16, "M", 32, "M", 64, "M"],
};

const labels = 15;
const count = 16;

function network({ features: _, ...scale }: Scale) {
  const config = { ...scale, dropout: 0 };
  const denoiser = edm.denoiser(songUnet(config), { sigmaData });
  const peer = {
    size: scale.size,
    in_channels: scale.inChannels,
    channels: scale.channels,
    multipliers: scale.multipliers,
    blocks: scale.blocks,
    attention_sizes: scale.attentionSizes,
  };
  const shape = [scale.size, scale.size, scale.inChannels];
  return { denoiser, peer, shape, x: random.normal(key, count * scale.size ** 2 * scale.inChannels) };
}

/** Align Your Tangent's step with EDM's network and a VGG with batch normalization. */
function mfdOn(name: string, scale: Scale): Workload {
  const { denoiser, peer, shape, x } = network(scale);
  const { size, inChannels, features: blocks } = scale;
  const features = flatten(vggFeatures({ size, inChannels, labels, blocks }));
  const weights = tf.keep(features.init(random.foldIn(key, 3)) as tf.Tensor);
  return training({
    name,
    title: `AYT: EDM's U-Net ${size}x${size}x${inChannels}, width ${scale.channels}, ${millions(denoiser.structure)} M parameters, batch ${count}, RAdam`,
    structure: denoiser.structure,
    start: start(denoiser, 0.02),
    x,
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
        song_unet: peer,
        vgg_features: { size, in_channels: inChannels, blocks },
        sigma_data: sigmaData,
        optimizer: "radam",
        learning_rate: learningRate,
        ema: decay,
      },
      frozen: () => ({ features: features.structure.unravel(weights) }),
    },
  });
}

export const mfdColour = (): Workload => mfdOn("ayt-song-32", colour);
export const mfdGrey = (): Workload => mfdOn("ayt-song-16", grey);

/** Consistency training in continuous time: the tangent is a Jacobian-vector product. */
export function continuousStep(): Workload {
  const { denoiser, peer, shape, x } = network(grey);
  return training({
    name: "jvp",
    title: `Continuous time (JVP): EDM's U-Net 16x16x1, width 32, ${millions(denoiser.structure)} M parameters, batch ${count}, RAdam`,
    structure: denoiser.structure,
    start: start(denoiser, 0.02),
    x,
    method: sct().method({
      denoiser,
      shape,
      loss: l2(),
      iterations: 1000,
      optimizer: radam(),
      learningRate,
      ema: decay,
    }),
    peer: {
      case: "continuous",
      config: {
        song_unet: peer,
        sigma_data: sigmaData,
        normalization: 0.1,
        optimizer: "radam",
        learning_rate: learningRate,
        ema: decay,
      },
    },
  });
}

/** One of the Heun steps by which 16 images are drawn: two evaluations of a trained network, which is constant. */
export function heunSampling(): Workload {
  const { denoiser, peer, shape, x } = network(colour);
  const [t, r] = [2, 1.5];
  const parameters = start(denoiser, 0.02);
  const image = (): Tensor => tf.tensor(x, [count, ...shape]);
  return {
    name: "heun",
    title: `Sampling: one Heun step of EDM's U-Net ${colour.size}x${colour.size}x${colour.inChannels}, ${millions(denoiser.structure)} M parameters, ${count} images`,
    step: (state, batch) => {
      const { x, parameters } = state as { x: Tensor; parameters: Tensor };
      const { t, r } = batch as { t: Tensor; r: Tensor };
      const next = heunStep((x, t) => denoiser.apply(parameters, x, t), x, t, r);
      return {
        state: { x: next, parameters: tf.clone(parameters) },
        metrics: { loss: tf.mean(tf.square(next)) },
      };
    },
    state: () => ({ x: image(), parameters: parameters() }),
    batch: () => ({ t: tf.fill([count], t) as Tensor, r: tf.fill([count], r) as Tensor }),
    parameters: 0,
    peer: {
      case: "heun",
      config: { song_unet: peer, sigma_data: sigmaData },
      tensors: () => ({ weights: denoiser.structure.unravel(parameters()), x: image() }),
    },
  };
}
