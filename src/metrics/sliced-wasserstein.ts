import * as random from "../engine/random.js";
import { check, required } from "../errors.js";
import { countRows } from "../loop/data.js";
import type { PointsConfig } from "./pairs.js";

/** Options of `slicedWasserstein`. */
export interface SlicedWassersteinConfig extends PointsConfig {
  /** Random directions. Default 128. */
  directions?: number;
  /** Seed of the directions. Default 0: the same directions every time, so that values over training are comparable. */
  seed?: number;
  /** 2: the root of the mean squared 2-Wasserstein distance; 1: the mean 1-Wasserstein distance. Default 2. */
  order?: 1 | 2;
}

/**
 * Sliced Wasserstein distance (Bonneel et al. 2015): the root of the mean, over directions on the unit sphere, of the squared 2-Wasserstein
 * distance of the projections; or of order 1. Rows of `dim` numbers, in the units of the data; the counts may differ.
 * @throws TangentLabError `invalid-argument` for empty, ragged or non-finite input.
 */
export function slicedWasserstein(x: Float32Array, y: Float32Array, config: SlicedWassersteinConfig): number {
  required("config", config, "an object with dim");
  check.only("slicedWasserstein", config, ["dim", "directions", "seed", "order"]);
  const { dim, directions = 128, seed = 0, order = 2 } = config;
  countRows("x", x, dim);
  countRows("y", y, dim);
  check.count("directions", directions);
  check(order === 1 || order === 2, "order", order, "1 or 2");
  const draws = random.normal(random.key(seed), directions * dim);
  let sum = 0;
  for (let i = 0; i < directions; i++) {
    const direction = draws.subarray(i * dim, (i + 1) * dim);
    const norm = Math.hypot(...direction);
    sum += quantileDifference(project(x, direction, norm), project(y, direction, norm), order);
  }
  return (sum / directions) ** (1 / order);
}

/** Sorted positions of the rows along a direction. */
function project(rows: Float32Array, direction: Float32Array, norm: number): Float64Array {
  const dim = direction.length;
  const out = new Float64Array(rows.length / dim);
  for (let i = 0; i < out.length; i++) {
    let sum = 0;
    for (let j = 0; j < dim; j++) sum += rows[i * dim + j]! * direction[j]!;
    out[i] = sum / norm;
  }
  return out.sort();
}

/** Integral over q in [0, 1] of the difference of the quantiles of two sorted samples, to the power of `order`. */
function quantileDifference(a: Float64Array, b: Float64Array, order: 1 | 2): number {
  let sum = 0;
  let from = 0;
  for (let i = 0, j = 0; i < a.length && j < b.length; ) {
    const [endA, endB] = [(i + 1) / a.length, (j + 1) / b.length];
    const to = Math.min(endA, endB);
    sum += (to - from) * Math.abs(a[i]! - b[j]!) ** order;
    from = to;
    if (endA <= to) i++;
    if (endB <= to) j++;
  }
  return sum;
}
