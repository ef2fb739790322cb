import { check } from "../errors.js";

export interface PointsConfig {
  /** Numbers per example: points are rows, images are flat. */
  dim: number;
}

/** Examples in `values`; at least `least`, all finite. */
export function countRows(name: string, values: Float32Array, dim: number, least = 1): number {
  check(Number.isInteger(dim) && dim >= 1, "dim", dim, "an integer >= 1");
  check(typeof values?.length === "number", name, values, "numbers in a Float32Array");
  check(
    values.length % dim === 0 && values.length >= least * dim,
    name,
    `${values.length} numbers`,
    `a multiple of dim = ${dim}, at least ${least} rows`,
  );
  const bad = values.findIndex((value) => !Number.isFinite(value));
  check(
    bad < 0,
    name,
    bad < 0 ? undefined : `${values[bad]} in row ${Math.floor(bad / dim)}`,
    "finite numbers",
  );
  return values.length / dim;
}

/** |x_i - y_j|^2 of rows i of x and j of y. */
export function squaredDistance(x: Float32Array, i: number, y: Float32Array, j: number, dim: number): number {
  let sum = 0;
  for (let k = 0; k < dim; k++) {
    const difference = x[i * dim + k]! - y[j * dim + k]!;
    sum += difference * difference;
  }
  return sum;
}
