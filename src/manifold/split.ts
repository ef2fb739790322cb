import { EigenvalueDecomposition, Matrix } from "ml-matrix";
import { check, required } from "../errors.js";
import type { KnownManifold } from "../loop/data.js";

/** Vectors, one row each, taken apart at a manifold. */
export interface TangentSplit {
  /** Sum of squared norms of the parallel parts over that of the vectors: 0 straight to or from the manifold, 1 along it. */
  readonly parallelShare: number;
  /** The same for each vector; NaN for a zero vector. */
  readonly perProbe: Float32Array;
  /** Parts in the tangent space, like the vectors. */
  readonly parallel: Float32Array;
  /** Parts in the normal space. */
  readonly normal: Float32Array;
}

/**
 * Splits vectors, flat rows [count, manifold.ambientDim], at the manifold points nearest to where they start.
 * @throws TangentLabError `invalid-argument` for rows that do not fit each other.
 */
export function splitAtManifold(
  vectors: Float32Array,
  from: Float32Array,
  manifold: KnownManifold,
): TangentSplit {
  required("manifold", manifold, "a manifold: spiral().manifold");
  const { ambientDim } = manifold;
  const known = Number.isInteger(ambientDim) && typeof manifold.project === "function";
  check(known, "manifold", manifold, "a manifold: spiral().manifold");
  checkRows({ vectors, from }, ambientDim);
  return splitByBasis(vectors, manifold.tangentBasis(manifold.project(from)), ambientDim);
}

/** How tangent spaces are estimated by PCA of nearest neighbours. */
export interface NeighbourConfig {
  /** Numbers in a row. */
  ambientDim: number;
  /** Neighbours that span the tangent space. Default 32. */
  neighbours?: number;
  /** Dimension of the tangent space, less than `neighbours`. Default 8. */
  dim?: number;
}

/**
 * Splits vectors where the manifold is known only by examples `data` (rows): the tangent space is spanned by the first principal directions of
 * the nearest neighbours of the vector's start.
 * @throws TangentLabError `invalid-argument` for rows that do not fit each other, and more neighbours or dimensions than there are.
 */
export function splitByNeighbours(
  vectors: Float32Array,
  from: Float32Array,
  data: Float32Array,
  config: NeighbourConfig,
): TangentSplit {
  required("config", config, "an object with ambientDim");
  check.count("ambientDim", config.ambientDim);
  checkRows({ vectors, from }, config.ambientDim);
  return splitByBasis(vectors, localTangentBasis(from, data, config), config.ambientDim);
}

/**
 * Tangent spaces estimated by local PCA: orthonormal [count, dim, ambientDim] for each row of `points`.
 * @throws TangentLabError `invalid-argument` for more neighbours or dimensions than there are.
 */
export function localTangentBasis(
  points: Float32Array,
  data: Float32Array,
  config: NeighbourConfig,
): Float32Array {
  const { ambientDim, neighbours = 32, dim = 8 } = required("config", config, "an object with ambientDim");
  check.only("neighbours", config, ["ambientDim", "neighbours", "dim"]);
  check.count("ambientDim", ambientDim);
  for (const [name, rows] of Object.entries({ points, data })) {
    const whole = ArrayBuffer.isView(rows) && rows.length > 0 && rows.length % ambientDim === 0;
    check(whole, name, rows, `numbers, a multiple of ${ambientDim}`);
  }
  const available = data.length / ambientDim;
  check(
    Number.isInteger(neighbours) && neighbours >= 2 && neighbours <= available,
    "neighbours",
    neighbours,
    `an integer from 2 to ${available}`,
  );
  const most = Math.min(neighbours - 1, ambientDim);
  check(Number.isInteger(dim) && dim >= 1 && dim <= most, "dim", dim, `an integer from 1 to ${most}`);
  const count = points.length / ambientDim;
  const basis = new Float32Array(count * dim * ambientDim);
  for (let i = 0; i < count; i++) {
    const point = points.subarray(i * ambientDim, (i + 1) * ambientDim);
    const near = nearest(point, data, neighbours);
    basis.set(principalDirections(near, ambientDim, dim), i * dim * ambientDim);
  }
  return basis;
}

/**
 * The first `dim` principal directions of rows of `width` numbers about their mean, orthonormal, [dim, width], largest variance first. Works on the
 * matrix of inner products of the rows, which is small where rows are few and long.
 */
