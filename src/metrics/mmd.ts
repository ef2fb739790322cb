import { check, required } from "../errors.js";
import { countRows } from "../loop/data.js";
import type { PointsConfig } from "./pairs.js";
import { eachSquaredDistance, eachSquaredDistanceWithin, meanRow } from "./pairs.js";

/** Options of `mmd`. */
export interface MmdConfig extends PointsConfig {
  /**
   * Bandwidths s of the kernels exp(-|x - y|^2 / (2 s^2)), which are averaged. Default 1/4, 1/2, 1, 2 and 4 times the median distance within
   * `reference`: give them where values from different references are compared.
   */
  bandwidths?: readonly number[];
}

/**
 * Squared maximum mean discrepancy (Gretton et al. 2012) with a mean of Gaussian kernels, by the unbiased estimate. Its mean is 0 for equal distributions, so
 * that it may be slightly negative. Rows of `dim` numbers, at least two each.
 * @throws TangentLabError `invalid-argument` for too few, ragged or non-finite rows, or bandwidths <= 0.
 */
export function mmd(samples: Float32Array, reference: Float32Array, config: MmdConfig): number {
  required("config", config, "an object with dim");
  check.only("mmd", config, ["dim", "bandwidths"]);
  const { dim, bandwidths } = config;
  countRows("samples", samples, dim, 2);
  countRows("reference", reference, dim, 2);
  const widths =
    bandwidths !== undefined
      ? bandwidths
      : [0.25, 0.5, 1, 2, 4].map((factor) => factor * medianDistance(reference, dim));
  check(
    Array.isArray(widths) &&
      widths.length > 0 &&
      widths.every((width) => width > 0 && Number.isFinite(width)),
    "bandwidths",
    widths,
    "one or more finite numbers > 0 (the default needs a reference of different rows)",
  );
  const scales = widths.map((width) => -1 / (2 * width ** 2));
  const kernel = (squared: number): number =>
    scales.reduce((sum, scale) => sum + Math.exp(scale * squared), 0) / scales.length;
  return (
    meanWithin(samples, dim, kernel) +
    meanWithin(reference, dim, kernel) -
    2 * meanBetween(samples, reference, dim, kernel)
  );
}

/**
 * Energy distance 2 E|X - Y| - E|X - X'| - E|Y - Y'| (Székely and Rizzo 2013), the MMD of the kernel -|x - y|, by the unbiased estimate: no bandwidth to
 * choose. Rows of `dim` numbers, at least two each.
 * @throws TangentLabError `invalid-argument` for too few, ragged or non-finite rows.
 */
export function energyDistance(samples: Float32Array, reference: Float32Array, config: PointsConfig): number {
  const { dim } = required("config", config, "an object with dim");
  check.only("energyDistance", config, ["dim"]);
  countRows("samples", samples, dim, 2);
  countRows("reference", reference, dim, 2);
  return (
    2 * meanBetween(samples, reference, dim, Math.sqrt) -
    meanWithin(samples, dim, Math.sqrt) -
    meanWithin(reference, dim, Math.sqrt)
  );
}

type OfSquaredDistance = (squared: number) => number;

/** Mean over all pairs of one row of each. */
function meanBetween(x: Float32Array, y: Float32Array, dim: number, f: OfSquaredDistance): number {
  let sum = 0;
  eachSquaredDistance(x, y, dim, meanRow(y, dim), (_i, _j, squared) => {
    sum += f(squared);
  });
  return sum / ((x.length / dim) * (y.length / dim));
}

/** Mean over all pairs of different rows. */
function meanWithin(x: Float32Array, dim: number, f: OfSquaredDistance): number {
  const n = x.length / dim;
  let sum = 0;
  eachSquaredDistanceWithin(x, dim, meanRow(x, dim), (_i, _j, squared) => {
    sum += f(squared);
  });
  return (2 * sum) / (n * (n - 1));
}

/** Median distance of different rows, of the first 500. */
function medianDistance(x: Float32Array, dim: number): number {
  const some = x.subarray(0, Math.min(x.length, 500 * dim));
  const distances: number[] = [];
  eachSquaredDistanceWithin(some, dim, meanRow(some, dim), (_i, _j, squared) => {
    distances.push(Math.sqrt(squared));
  });
  return Float64Array.from(distances).sort()[Math.floor(distances.length / 2)]!;
}
