import * as random from "../engine/random.js";
import { sometimes } from "./transformations.js";

/** The strengths that transformations are drawn with. */
export interface TransformationStrengths {
  /** Standard deviation of the logarithm to base 2 of the isotropic scale. Default 0.2. */
  scaleStd?: number;
  /** Largest rotation as a share of a half turn, in [0, 1]. Default 1. */
  rotateFracMax?: number;
  /** Standard deviation of the logarithm to base 2 of the anisotropic scale. Default 0.2. */
  anisoStd?: number;
  /** Probability that an anisotropic scale's axis is any, not the horizontal one. Default 0.5. */
  anisoRotateProb?: number;
  /** Standard deviation of the translation as a share of the size. Default 0.125. */
  translateFracStd?: number;
  /** Default 0.2. */
  brightnessStd?: number;
  /** Standard deviation of the logarithm to base 2 of the contrast. Default 0.5. */
  contrastStd?: number;
  /** Largest turn of the hue as a share of a half turn, in [0, 1]. Default 1. */
  hueMax?: number;
  /** Standard deviation of the logarithm to base 2 of the saturation. Default 1. */
  saturationStd?: number;
  /** Taps of the blur's window, odd. Default 11 at 32 pixels, in proportion at other sizes. */
  blurKernelSize?: number;
  /** Largest standard deviation of the blur in pixels. Default 3 at 32 pixels, in proportion at other sizes. */
  blurSigmaMax?: number;
  /** Another example is mixed in with a weight of Beta(1, mixupBeta) / 2. Default 3, whose mean is 1/8. */
  mixupBeta?: number;
  /** Largest root mean square of the noise. Default 0.5. */
  noiseStd?: number;
}

/** The published strengths (2510.00658), for images of this height and width. */
export const defaultStrengths = (size: number): Required<TransformationStrengths> => ({
  scaleStd: 0.2,
  rotateFracMax: 1,
  anisoStd: 0.2,
  anisoRotateProb: 0.5,
  translateFracStd: 0.125,
  brightnessStd: 0.2,
  contrastStd: 0.5,
  hueMax: 1,
  saturationStd: 1,
  // Published in pixels, for 32 of them.
  blurKernelSize: 1 + 2 * Math.ceil((5 * size) / 32),
  blurSigmaMax: (3 * size) / 32,
  mixupBeta: 3,
  noiseStd: 0.5,
});

/** Groups of image transformations (2510.00658): see `imageTransformations`. */
export const imageGroups = ["geometric", "color", "degradation"] as const;
/** A group of transformations of images, one of `imageGroups`. */
export type ImageGroup = (typeof imageGroups)[number];

/** One kind of transformation of images: what is drawn for it, and the labels of what was drawn. */
interface Kind {
  readonly group: ImageGroup;
  readonly labels: readonly string[];
  /** Parameters, each [count], 0 where the transformation is not applied (with probability 1 - p). */
  draw(keys: readonly random.Key[], count: number, p: number, s: Required<TransformationStrengths>): Columns;
  /** The labels of one example's parameters; of zeros, zeros. */
  encode(...parameters: number[]): number[];
  /** Parameters that have these labels. */
  decode(...labels: number[]): number[];
}

type Columns = Float32Array[];

/** One parameter drawn from a standard normal distribution, its own label. */
const gaussian = (group: ImageGroup, label: string): Kind => ({
  group,
  labels: [label],
  draw: ([on, value], count, p) => [sometimes(on!, random.normal(value!, count), p)],
  encode: (w) => [w!],
  decode: (w) => [w!],
});

/** A parameter spread evenly from 0 to a largest value, its own label. */
const share = (label: string, largest: (s: Required<TransformationStrengths>) => number): Kind => ({
  ...gaussian("degradation", label),
  draw: ([on, value], count, p, s) => [sometimes(on!, random.uniform(value!, count, 0, largest(s)), p)],
});

