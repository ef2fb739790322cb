import { addProduct } from "../engine/simd/product.js";
import { check, required } from "../errors.js";
import { countRows } from "../loop/data.js";
import { cholesky, symmetricEigenvalues, transpose } from "./matrices.js";
import type { PointsConfig } from "./pairs.js";

/** Rows of which products are summed at once. */
const chunk = 1024;

/** Mean [dim] and covariance [dim, dim] of rows. */
export interface Gaussian {
  readonly mean: Float64Array;
  /** Row-major. */
  readonly covariance: Float64Array;
}

/**
 * Fréchet distance |m1 - m2|^2 + tr(C1 + C2 - 2 (C1 C2)^1/2) of the Gaussians with the means and covariances of two sets of rows (Heusel et al. 2017,
 * there of Inception features). Depends on the number of rows: compare values with equal counts only.
 * @throws TangentLabError `invalid-argument` for fewer than two, ragged or non-finite rows.
 */
export function frechetDistance(x: Float32Array, y: Float32Array, config: PointsConfig): number {
  const { dim } = required("config", config, "an object with dim");
  check.only("frechetDistance", config, ["dim"]);
  return distance(spread("x", x, dim), spread("y", y, dim));
}

/**
 * Mean and unbiased covariance of rows of `dim` numbers, at least two.
 * @throws TangentLabError `invalid-argument` for fewer than two, ragged or non-finite rows.
 */
export function gaussian(rows: Float32Array, config: PointsConfig): Gaussian {
  const { dim } = required("config", config, "an object with dim");
  check.only("gaussian", config, ["dim"]);
  return gaussianOf("rows", rows, dim);
}

function gaussianOf(name: string, rows: Float32Array, dim: number): Gaussian {
  const mean = meanOf(name, rows, dim);
  const covariance = new Float64Array(dim * dim);
  for (let start = 0; start < rows.length; start += chunk * dim) {
    const columns = transpose(centre(rows.subarray(start, start + chunk * dim), mean), dim);
    addProduct(columns, columns, columns.length / dim, covariance);
  }
  const degrees = rows.length / dim - 1;
  for (let j = 0; j < dim; j++)
    for (let k = 0; k <= j; k++) {
      covariance[j * dim + k]! /= degrees;
      covariance[k * dim + j] = covariance[j * dim + k]!;
    }
  return { mean, covariance };
}

/**
 * Squared 2-Wasserstein distance of two Gaussians (Dowson and Landau 1982). Never below 0.
 * @throws TangentLabError `invalid-argument` for Gaussians of different dimensions.
 */
export function gaussianFrechet(a: Gaussian, b: Gaussian): number {
  for (const [name, given] of Object.entries({ a, b })) checkGaussian(name, given);
  const dim = a.mean.length;
  check(b.mean.length === dim, "b.mean", b.mean.length, `${dim} numbers, as in a`);
  return distance(spreadOf(a), spreadOf(b));
}

/** @throws TangentLabError `invalid-argument` naming `argument`. */
export function checkGaussian(argument: string, given: Gaussian): void {
  const isGaussian = ArrayBuffer.isView(given?.mean) && ArrayBuffer.isView(given.covariance);
  check(isGaussian, argument, given, "a mean and a covariance, as gaussian(rows, { dim }) gives them");
}

/** A mean and rows F with F^T F = C, as few as are needed. */
interface Spread {
  readonly mean: Float64Array;
  readonly root: Float64Array;
}

/** Of fewer rows than dimensions the centred rows themselves. */
function spread(name: string, rows: Float32Array, dim: number): Spread {
  if (rows?.length / dim > dim) return spreadOf(gaussianOf(name, rows, dim));
  const mean = meanOf(name, rows, dim);
  const scale = 1 / Math.sqrt(rows.length / dim - 1);
  return { mean, root: centre(rows, mean).map((value) => value * scale) };
}

const spreadOf = ({ mean, covariance }: Gaussian): Spread => ({
  mean,
  root: transpose(cholesky(covariance, mean.length), mean.length),
});

/** With C1 = F1^T F1 and C2 = F2^T F2, tr (C1 C2)^1/2 is the sum of the singular values of F1 F2^T: of the roots of its Gram matrix's eigenvalues. */
function distance(a: Spread, b: Spread): number {
  const dim = a.mean.length;
  const [few, many] = a.root.length <= b.root.length ? [a.root, b.root] : [b.root, a.root];
  const [n, m] = [few.length / dim, many.length / dim];
  const product = new Float64Array(n * m);
  addProduct(few, many, dim, product);
  const gram = new Float64Array(n * n);
  addProduct(product, product, m, gram);
  const trace = symmetricEigenvalues(gram, n).reduce((sum, value) => sum + Math.sqrt(Math.max(value, 0)), 0);
  const squares = a.mean.reduce((sum, value, i) => sum + (value - b.mean[i]!) ** 2, 0);
  return Math.max(0, squares + squaredNorm(a.root) + squaredNorm(b.root) - 2 * trace);
}

const squaredNorm = (values: Float64Array): number => values.reduce((sum, value) => sum + value * value, 0);

/** Of at least two rows. */
function meanOf(name: string, rows: Float32Array, dim: number): Float64Array {
  const count = countRows(name, rows, dim, 2);
  const mean = new Float64Array(dim);
  for (let i = 0; i < rows.length; i++) mean[i % dim]! += rows[i]! / count;
  return mean;
}

const centre = (rows: Float32Array, mean: Float64Array): Float64Array =>
  Float64Array.from(rows, (value, i) => value - mean[i % mean.length]!);
