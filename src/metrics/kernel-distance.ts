import { mean, standardDeviation } from "simple-statistics";
import * as random from "../engine/random.js";
import { check, required } from "../errors.js";
import { countRows } from "../loop/data.js";
import { takeRows } from "./bootstrap.js";
import type { PointsConfig } from "./pairs.js";
import { eachProduct, eachProductWithin } from "./pairs.js";

/**
 * Kernel distance (KID, Bińkowski et al. 2018): squared maximum mean discrepancy with the polynomial kernel k(x, y) = (x . y / dim + 1)^3 of features, by the
 * unbiased estimate over all pairs. Unlike a Fréchet distance it does not depend on the number of rows, may be slightly negative, and is often
 * given times 1000. Rows of `dim` numbers, at least two each.
 * @throws TangentLabError `invalid-argument` for too few, ragged or non-finite rows.
 */
export function kernelDistance(x: Float32Array, y: Float32Array, config: PointsConfig): number {
  const { dim } = required("config", config, "an object with dim");
  check.only("kernelDistance", config, ["dim"]);
  const n = countRows("x", x, dim, 2);
  const m = countRows("y", y, dim, 2);
  let [xx, yy, xy] = [0, 0, 0];
  eachProductWithin(x, dim, (_i, _j, product) => {
    xx += kernel(product, dim);
  });
  eachProductWithin(y, dim, (_i, _j, product) => {
    yy += kernel(product, dim);
  });
  eachProduct(x, y, dim, (_i, _j, product) => {
    xy += kernel(product, dim);
  });
  return unbiased(xx, yy, xy, n, m);
}

/** Options of `kernelDistanceOfSubsets`. */
export interface SubsetsConfig extends PointsConfig {
  /** Draws the subsets. */
  key: random.Key;
  /** Default 100. */
  subsets?: number;
  /** Rows in each subset, drawn from each set without replacement. Default 1000, or all of the smaller set. */
  size?: number;
}

/** The distance as a mean over subsets. */
export interface SubsetsDistance {
  readonly mean: number;
  /** Of the distances of the subsets, which share rows: a measure of their spread, no confidence interval. */
  readonly standardDeviation: number;
}

/** Sets of at most so many rows have the kernel of all their pairs computed once and looked up. */
const fewRows = 4096;

/**
 * The kernel distance as it is published: mean and standard deviation over random subsets (Bińkowski et al. 2018: 100 subsets of 1,000). The mean estimates the
 * same as `kernelDistance`, which takes all pairs and so spreads less.
 * @throws TangentLabError `invalid-argument` for too few, ragged or non-finite rows and options out of range.
 */
export function kernelDistanceOfSubsets(
  x: Float32Array,
  y: Float32Array,
  config: SubsetsConfig,
): SubsetsDistance {
  const { dim, key, subsets = 100, size } = required("config", config, "an object with dim and key");
  check.only("kernelDistanceOfSubsets", config, ["dim", "key", "subsets", "size"]);
  const n = countRows("x", x, dim, 2);
  const m = countRows("y", y, dim, 2);
  check(Number.isInteger(subsets) && subsets >= 2, "subsets", subsets, "an integer >= 2");
  const most = Math.min(n, m);
  const rows = size === undefined ? Math.min(1000, most) : size;
  check(
    Number.isInteger(rows) && rows >= 2 && rows <= most,
    "size",
    size,
    `an integer from 2 to ${most}, the rows of the smaller set`,
  );
  const distance = n <= fewRows && m <= fewRows ? byKernels(x, y, dim) : byRows(x, y, dim);
  const values = random.split(key, subsets).map((subset) => {
    const [ofX, ofY] = random.split(subset) as [random.Key, random.Key];
    return distance(
      random.permutation(ofX, n).subarray(0, rows),
      random.permutation(ofY, m).subarray(0, rows),
    );
  });
  return { mean: mean(values), standardDeviation: standardDeviation(values) };
}

type OfSubsets = (ofX: Int32Array, ofY: Int32Array) => number;

const byRows =
  (x: Float32Array, y: Float32Array, dim: number): OfSubsets =>
  (ofX, ofY) =>
    kernelDistance(takeRows(x, ofX, dim), takeRows(y, ofY, dim), { dim });

function byKernels(x: Float32Array, y: Float32Array, dim: number): OfSubsets {
  const [n, m] = [x.length / dim, y.length / dim];
  const [xx, yy, xy] = [new Float64Array(n * n), new Float64Array(m * m), new Float64Array(n * m)];
  eachProductWithin(x, dim, (i, j, product) => {
    xx[i * n + j] = xx[j * n + i] = kernel(product, dim);
  });
  eachProductWithin(y, dim, (i, j, product) => {
    yy[i * m + j] = yy[j * m + i] = kernel(product, dim);
  });
  eachProduct(x, y, dim, (i, j, product) => {
    xy[i * m + j] = kernel(product, dim);
  });
  return (ofX, ofY) => {
    const [sumX, sumY] = [sumOf(xx, n, ofX, ofX) / 2, sumOf(yy, m, ofY, ofY) / 2];
    return unbiased(sumX, sumY, sumOf(xy, m, ofX, ofY), ofX.length, ofY.length);
  };
}

/** Over the rows and columns listed; the diagonals of matrices within a set are 0. */
function sumOf(matrix: Float64Array, columns: number, ofRows: Int32Array, ofColumns: Int32Array): number {
  let sum = 0;
  for (const row of ofRows) for (const column of ofColumns) sum += matrix[row * columns + column]!;
  return sum;
}

/** Of a pair of rows with this inner product. */
const kernel = (product: number, dim: number): number => {
  const base = product / dim + 1;
  return base * base * base;
};

/** From sums over the pairs within each set, each once, and between the sets. */
const unbiased = (xx: number, yy: number, xy: number, n: number, m: number): number =>
  (2 * xx) / (n * (n - 1)) + (2 * yy) / (m * (m - 1)) - (2 * xy) / (n * m);
