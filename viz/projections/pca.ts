import { Matrix, QrDecomposition, SingularValueDecomposition } from "ml-matrix";
import type { Points } from "../spec.js";
import { formatPercent } from "../text.js";
import { checkRows } from "./check.js";
import { matrixShape, type Projection, plane } from "./projection.js";

export interface PrincipalPlane extends Projection {
  readonly name: "PCA";
  /** Share of the points' variance that the plane holds, in [0, 1]. */
  readonly explained: number;
  /** Orthonormal, [2, dim]. */
  readonly components: Float64Array;
}

const iterations = 100;

/**
 * How a chart shows points where nothing else is asked for: points in the plane as they are, others by PCA. `argument` names them in errors.
 * @throws TangentLabError `invalid-argument` for a single point of more dimensions than two, and for one dimension.
 */
export function planeOf(argument: string, points: Points): Projection {
  if (matrixShape(points)[1] === 2) return plane;
  checkRows(argument, points, 2);
  return pca(points);
}

/**
 * The plane of the two largest principal components, by orthogonal iteration: finds the plane also where both variances are alike.
 * @param points at least two points of at least two dimensions.
 * @throws TangentLabError `invalid-argument` otherwise, and where values are not finite.
 */
export function pca(points: Points): PrincipalPlane {
  checkRows("points", points, 2);
  const [count, dim] = matrixShape(points);
  const data = Matrix.from1DArray(count, dim, points.values);
  const mean = data.mean("column");
  data.subRowVector(mean);
  const transposed = data.transpose();

  // A start that no axis-aligned data is orthogonal to, the same each time. Q of QR is orthonormal also where there is less variance than axes.
  const sines = Array.from({ length: 2 * dim }, (_, i) => Math.sin(1 + i) + (i % (dim + 1) === 0 ? 1 : 0));
  let axes = orthonormal(Matrix.from1DArray(2, dim, sines).transpose());
  for (let round = 0; round < iterations; round++) {
    const next = orthonormal(transposed.mmul(data.mmul(axes)));
    // Squared overlap of the two planes, 2 where they are the same.
    const overlap = squaredNorm(axes.transpose().mmul(next));
    axes = next;
    if (2 - overlap < 1e-12) break;
  }
  axes = axes.mmul(principalAxes(data.mmul(axes)));
  const components = Float64Array.from([0, 1].flatMap((a) => pointingUp(axes.getColumn(a))));

  const total = squaredNorm(data);
  const explained = total === 0 ? 1 : Math.min(1, squaredNorm(data.mmul(axes)) / total);
  return {
    name: "PCA",
    axes: ["first principal axis", "second principal axis"],
    note: `PCA of the data: this plane holds ${formatPercent(explained)} of its variance.`,
    explained,
    components,
    project(other) {
      const [n] = matrixShape(other);
      const values = new Float64Array(2 * n);
      for (let i = 0; i < n; i++) {
        for (let a = 0; a < 2; a++) {
          for (let k = 0; k < dim; k++) {
            values[2 * i + a]! += (other.values[i * dim + k]! - mean[k]!) * components[a * dim + k]!;
          }
        }
      }
      return { shape: [n, 2], values };
    },
  };
}

const orthonormal = (columns: Matrix): Matrix => new QrDecomposition(columns).orthogonalMatrix;

const squaredNorm = (matrix: Matrix): number => matrix.norm("frobenius") ** 2;

/** The rotation [2, 2] of columns [count, 2] after which the first holds the most variance and the two are uncorrelated. */
const principalAxes = (columns: Matrix): Matrix =>
  new SingularValueDecomposition(columns, { autoTranspose: true }).rightSingularVectors;

/** With the sign that makes the largest entry positive. */
function pointingUp(axis: readonly number[]): readonly number[] {
  const largest = axis.reduce((best, value) => (Math.abs(value) > Math.abs(best) ? value : best), 0);
  return largest < 0 ? axis.map((value) => -value) : axis;
}
