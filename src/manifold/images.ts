import * as tf from "@tensorflow/tfjs-core";
import * as random from "../engine/random.js";
import type { Tensor } from "../engine/tensor.js";
import { check, required } from "../errors.js";
import { gaussianBlur } from "./blur.js";
import { colorMaps, inverseMaps } from "./matrices.js";
import {
  defaultStrengths,
  type ImageGroup,
  type ImageParameters,
  type ImageTransformation,
  imageGroups,
  imageKinds,
  imageTransformationNames,
  labelsOf,
  type TransformationStrengths,
} from "./parameters.js";
import {
  checkExamples,
  chosen,
  type Draws,
  labelTensor,
  mixup,
  scaleRows,
  sphere,
  type Transformations,
  type TransformationsConfig,
  withoutMiddle,
  withProbability,
} from "./transformations.js";
import { warp } from "./warp.js";

export { type ImageGroup, imageGroups } from "./parameters.js";

/** `groups` may name single transformations, too, such as "scale". */
export interface ImageTransformationsConfig
  extends TransformationsConfig<ImageGroup | ImageTransformation>,
    TransformationStrengths {
  /** Height and width. */
  size: number;
  channels: number;
}

/**
 * Transformations of images [count, size, size, channels] in [-1, 1], by default each with probability 0.15 (2510.00658), applied in this order. Labels:
 * geometric 7 (isotropic scale w, rotation cos a - 1 and sin a, anisotropic scale w cos r and w sin r, translation x and y), color 5 (brightness, contrast, hue
 * cos a - 1 and sin a, saturation), degradation 3 (the blur's standard deviation in pixels, weight of the mixed-in example, root mean square of the noise). All
 * without a unit are in standard deviations. Images that are not RGB have no hue and saturation, unless these are asked for by name; then they change nothing.
 * @throws TangentLabError `invalid-argument` for options out of range; when used, for a strength outside of [0, 1] and examples of another shape or count.
 */
export function imageTransformations(config: ImageTransformationsConfig): Transformations {
  required("config", config, "an object with size and channels");
  const { size, channels, probability = 0.15 } = config;
  const known = Object.keys(defaultStrengths(2));
  check.only("imageTransformations", config, ["size", "channels", "groups", "probability", ...known]);
  check.count("size", size, 2);
  check.count("channels", channels);
  const names = chosenImages(config);
  const strengths = strengthsOf(config);
  return withProbability(probability, {
    labelNames: names.flatMap((name) => imageKinds[name].labels),
    draw: (key, count, p) => {
      const drawn: { [name in ImageTransformation]?: Float32Array[] } = {};
      for (const name of names) {
        // By name, so that what one transformation draws does not depend on the choice of others.
        const keys = random.split(random.foldIn(key, imageTransformationNames.indexOf(name)), 4);
        drawn[name] = imageKinds[name].draw(keys, count, p, strengths);
      }
      if (drawn.mixup) drawn.mixup = drawn.mixup.map(withoutMiddle);
      const direction = sphere(
        random.foldIn(key, imageTransformationNames.length),
        drawn.noise ? count : 0,
        size * size * channels,
      );
      return imageDraws(config, drawn, count, direction);
    },
    apply: (x, draws) => {
      checkExamples(x, draws, [size, size, channels]);
      let y = x;
      if (draws.inverse) y = warp(y, draws.inverse);
      if (draws.color) y = recolor(y, draws.color);
      if (draws.blur) y = gaussianBlur(y, draws.blur, strengths.blurKernelSize);
      if (draws.mixup) y = mixup(y, draws.mixup);
      if (draws.noise) y = tf.add(y, draws.noise);
      return y;
    },
  });
}

/** The tensors of given parameters; `direction` is noise of root mean square 1, [count, size, size, channels], for those with noise. */
export function imageDraws(
  config: ImageTransformationsConfig,
  drawn: ImageParameters,
  count: number,
  direction: ArrayLike<number>,
): Draws {
  const { size, channels } = config;
  const strengths = strengthsOf(config);
  const names = imageTransformationNames.filter((name) => drawn[name]);
  const has = (group: ImageGroup): boolean => names.some((name) => imageKinds[name].group === group);
  const columns = names.flatMap((name) => labelsOf(name, drawn[name]!));
  const draws: { [name: string]: Tensor } = {};
  if (has("geometric"))
    draws.inverse = tf.tensor3d(inverseMaps(drawn, count, size, strengths), [count, 2, 3]);
  if (has("color"))
    draws.color = tf.tensor3d(colorMaps(drawn, count, channels, strengths), [count, channels + 1, channels]);
  if (drawn.gaussian_blur) draws.blur = tf.tensor1d(drawn.gaussian_blur[0]!);
  if (drawn.mixup) draws.mixup = tf.tensor1d(drawn.mixup[0]!);
  if (drawn.noise) {
    const noise = scaleRows(direction, size * size * channels, drawn.noise[0]!);
    draws.noise = tf.tensor4d(noise, [count, size, size, channels]);
  }
  return { ...draws, labels: labelTensor(columns, count) };
}

/** Pixels [N, H, W, C] through maps [N, C + 1, C], the last row of which is added. */
function recolor(images: Tensor, maps: Tensor): Tensor {
  const [n, h, w, c] = images.shape as [number, number, number, number];
  const matrix = tf.slice(maps, [0, 0, 0], [n, c, c]);
  const offset = tf.slice(maps, [0, c, 0], [n, 1, c]);
  return tf.reshape(tf.add(tf.matMul(tf.reshape(images, [n, h * w, c]), matrix), offset), [n, h, w, c]);
}

/** The chosen transformations in order. */
function chosenImages({ groups = imageGroups, channels }: ImageTransformationsConfig): ImageTransformation[] {
  const set = chosen([...imageGroups, ...imageTransformationNames], groups);
  const unseen = (name: ImageTransformation): boolean =>
    channels !== 3 && (name === "hue" || name === "saturation");
  return imageTransformationNames.filter(
    (name) => set.has(name) || (set.has(imageKinds[name].group) && !unseen(name)),
  );
}

/** The strengths, checked, with their defaults. */
function strengthsOf(config: ImageTransformationsConfig): Required<TransformationStrengths> {
  const strengths = defaultStrengths(config.size);
  for (const name of Object.keys(strengths) as (keyof TransformationStrengths)[]) {
    const { [name]: value = strengths[name] } = config;
    const fits = (ok: (value: number) => boolean, allowed: string): void =>
      check.number(name, value, ok, allowed);
    const share = name === "rotateFracMax" || name === "hueMax" || name === "anisoRotateProb";
    if (name === "blurKernelSize") fits((taps) => taps % 2 === 1 && taps > 0, "an odd number >= 1");
    else if (name === "mixupBeta") fits((beta) => beta > 0 && Number.isFinite(beta), "a finite number > 0");
    else fits((size) => size >= 0 && size <= (share ? 1 : Infinity), share ? "in [0, 1]" : ">= 0");
    strengths[name] = value;
  }
  return strengths;
}
