import * as tf from "@tensorflow/tfjs-core";
import type { Tensor } from "../engine/tensor.js";
import { check, required, TangentLabError } from "../errors.js";
import { asFloat32, type StoredArray } from "../io/safetensors.js";
import type { Context } from "../optim/method.js";
import type { ConsistencyLoss } from "./losses.js";
import { checkImages, perceptual } from "./perceptual.js";

/** VGG16's convolutions by stage; a number is the convolution's place in torchvision's `features`, ReLUs and poolings counted. */
const VGG16 = [
  [0, 2],
  [5, 7],
  [10, 12, 14],
  [17, 19, 21],
  [24, 26, 28],
] as const;

/** Mean and deviation of ImageNet for images in [-1, 1], as published with LPIPS. */
const SHIFT = [-0.03, -0.088, -0.188];
const SCALE = [0.458, 0.448, 0.45];

/** Pixels that four halvings leave one of. */
const LEAST = 16;

/** Options of `lpips`. */
export interface LpipsConfig {
  /** Images are resized to so many pixels first, bilinearly. Default as they are; at least 16. */
  size?: number;
}

/**
 * LPIPS with VGG16 (Zhang et al., 1801.03924), from its published weights: `net.slice1.0.weight` ... `net.slice5.28.bias`, or torchvision's `features.0.weight`
 * ..., and `lin0.model.1.weight` ... `lin4.model.1.weight` [1, channels, 1, 1], as `readSafetensors` gives them. Channel counts are the weights' own. Images
 * [batch, h, w, 1 or 3] in [-1, 1].
 * @throws TangentLabError `invalid-data` naming a weight that is missing or of a wrong shape, `invalid-argument` for a size below 16; when used,
 * `invalid-argument` for points, other channels and images smaller than 16 pixels.
 */
export function lpips(
  arrays: Readonly<Record<string, StoredArray>>,
  { size }: LpipsConfig = {},
): ConsistencyLoss {
  required("arrays", arrays, "tensors by name, such as (await readSafetensors(path)).tensors");
  check(
    size === undefined || (Number.isInteger(size) && size >= LEAST),
    "size",
    size,
    `an integer >= ${LEAST}`,
  );
  const context: Record<string, Tensor> = {};
  let channels = 3;
  VGG16.forEach((places, stage) => {
    for (const place of places) {
      const at = [`net.slice${stage + 1}.${place}`, `features.${place}`];
      const weight = find(arrays, at, "weight", (shape) => shape.length === 4 && shape[1] === channels);
      channels = weight.shape[0]!;
      const bias = find(arrays, at, "bias", (shape) => `${shape}` === `${channels}`);
      context[`lpips.${place}.weight`] = tf.tidy(() => tf.transpose(tensor(weight), [2, 3, 1, 0]));
      context[`lpips.${place}.bias`] = tensor(bias);
    }
    const names = [`lin${stage}.model.1`, `lins.${stage}.model.1`];
    const linear = find(arrays, names, "weight", (shape) => `${shape}` === `1,${channels},1,1`);
    context[`lpips.lin${stage}`] = tf.tidy(() => tf.relu(tf.reshape(tensor(linear), [channels])));
  });
  return perceptual(
    "LPIPS (VGG16)",
    (x, context) => {
      checkImages(x, "LPIPS", [1, 3]);
      return stages(resized(x, size), context);
    },
    context,
    (context) => VGG16.map((_, stage) => context[`lpips.lin${stage}`]!),
  );
}

function stages(x: Tensor, context: Context): Tensor[] {
  const [height = 0, width = 0] = x.shape.slice(1);
  check(
    Math.min(height, width) >= LEAST,
    "distance",
    `LPIPS of ${height} x ${width} pixels`,
    `at least ${LEAST} x ${LEAST}: lpips(arrays, { size: 32 }) resizes them first`,
  );
  const colour = x.shape[3] === 1 ? tf.tile(x, [1, 1, 1, 3]) : x;
  let h: Tensor = tf.div(tf.sub(colour, tf.tensor1d(SHIFT)), tf.tensor1d(SCALE));
  return VGG16.map((places, stage) => {
    if (stage > 0) h = tf.maxPool(h as tf.Tensor4D, 2, 2, "valid");
    for (const place of places) {
      const weight = context[`lpips.${place}.weight`] as tf.Tensor4D;
      const convolved = tf.conv2d(h as tf.Tensor4D, weight, 1, "same");
      h = tf.relu(tf.add(convolved, context[`lpips.${place}.bias`]!));
    }
    return h;
  });
}

const resized = (x: Tensor, size: number | undefined): Tensor =>
  size === undefined ? x : tf.image.resizeBilinear(x as tf.Tensor4D, [size, size], false, true);

const tensor = ({ data, shape }: StoredArray): tf.Tensor => tf.tensor(asFloat32(data), shape as number[]);

function find(
  arrays: Readonly<Record<string, StoredArray>>,
  modules: readonly string[],
  part: "weight" | "bias",
  fits: (shape: readonly number[]) => boolean,
): StoredArray {
  const names = modules.map((module) => `${module}.${part}`);
  const array = names.map((name) => arrays[name]).find(Boolean);
  if (array && fits(array.shape)) return array;
  throw new TangentLabError("invalid-data", `these are not LPIPS's weights: ${names[0]}`, {
    argument: names[0]!,
    given: array ? `[${array.shape}]` : "nothing",
    allowed: `the published tensor, also as ${names[1]}`,
  });
}
