import * as tf from "@tensorflow/tfjs-core";
import { perExample } from "../diffusion/edm.js";
import * as random from "../engine/random.js";
import { check } from "../errors.js";
import { gaussianBlur } from "./blur.js";
import { mixup } from "./mixup.js";
import {
  checkProbability,
  chosen,
  mixupWeights,
  rows,
  sometimes,
  sphere,
  type Transformations,
  type TransformationsConfig,
} from "./transformations.js";
import { warp } from "./warp.js";

export const imageGroups = ["geometric", "color", "degradation"] as const;
export type ImageGroup = (typeof imageGroups)[number];

export interface ImageTransformationsConfig extends TransformationsConfig<ImageGroup> {
  /** Height and width. */
  size: number;
  channels: number;
  /** Standard deviation of the logarithm to base 2 of the isotropic and of the anisotropic scale. Default 0.2. */
  scaleStd?: number;
  /** Largest rotation as a share of a half turn, in [0, 1]. Default 1. */
  rotateMax?: number;
  /** Standard deviation of the translation as a share of the size. Default 0.125. */
  translateStd?: number;
  /** Default 0.2. */
  brightnessStd?: number;
  /** Standard deviation of the logarithm to base 2 of the contrast. Default 0.5. */
  contrastStd?: number;
  /** Largest standard deviation of the blur in pixels. Default a tenth of the size. */
  blurMax?: number;
  /** Largest root mean square of the noise. Default 0.5. */
  noiseMax?: number;
}

const labelNames: Record<ImageGroup, readonly string[]> = {
  geometric: ["scale", "rotation cos - 1", "rotation sin", "aniso cos", "aniso sin", "shift x", "shift y"],
  color: ["brightness", "contrast"],
  degradation: ["blur", "mixup", "noise"],
};

/**
 * Transformations of images [count, size, size, channels] in [-1, 1], by default each with probability 0.15 (2510.00658). Labels: geometric 7 (isotropic
 * scale w, rotation cos a - 1 and sin a, anisotropic scale w cos r and w sin r, translation x and y), color 2 (brightness, contrast), all in
 * standard deviations; degradation 3 (blur over its maximum, weight of the mixed-in example, size of the noise over its maximum).
 */
export function imageTransformations(config: ImageTransformationsConfig): Transformations {
  const { size, channels, probability = 0.15, brightnessStd = 0.2, contrastStd = 0.5 } = config;
  const { blurMax = size / 10, noiseMax = 0.5 } = config;
  check(Number.isInteger(size) && size >= 2, "size", size, "an integer >= 2");
  check(Number.isInteger(channels) && channels >= 1, "channels", channels, "an integer >= 1");
  checkProbability(probability);
  const groups = chosen(imageGroups, config.groups);
  return {
    labelNames: imageGroups.filter((group) => groups.has(group)).flatMap((group) => labelNames[group]),
    draw: (key, count, strength) => {
      checkProbability(probability, strength);
      const p = probability * strength;
      const [geometricKey, colorKey, degradationKey] = random.split(key, 3) as [
        random.Key,
        random.Key,
        random.Key,
      ];
      const columns: Float32Array[] = [];
      const draws: { [name: string]: tf.Tensor } = {};
      if (groups.has("geometric")) {
        const { inverse, labels } = drawGeometric(geometricKey, count, p, config);
        columns.push(...labels);
        draws.inverse = tf.tensor3d(inverse, [count, 2, 3]);
      }
      if (groups.has("color")) {
        const keys = random.split(colorKey, 4);
        const brightness = sometimes(keys[0]!, random.normal(keys[1]!, count), p);
        const contrast = sometimes(keys[2]!, random.normal(keys[3]!, count), p);
        columns.push(brightness, contrast);
        draws.offset = tf.tensor1d(brightness.map((z) => brightnessStd * z));
        draws.gain = tf.tensor1d(contrast.map((z) => 2 ** (contrastStd * z)));
      }
      if (groups.has("degradation")) {
        const keys = random.split(degradationKey, 7);
        const blur = sometimes(keys[0]!, random.uniform(keys[1]!, count), p);
        const weight = sometimes(keys[2]!, mixupWeights(keys[3]!, count), p);
        const noise = sometimes(keys[4]!, random.uniform(keys[5]!, count), p);
        columns.push(blur, weight, noise);
        draws.blur = tf.tensor1d(blur.map((share) => blurMax * share));
        draws.mixup = tf.tensor1d(weight);
        const dim = size * size * channels;
        draws.noise = tf.tensor4d(
          sphere(keys[6]!, count, dim).map((value, i) => value * noiseMax * noise[Math.floor(i / dim)]!),
          [count, size, size, channels],
        );
      }
      return { ...draws, labels: tf.tensor2d(rows(columns, count), [count, columns.length]) };
    },
    apply: (x, draws) => {
      let y = x;
      if (draws.inverse) y = warp(y, draws.inverse);
      if (draws.gain) y = tf.mul(y, perExample(draws.gain, y));
      if (draws.offset) y = tf.add(y, perExample(draws.offset, y));
      if (draws.blur) y = gaussianBlur(y, draws.blur);
      if (draws.mixup) y = mixup(y, draws.mixup);
      if (draws.noise) y = tf.add(y, draws.noise);
      return y;
    },
  };
}

