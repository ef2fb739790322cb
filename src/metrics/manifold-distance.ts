import { check, required } from "../errors.js";
import { countRows } from "../loop/data.js";

/** What is needed of a known manifold. */
export interface Projection {
  readonly ambientDim: number;
  /** Nearest points on the manifold, rows like `points`. */
  project(points: Float32Array): Float32Array;
}

/**
 * Euclidean distance of each row to a known manifold.
 * @throws TangentLabError `invalid-argument` for empty, ragged or non-finite rows.
 */
export function distancesToManifold(points: Float32Array, manifold: Projection): Float32Array {
  required("manifold", manifold, "a manifold: spiral().manifold");
  const dim = manifold.ambientDim;
  const projects = typeof manifold.project === "function" && Number.isInteger(dim) && dim >= 1;
  check(projects, "manifold", manifold, "a manifold: spiral().manifold");
  const count = countRows("points", points, dim);
  const nearest = manifold.project(points);
  return Float32Array.from({ length: count }, (_, i) => {
    let sum = 0;
    for (let j = i * dim; j < (i + 1) * dim; j++) sum += (points[j]! - nearest[j]!) ** 2;
    return Math.sqrt(sum);
  });
}

/** Mean Euclidean distance of rows to a known manifold, in their units; says nothing about how they cover it. Throws as `distancesToManifold` does. */
export function manifoldDistance(points: Float32Array, manifold: Projection): number {
  const distances = distancesToManifold(points, manifold);
  return distances.reduce((sum, value) => sum + value, 0) / distances.length;
}

/**
 * Euclidean distance of each row of `points` to the nearest row of `data`, in their units.
 * @throws TangentLabError `invalid-argument` for empty, ragged or non-finite rows.
 */
export function distancesToData(points: Float32Array, data: Float32Array, dim: number): Float32Array {
  const count = countRows("points", points, dim);
  const rows = countRows("data", data, dim);
  return Float32Array.from({ length: count }, (_, i) => {
    let best = Number.POSITIVE_INFINITY;
    for (let k = 0; k < rows; k++) {
      let sum = 0;
      for (let j = 0; j < dim && sum < best; j++) sum += (points[i * dim + j]! - data[k * dim + j]!) ** 2;
      best = Math.min(best, sum);
    }
    return Math.sqrt(best);
  });
}
