import * as tf from "@tensorflow/tfjs-core";
import type { Key } from "../../engine/random.js";
import * as random from "../../engine/random.js";
import type { Tensor } from "../../engine/tensor.js";
import type { Tree } from "../../engine/tree.js";
import { classLabelsOf } from "../classes.js";
import { type Affine, linear, silu } from "../functional.js";
import { xavierInit, xavierWeight } from "../initializers.js";
import type { Condition } from "../network.js";
import { frozen, waves } from "../waves.js";
import type { SongUnetConfig } from "./config.js";

/** Name of the mask [batch, 1] that takes class labels away. */
export const CLASS_MASK = "classLabels";

type EmbeddingParameters = {
  readonly map_noise?: { readonly freqs: Tensor };
  readonly map_label?: Affine;
  readonly map_augment?: { readonly weight: Tensor };
  readonly map_layer0: Affine;
  readonly map_layer1: Affine;
};

const noiseChannels = ({ channels, noiseMultiplier }: Required<SongUnetConfig>): number =>
  channels * noiseMultiplier;

export function embeddingInit(next: () => Key, config: Required<SongUnetConfig>): { [name: string]: Tree } {
  const { channels, classes, augmentLabels, embedding } = config;
  const noise = noiseChannels(config);
  const hidden = channels * config.embeddingMultiplier;
  const freqs = (): Tensor => tf.tensor1d(random.normal(next(), noise / 2).map((value) => 16 * value));
  return {
    ...(embedding === "fourier" && { map_noise: { freqs: freqs() } }),
    ...(classes > 0 && { map_label: xavierInit(next(), [classes, noise]) }),
    ...(augmentLabels > 0 && { map_augment: { weight: xavierWeight(next(), [augmentLabels, noise]) } }),
    map_layer0: xavierInit(next(), [noise, hidden]),
    map_layer1: xavierInit(next(), [hidden, hidden]),
  };
}

/** What every block gets [N, channels * embeddingMultiplier]: noise level c [N], class and augmentation. */
export function embeddingApply(
  parameters: Tree,
  c: Tensor,
  condition: Condition,
  config: Required<SongUnetConfig>,
): Tensor {
  const p = parameters as EmbeddingParameters;
  const { augmentLabels, masks } = condition;
  const classLabels = classLabelsOf(condition, config.classes);
  let e = p.map_noise ? fourier(c, p.map_noise.freqs) : positional(c, noiseChannels(config));
  if (p.map_label && classLabels) {
    const mask = masks?.[CLASS_MASK];
    const labels = mask ? tf.mul(classLabels, mask) : classLabels;
    e = tf.add(e, linear(tf.mul(labels, Math.sqrt(config.classes)), p.map_label));
  } else if (p.map_label) e = tf.add(e, p.map_label.bias); // as if the labels were zeros
  if (p.map_augment && augmentLabels) e = tf.add(e, tf.matMul(augmentLabels, p.map_augment.weight));
  return silu(linear(silu(linear(e, p.map_layer0)), p.map_layer1));
}

/** Sines and cosines of c [N] at frequencies falling from 1 to 1/10000: [N, channels]. */
function positional(c: Tensor, channels: number): Tensor {
  const half = channels / 2;
  const freqs = Float32Array.from({ length: half }, (_, i) => 1e-4 ** (i / (half - 1)));
  return waves(c, tf.tensor2d(freqs, [1, half]));
}

/** The same at random frequencies, which are not trained. */
const fourier = (c: Tensor, freqs: Tensor): Tensor =>
  waves(c, tf.reshape(tf.mul(frozen(freqs), 2 * Math.PI), [1, -1]));
