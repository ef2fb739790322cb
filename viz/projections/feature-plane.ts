import type { Points } from "../spec.js";
import { pca } from "./pca.js";
import { concatenate, matrixShape, type Projection } from "./projection.js";

/**
 * A plane to look at directions in feature space: features of data hardly vary where features tell data from what is not, so that a plane of the points
 * alone would hide the directions. Across goes the points' principal axis; up, at right angles to it, the principal axis of the directions.
 * @param points features of data, [count, dim]; at least two of at least two dimensions.
 * @param directions [count, dim].
 */
export function featurePlane(points: Points, directions: Points): Projection {
  const [count, dim] = matrixShape(points);
  const axes = pca(points).components;
  const across = axes.slice(0, dim);
  const rest = Float64Array.from(directions.values);
  for (let start = 0; start < rest.length; start += dim) {
    const along = inner(across, rest, start);
    for (let k = 0; k < dim; k++) rest[start + k]! -= along * across[k]!;
  }
  // With their opposites the directions have mean 0. Where nothing remains of them any axis at right angles will do, and the points' second is one.
  const both = concatenate([
    { shape: directions.shape, values: rest },
    { shape: directions.shape, values: rest.map((value) => -value) },
  ]);
  const moves = squares(rest) > 1e-6 * squares(directions.values);
  const up = moves ? pca(both).components.slice(0, dim) : axes.slice(dim);
  const mean = new Float64Array(dim);
  for (let i = 0; i < count * dim; i++) mean[i % dim]! += points.values[i]! / count;
  const origin = [inner(across, mean, 0), inner(up, mean, 0)] as const;
  return {
    name: "PCA",
    axes: ["principal axis of φ(data)", "principal axis of the arrows"],
    note: "Up: the direction in which the arrows lead most, at right angles to the principal axis of φ(data).",
    project({ shape, values }) {
      const out = new Float64Array(2 * shape[0]!);
      for (let i = 0; i < shape[0]!; i++) {
        out[2 * i] = inner(across, values, i * dim) - origin[0];
        out[2 * i + 1] = inner(up, values, i * dim) - origin[1];
      }
      return { shape: [shape[0]!, 2], values: out };
    },
  };
}

const squares = (values: ArrayLike<number>): number => Array.from(values).reduce((sum, x) => sum + x * x, 0);

function inner(axis: ArrayLike<number>, values: ArrayLike<number>, start: number): number {
  let sum = 0;
  for (let k = 0; k < axis.length; k++) sum += axis[k]! * values[start + k]!;
  return sum;
}
