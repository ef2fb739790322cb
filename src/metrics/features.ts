import { check } from "../errors.js";
import { countRows } from "./points.js";

/** Features of images: rows of `dim` numbers. */
export interface Features {
  readonly values: Float32Array;
  readonly dim: number;
}

/** Any network that turns images [count, height, width, channels] in [-1, 1], of shape [height, width, channels] each, into rows of features. */
export type FeatureExtractor = (images: Float32Array, shape: readonly number[]) => Promise<Features>;

/** Images of this shape in `values`; at least `least`. */
export const countImages = (
  name: string,
  values: Float32Array,
  shape: readonly number[],
  least = 1,
): number => {
  check(Array.isArray(shape), "shape", shape, "[height, width, channels], of points [dim]");
  return countRows(
    name,
    values,
    shape.reduce((a, b) => a * b, 1),
    least,
  );
};
