import { required } from "../errors.js";
import { countRows } from "../loop/data.js";
import type { PointsConfig } from "./points.js";

/**
 * Kernel distance (KID, Bińkowski et al. 2018): squared maximum mean discrepancy with the polynomial kernel k(x, y) = (x . y / dim + 1)^3 of features, by the
 * unbiased estimate over all pairs. Unlike a Fréchet distance it does not depend on the number of rows, may be slightly negative, and is often
 * given times 1000. Rows of `dim` numbers, at least two each.
 * @throws TangentLabError `invalid-argument` for too few, ragged or non-finite rows.
 */
export function kernelDistance(x: Float32Array, y: Float32Array, config: PointsConfig): number {
  const { dim } = required("config", config, "an object with dim");
  const n = countRows("x", x, dim, 2);
  const m = countRows("y", y, dim, 2);
  let [xx, yy, xy] = [0, 0, 0];
  for (let i = 0; i < n; i++) for (let j = 0; j < i; j++) xx += kernel(x, i, x, j, dim);
  for (let i = 0; i < m; i++) for (let j = 0; j < i; j++) yy += kernel(y, i, y, j, dim);
  for (let i = 0; i < n; i++) for (let j = 0; j < m; j++) xy += kernel(x, i, y, j, dim);
  return (2 * xx) / (n * (n - 1)) + (2 * yy) / (m * (m - 1)) - (2 * xy) / (n * m);
}

/** k of row i of x and row j of y. */
function kernel(x: Float32Array, i: number, y: Float32Array, j: number, dim: number): number {
  const [a, b] = [i * dim, j * dim];
  let sum = 0;
  for (let k = 0; k < dim; k++) sum += x[a + k]! * y[b + k]!;
  return (sum / dim + 1) ** 3;
}
