import type { Points } from "../spec.js";
import { formatPercent } from "../text.js";
import { checkRows } from "./check.js";
import { matrixShape, type Projection } from "./projection.js";

export interface PrincipalPlane extends Projection {
  readonly name: "PCA";
  /** Share of the points' variance that the plane holds, in [0, 1]. */
  readonly explained: number;
  /** Orthonormal, [2, dim]. */
  readonly components: Float64Array;
}

const iterations = 100;

/**
 * The plane of the two largest principal components, by orthogonal iteration: finds the plane also where both variances are alike.
 * @param points at least two points of at least two dimensions.
 * @throws TangentLabError `invalid-argument` otherwise, and where values are not finite.
 */
export function pca(points: Points): PrincipalPlane {
  checkRows("points", points, 2);
  const [count, dim] = matrixShape(points);
  const mean = new Float64Array(dim);
  for (let i = 0; i < count; i++)
    for (let k = 0; k < dim; k++) mean[k]! += points.values[i * dim + k]! / count;
  const centred = Float64Array.from(points.values, (value, i) => value - mean[i % dim]!);

  // A start that no axis-aligned data is orthogonal to, the same each time.
  let axes: Float64Array = Float64Array.from(
    { length: 2 * dim },
    (_, i) => Math.sin(1 + i) + (i % (dim + 1) === 0 ? 1 : 0),
  );
  orthonormalize(axes, dim);
  for (let round = 0; round < iterations; round++) {
    const next = new Float64Array(2 * dim);
    for (let i = 0; i < count; i++) {
      for (let a = 0; a < 2; a++) {
        const along = dot(centred, i * dim, axes, a * dim, dim);
        for (let k = 0; k < dim; k++) next[a * dim + k]! += along * centred[i * dim + k]!;
      }
    }
    if (!orthonormalize(next, dim)) break;
    const change = 2 - overlap(axes, next, dim);
    axes = next;
    if (change < 1e-12) break;
  }
  axes = principalAxes(centred, count, dim, axes);

  let total = 0;
  for (const value of centred) total += value * value;
  let held = 0;
  for (let i = 0; i < count; i++)
    for (let a = 0; a < 2; a++) held += dot(centred, i * dim, axes, a * dim, dim) ** 2;
  const explained = total === 0 ? 1 : Math.min(1, held / total);
  return {
    name: "PCA",
    axes: ["first principal axis", "second principal axis"],
    note: `PCA of the data: this plane holds ${formatPercent(explained)} of its variance.`,
    explained,
    components: axes,
    project(other) {
      const [n] = matrixShape(other);
      const values = new Float64Array(2 * n);
      for (let i = 0; i < n; i++) {
        for (let a = 0; a < 2; a++) {
          for (let k = 0; k < dim; k++) {
            values[2 * i + a]! += (other.values[i * dim + k]! - mean[k]!) * axes[a * dim + k]!;
          }
        }
      }
      return { shape: [n, 2], values };
    },
  };
}

function dot(a: Float64Array, i: number, b: Float64Array, j: number, dim: number): number {
  let sum = 0;
  for (let k = 0; k < dim; k++) sum += a[i + k]! * b[j + k]!;
  return sum;
}

/** Gram-Schmidt on two rows, in place; the second is free where they are parallel. False where the first is zero: no variance at all. */
function orthonormalize(rows: Float64Array, dim: number): boolean {
  const [first, second] = [rows.subarray(0, dim), rows.subarray(dim)];
  if (!normalize(first)) return false;
  const size = Math.sqrt(dot(second, 0, second, 0, dim));
  reject(second, first);
  if (Math.sqrt(dot(second, 0, second, 0, dim)) <= 1e-12 * size || size === 0) {
    const least = first.reduce((best, value, k) => (Math.abs(value) < Math.abs(first[best]!) ? k : best), 0);
    second.fill(0);
    second[least] = 1;
    reject(second, first);
  }
  return normalize(second);
}

function normalize(row: Float64Array): boolean {
  const norm = Math.hypot(...row);
  if (norm === 0) return false;
  for (let k = 0; k < row.length; k++) row[k]! /= norm;
  return true;
}

/** Takes the part along the unit vector `axis` out of `row`. */
function reject(row: Float64Array, axis: Float64Array): void {
  const along = dot(row, 0, axis, 0, row.length);
  for (let k = 0; k < row.length; k++) row[k]! -= along * axis[k]!;
}

/** Squared overlap of two planes, 2 where they are the same. */
function overlap(a: Float64Array, b: Float64Array, dim: number): number {
  let sum = 0;
  for (const i of [0, dim]) for (const j of [0, dim]) sum += dot(a, i, b, j, dim) ** 2;
  return sum;
}

/** Turns the two axes within their plane so that the first holds the most variance; signs make the largest entries positive. */
function principalAxes(centred: Float64Array, count: number, dim: number, axes: Float64Array): Float64Array {
  let xx = 0;
  let xy = 0;
  let yy = 0;
  for (let i = 0; i < count; i++) {
    const x = dot(centred, i * dim, axes, 0, dim);
    const y = dot(centred, i * dim, axes, dim, dim);
    xx += x * x;
    xy += x * y;
    yy += y * y;
  }
  const angle = 0.5 * Math.atan2(2 * xy, xx - yy);
  const [c, s] = [Math.cos(angle), Math.sin(angle)];
  const out = new Float64Array(2 * dim);
  for (let k = 0; k < dim; k++) {
    out[k] = c * axes[k]! + s * axes[dim + k]!;
    out[dim + k] = c * axes[dim + k]! - s * axes[k]!;
  }
  for (const start of [0, dim]) {
    const row = out.subarray(start, start + dim);
    const largest = row.reduce((best, value) => (Math.abs(value) > Math.abs(best) ? value : best), 0);
    if (largest < 0) for (let k = 0; k < dim; k++) row[k] = -row[k]!;
  }
  return out;
}