function principalDirections(rows: Float32Array, width: number, dim: number): Float32Array {
  const centred = Matrix.from1DArray(rows.length / width, width, rows).center("column");
  const gram = centred.mmul(centred.transpose());
  const { realEigenvalues, eigenvectorMatrix } = new EigenvalueDecomposition(gram, { assumeSymmetric: true });
  const directions = new Float32Array(dim * width);
  for (let k = 0; k < dim; k++) {
    // Eigenvalues rise.
    const column = realEigenvalues.length - 1 - k;
    const scale = 1 / Math.sqrt(Math.max(realEigenvalues[column]!, 1e-20));
    const coefficients = Matrix.rowVector(eigenvectorMatrix.getColumn(column)).mul(scale);
    directions.set(coefficients.mmul(centred).getRow(0), k * width);
  }
  return directions;
}

/** The `count` rows of `data` nearest to a point, as rows. */
function nearest(point: Float32Array, data: Float32Array, count: number): Float32Array {
  const width = point.length;
  const distances = new Float64Array(data.length / width);
  for (let i = 0; i < distances.length; i++) {
    let sum = 0;
    for (let j = 0; j < width; j++) sum += (data[i * width + j]! - point[j]!) ** 2;
    distances[i] = sum;
  }
  const order = Array.from(distances.keys()).sort((a, b) => distances[a]! - distances[b]! || a - b);
  const rows = new Float32Array(count * width);
  for (let i = 0; i < count; i++) {
    rows.set(data.subarray(order[i]! * width, (order[i]! + 1) * width), i * width);
  }
  return rows;
}

/** Splits rows by orthonormal bases [count, dim, ambientDim], one for each. */
function splitByBasis(vectors: Float32Array, basis: Float32Array, width: number): TangentSplit {
  const count = vectors.length / width;
  const dim = basis.length / vectors.length;
  const parallel = new Float32Array(vectors.length);
  const perProbe = new Float32Array(count);
  let along = 0;
  let total = 0;
  for (let i = 0; i < count; i++) {
    const vector = vectors.subarray(i * width, (i + 1) * width);
    const part = parallel.subarray(i * width, (i + 1) * width);
    let squared = 0;
    for (let k = 0; k < dim; k++) {
      const direction = basis.subarray((i * dim + k) * width, (i * dim + k + 1) * width);
      const length = dot(vector, direction);
      squared += length * length;
      for (let j = 0; j < width; j++) part[j]! += length * direction[j]!;
    }
    const norm = dot(vector, vector);
    perProbe[i] = squared / norm;
    along += squared;
    total += norm;
  }
  return {
    parallelShare: along / total,
    perProbe,
    parallel,
    normal: vectors.map((value, i) => value - parallel[i]!),
  };
}

/** How much vectors keep their direction from one recording to the next. */
export interface DirectionCosine {
  /** Mean over the probes; NaN where a vector is zero. */
  readonly mean: number;
  readonly perProbe: Float32Array;
}

/**
 * Cosines between corresponding rows, in [-1, 1]: 1 the same direction, -1 the opposite.
 * @throws TangentLabError `invalid-argument` for rows that do not fit each other.
 */
export function directionCosine(
  previous: Float32Array,
  current: Float32Array,
  ambientDim: number,
): DirectionCosine {
  check.count("ambientDim", ambientDim);
  checkRows({ previous, current }, ambientDim);
  const perProbe = Float32Array.from({ length: current.length / ambientDim }, (_, i) => {
    const a = previous.subarray(i * ambientDim, (i + 1) * ambientDim);
    const b = current.subarray(i * ambientDim, (i + 1) * ambientDim);
    return dot(a, b) / Math.sqrt(dot(a, a) * dot(b, b));
  });
  return { mean: perProbe.reduce((sum, value) => sum + value, 0) / perProbe.length, perProbe };
}

function dot(a: Float32Array, b: Float32Array): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += a[i]! * b[i]!;
  return sum;
}

/**
 * That sets of rows are as large as each other. Their numbers may be NaN: where a training went wrong, so are its tangents.
 * @throws TangentLabError `invalid-argument`, of sizes that do not fit naming the vectors.
 */
function checkRows(sets: { readonly [name: string]: Float32Array }, width: number): void {
  const allowed = `equally many numbers, a multiple of ${width}`;
  for (const [name, rows] of Object.entries(sets)) check(ArrayBuffer.isView(rows), name, rows, allowed);
  const [first, second = first] = Object.values(sets);
  const { length } = first!;
  check(length === second!.length && length > 0 && length % width === 0, "vectors", length, allowed);
}
