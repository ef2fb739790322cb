import { EigenvalueDecomposition, Matrix } from "ml-matrix";
import { check } from "../errors.js";
import { countRows, type PointsConfig } from "./points.js";

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
export function frechetDistance(x: Float32Array, y: Float32Array, { dim }: PointsConfig): number {
  return gaussianFrechet(gaussian(x, { dim }), gaussian(y, { dim }));
}

/** Mean and unbiased covariance of rows of `dim` numbers, at least two. */
export function gaussian(rows: Float32Array, { dim }: PointsConfig): Gaussian {
  const count = countRows("rows", rows, dim, 2);
  const mean = new Float64Array(dim);
  for (let i = 0; i < rows.length; i++) mean[i % dim]! += rows[i]! / count;
  const covariance = new Float64Array(dim * dim);
  const centred = new Float64Array(dim);
  for (let i = 0; i < count; i++) {
    for (let j = 0; j < dim; j++) centred[j] = rows[i * dim + j]! - mean[j]!;
    for (let j = 0; j < dim; j++)
      for (let k = 0; k <= j; k++) covariance[j * dim + k]! += (centred[j]! * centred[k]!) / (count - 1);
  }
  for (let j = 0; j < dim; j++)
    for (let k = 0; k < j; k++) covariance[k * dim + j] = covariance[j * dim + k]!;
  return { mean, covariance };
}

/** Squared 2-Wasserstein distance of two Gaussians. Never below 0. */
export function gaussianFrechet(a: Gaussian, b: Gaussian): number {
  const dim = a.mean.length;
  check(b.mean.length === dim, "b.mean", b.mean.length, `${dim} numbers, as in a`);
  const [A, B] = [a, b].map(({ covariance }) => Matrix.from1DArray(dim, dim, covariance)) as [Matrix, Matrix];
  // (C1 C2)^1/2 has the trace of the root of the symmetric C1^1/2 C2 C1^1/2: sum of the roots of its eigenvalues.
  const root = squareRoot(A);
  const inner = symmetric(root.mmul(B).mmul(root));
  const trace = eigen(inner).realEigenvalues.reduce((sum, value) => sum + Math.sqrt(Math.max(value, 0)), 0);
  const squares = a.mean.reduce((sum, value, i) => sum + (value - b.mean[i]!) ** 2, 0);
  return Math.max(0, squares + A.trace() + B.trace() - 2 * trace);
}

/** The positive semidefinite root of a positive semidefinite matrix. */
function squareRoot(matrix: Matrix): Matrix {
  const { eigenvectorMatrix: V, realEigenvalues } = eigen(matrix);
  const roots = realEigenvalues.map((value) => Math.sqrt(Math.max(value, 0)));
  return V.mmul(Matrix.diag(roots)).mmul(V.transpose());
}

const eigen = (matrix: Matrix): EigenvalueDecomposition =>
  new EigenvalueDecomposition(matrix, { assumeSymmetric: true });

/** Without the asymmetry of rounding. */
const symmetric = (matrix: Matrix): Matrix => Matrix.add(matrix, matrix.transpose()).mul(0.5);
