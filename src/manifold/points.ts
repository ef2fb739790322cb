import * as tf from "@tensorflow/tfjs-core";
import { perExample } from "../diffusion/edm.js";
import * as random from "../engine/random.js";
import { check, required } from "../errors.js";
import {
  checkExamples,
  chosen,
  labelTensor,
  mixup,
  scaleRows,
  sometimes,
  sphere,
  type Transformations,
  type TransformationsConfig,
  withoutMiddle,
  withProbability,
} from "./transformations.js";

/** Groups of point transformations: see `pointTransformations`. */
export const pointGroups = ["scale", "shift", "mixup", "noise"] as const;
/** A group of transformations of points, one of `pointGroups`. */
export type PointGroup = (typeof pointGroups)[number];

/** Options of `pointTransformations`. */
export interface PointTransformationsConfig extends TransformationsConfig<PointGroup> {
  /** Dimension of the points. */
  dim: number;
  /** Standard deviation of the logarithm to base 2 of the scale. Default 0.2. */
  scaleStd?: number;
  /** Standard deviation of the shift in each dimension. Default 0.25. */
  shiftStd?: number;
  /** Largest root mean square of the noise. Default 0.5. */
  noiseMax?: number;
}

/**
 * Transformations of points [count, dim], by default each with probability 0.5. Labels: scale (in standard deviations), shift (dim of them, alike), weight of
 * the mixed-in example, size of the noise over its maximum.
 * @throws TangentLabError `invalid-argument` for options out of range; when used, for a strength outside of [0, 1] and examples of another shape or count.
 */
export function pointTransformations(config: PointTransformationsConfig): Transformations {
  required("config", config, "an object with dim");
  const { dim, probability = 0.5, scaleStd = 0.2, shiftStd = 0.25, noiseMax = 0.5 } = config;
  check.only("pointTransformations", config, [
    ...["dim", "groups", "probability", "scaleStd", "shiftStd", "noiseMax"],
  ]);
  check.count("dim", dim);
  for (const [name, value] of Object.entries({ scaleStd, shiftStd, noiseMax }))
    check(value >= 0 && Number.isFinite(value), name, value, "a finite number >= 0");
  const groups = chosen(pointGroups, config.groups);
  const names: Record<PointGroup, string[]> = {
    scale: ["scale"],
    shift: Array.from({ length: dim }, (_, i) => `shift ${i}`),
    mixup: ["mixup"],
    noise: ["noise"],
  };
  return withProbability(probability, {
    labelNames: pointGroups.filter((group) => groups.has(group)).flatMap((group) => names[group]),
    draw: (key, count, p) => {
      const keys = random.split(key, 8);
      const columns: Float32Array[] = [];
      const draws: { [name: string]: tf.Tensor } = {};
      if (groups.has("scale")) {
        const z = sometimes(keys[0], random.normal(keys[1], count), p);
        columns.push(z);
        draws.scale = tf.tensor1d(z.map((value) => 2 ** (scaleStd * value)));
      }
      if (groups.has("shift")) {
        const on = sometimes(keys[2], new Float32Array(count).fill(1), p);
        const z = scaleRows(random.normal(keys[3], count * dim), dim, on);
        for (let j = 0; j < dim; j++) columns.push(on.map((_, i) => z[i * dim + j]!));
        draws.shift = tf.tensor2d(
          z.map((value) => value * shiftStd),
          [count, dim],
        );
      }
      if (groups.has("mixup")) {
        const weight = withoutMiddle(sometimes(keys[4], random.uniform(keys[5], count, 0, 0.25), p));
        columns.push(weight);
        draws.mixup = tf.tensor1d(weight);
      }
      if (groups.has("noise")) {
        const [sizeKey, directionKey] = random.split(keys[7]);
        const size = sometimes(keys[6], random.uniform(sizeKey, count), p);
        columns.push(size);
        const rms = size.map((value) => noiseMax * value);
        draws.noise = tf.tensor2d(scaleRows(sphere(directionKey, count, dim), dim, rms), [count, dim]);
      }
      return { ...draws, labels: labelTensor(columns, count) };
    },
    apply: (x, draws) => {
      checkExamples(x, draws, [dim]);
      let y = x;
      if (draws.scale) y = tf.mul(y, perExample(draws.scale, y));
      if (draws.shift) y = tf.add(y, draws.shift);
      if (draws.mixup) y = mixup(y, draws.mixup);
      if (draws.noise) y = tf.add(y, draws.noise);
      return y;
    },
  });
}
