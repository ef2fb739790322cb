import { check } from "../src/errors.js";
import type { Manifold } from "./dataset.js";

/** A point or direction, in double precision. */
export type Vector = readonly number[];

/** A manifold known point by point. */
export interface PointwiseManifold {
  ambientDim: number;
  dim: number;
  nearest(point: Vector): Vector;
  /** `dim` orthonormal directions. */
  tangents(point: Vector): readonly Vector[];
}

/** The same for many points at once, in flat arrays. */
export function fromPointwise({ ambientDim, dim, nearest, tangents }: PointwiseManifold): Manifold {
  const forEach = (argument: string, points: Float32Array, width: number, f: (p: Vector) => Vector) => {
    check(
      points.length % ambientDim === 0,
      argument,
      `${points.length} values`,
      `[n, ${ambientDim}], so a multiple of ${ambientDim} values`,
    );
    const n = points.length / ambientDim;
    const out = new Float32Array(n * width);
    for (let i = 0; i < n; i++) {
      out.set(f(Array.from(points.subarray(i * ambientDim, (i + 1) * ambientDim))), i * width);
    }
    return out;
  };
  return {
    ambientDim,
    dim,
    project: (points) => forEach("points", points, ambientDim, nearest),
    tangentBasis: (points) =>
      forEach("pointsOnManifold", points, dim * ambientDim, (point) => tangents(point).flat()),
  };
}

export const dot = (a: Vector, b: Vector): number => a.reduce((sum, value, i) => sum + value * b[i]!, 0);

export const scaled = (a: Vector, factor: number): number[] => a.map((value) => value * factor);

/** `a` at length 1; the first axis if `a` is 0, where every direction is as good. */
export function unit(a: Vector): number[] {
  const length = Math.hypot(...a);
  return length > 0 ? scaled(a, 1 / length) : a.map((_, i) => (i === 0 ? 1 : 0));
}

/** The same span by orthonormal vectors: Gram-Schmidt, twice, which is orthogonal to machine precision. */
export function orthonormal(vectors: readonly Vector[]): number[][] {
  const rows: number[][] = [];
  for (const vector of vectors) {
    const row = [...vector];
    for (const earlier of [...rows, ...rows]) {
      const along = dot(row, earlier);
      for (let k = 0; k < row.length; k++) row[k]! -= along * earlier[k]!;
    }
    rows.push(unit(row));
  }
  return rows;
}