/** Maps from output to input positions, [count, 2, 3], in pixels from the centre, and the seven label columns. */
function drawGeometric(
  key: random.Key,
  count: number,
  p: number,
  { size, scaleStd = 0.2, rotateMax = 1, translateStd = 0.125 }: ImageTransformationsConfig,
): { inverse: Float32Array; labels: Float32Array[] } {
  const keys = random.split(key, 11);
  const ones = new Float32Array(count).fill(1);
  const scale = sometimes(keys[0]!, random.normal(keys[1]!, count), p);
  const angle = sometimes(
    keys[2]!,
    random.uniform(keys[3]!, count, -Math.PI * rotateMax, Math.PI * rotateMax),
    p,
  );
  const aniso = sometimes(keys[4]!, random.normal(keys[5]!, count), p);
  // Half of the anisotropic scales keep the image's axes. An axis has no sign: over a full turn, labels would not tell w from -w.
  const axis = sometimes(keys[6]!, random.uniform(keys[7]!, count, -Math.PI / 2, Math.PI / 2), 0.5);
  const moved = sometimes(keys[8]!, ones, p);
  const shiftX = random.normal(keys[9]!, count).map((z, i) => z * moved[i]!);
  const shiftY = random.normal(keys[10]!, count).map((z, i) => z * moved[i]!);
  const inverse = new Float32Array(6 * count);
  for (let i = 0; i < count; i++) {
    // output = S R A input + shift, so input = A^-1 R^-1 S^-1 (output - shift)
    const stretch = 2 ** (scaleStd * aniso[i]!);
    const A = conjugate(1 / stretch, stretch, axis[i]!);
    const R = rotation(-angle[i]!);
    const shrink = 2 ** (-scaleStd * scale[i]!);
    const [a, b, c, d] = product(A, R).map((value) => value * shrink) as Matrix;
    const x = shiftX[i]! * translateStd * size;
    const y = shiftY[i]! * translateStd * size;
    inverse.set([a, b, -(a * x + b * y), c, d, -(c * x + d * y)], 6 * i);
  }
  return {
    inverse,
    labels: [
      scale,
      angle.map((a) => Math.cos(a) - 1),
      angle.map((a) => Math.sin(a)),
      aniso.map((w, i) => w * Math.cos(axis[i]!)),
      aniso.map((w, i) => w * Math.sin(axis[i]!)),
      shiftX,
      shiftY,
    ],
  };
}

/** A 2x2 matrix by rows. */
type Matrix = [number, number, number, number];

const rotation = (a: number): Matrix => [Math.cos(a), -Math.sin(a), Math.sin(a), Math.cos(a)];

const product = ([a, b, c, d]: Matrix, [e, f, g, h]: Matrix): Matrix => [
  a * e + b * g,
  a * f + b * h,
  c * e + d * g,
  c * f + d * h,
];

/** Scales u along an axis at angle r, and v across it. */
const conjugate = (u: number, v: number, r: number): Matrix =>
  product(product(rotation(r), [u, 0, 0, v]), rotation(-r));