/** A weight of Beta(1, b) / 2: of the distribution function 1 - (1 - x)^b the inverse at a uniform number. */
const mixup: Kind = {
  ...gaussian("degradation", "mixup"),
  draw: ([on, value], count, p, { mixupBeta }) => {
    const weights = random.uniform(value!, count).map((u) => 0.5 * (1 - (1 - u) ** (1 / mixupBeta)));
    return [sometimes(on!, weights, p)];
  },
};

/** An angle a, labelled cos a - 1 and sin a. */
const angle = (
  group: ImageGroup,
  name: string,
  largest: (s: Required<TransformationStrengths>) => number,
): Kind => ({
  group,
  labels: [`${name} cos - 1`, `${name} sin`],
  draw: ([on, value], count, p, s) => {
    const half = Math.PI * largest(s);
    return [sometimes(on!, random.uniform(value!, count, -half, half), p)];
  },
  encode: (a) => [Math.cos(a!) - 1, Math.sin(a!)],
  decode: (cos, sin) => [Math.atan2(sin!, cos! + 1)],
});

const aniso: Kind = {
  group: "geometric",
  labels: ["aniso cos", "aniso sin"],
  draw: ([on, value, turned, axis], count, p, { anisoRotateProb }) => [
    sometimes(on!, random.normal(value!, count), p),
    // An axis has no sign: over a full turn, labels would not tell w from -w.
    sometimes(turned!, random.uniform(axis!, count, -Math.PI / 2, Math.PI / 2), anisoRotateProb),
  ],
  encode: (w, r) => [w! * Math.cos(r!), w! * Math.sin(r!)],
  decode: (cos, sin) => [Math.hypot(cos!, sin!), Math.atan2(sin!, cos!)],
};

const translation: Kind = {
  group: "geometric",
  labels: ["shift x", "shift y"],
  draw: ([on, x, y], count, p) =>
    // The same key: either both are moved, or none.
    [sometimes(on!, random.normal(x!, count), p), sometimes(on!, random.normal(y!, count), p)],
  encode: (x, y) => [x!, y!],
  decode: (x, y) => [x!, y!],
};

/** All kinds, in the order they are applied and labelled in, by their published names. */
export const imageKinds = {
  scale: gaussian("geometric", "scale"),
  rotate_frac: angle("geometric", "rotation", (s) => s.rotateFracMax),
  aniso,
  translate_frac: translation,
  brightness: gaussian("color", "brightness"),
  contrast: gaussian("color", "contrast"),
  hue: angle("color", "hue", (s) => s.hueMax),
  saturation: gaussian("color", "saturation"),
  gaussian_blur: share("blur", (s) => s.blurSigmaMax),
  mixup,
  noise: share("noise", (s) => s.noiseStd),
} as const satisfies Record<string, Kind>;

export type ImageTransformation = keyof typeof imageKinds;
export const imageTransformationNames = Object.keys(imageKinds) as ImageTransformation[];

/** What is drawn of each kind, each column [count]: w; angle; w and axis; x and y; w; w; angle; w; sigma; weight; root mean square. */
export type ImageParameters = { readonly [name in ImageTransformation]?: readonly Float32Array[] };

/** The parameters with these labels, rows of [count, labels], of the given kinds in order. */
export function parametersOf(
  names: readonly ImageTransformation[],
  labels: readonly (readonly number[])[],
): ImageParameters {
  let start = 0;
  const entries = names.map((name) => {
    const kind: Kind = imageKinds[name];
    const end = start + kind.labels.length;
    const rows = labels.map((row) => kind.decode(...row.slice(start, end)));
    start = end;
    return [name, (rows[0] ?? []).map((_, j) => Float32Array.from(rows, (row) => row[j]!))];
  });
  return Object.fromEntries(entries) as ImageParameters;
}

/** The labels of one kind's parameters, as columns [count]. */
export function labelsOf(name: ImageTransformation, parameters: readonly Float32Array[]): Float32Array[] {
  const kind: Kind = imageKinds[name];
  const rows = Array.from(parameters[0]!, (_, i) => kind.encode(...parameters.map((column) => column[i]!)));
  return kind.labels.map((_, j) => Float32Array.from(rows, (row) => row[j]!));
}
