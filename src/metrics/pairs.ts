import { addProduct } from "../engine/simd/product.js";

/** How the rows of a set lie in memory. */
export interface PointsConfig {
  /** Numbers per example: points are rows, images are flat. */
  dim: number;
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

/** Rows of each set whose products are computed at once. */
const block = 512;

type Visit = (i: number, j: number, value: number) => void;

/** Visits all pairs of a row of x and a row of y with their inner product, summed in double precision. */
export function eachProduct(x: Float32Array, y: Float32Array, dim: number, visit: Visit): void {
  eachBlock(x, y, dim, undefined, false, visit);
}

/** As `eachProduct`, of rows of one set: each pair of different rows once. */
export function eachProductWithin(x: Float32Array, dim: number, visit: Visit): void {
  eachBlock(x, x, dim, undefined, true, visit);
}

/** Numbers per row from which products of many rows at once are faster than differences one by one. */
const wide = 16;

/**
 * Visits all pairs of a row of x and a row of y with their squared Euclidean distance. Of wide rows it is |x|² + |y|² - 2 x . y of the rows less `origin`,
 * some point among them: 0 for equal rows, and the same for the same pair in whichever order.
 */
export function eachSquaredDistance(
  x: Float32Array,
  y: Float32Array,
  dim: number,
  origin: Float64Array,
  visit: Visit,
): void {
  distances(x, y, dim, origin, false, visit);
}

/** As `eachSquaredDistance`, of rows of one set: each pair of different rows once. */
export function eachSquaredDistanceWithin(
  x: Float32Array,
  dim: number,
  origin: Float64Array,
  visit: Visit,
): void {
  distances(x, x, dim, origin, true, visit);
}

/** The mean row. */
export function meanRow(rows: Float32Array, dim: number): Float64Array {
  const mean = new Float64Array(dim);
  for (let i = 0; i < rows.length; i += dim) for (let d = 0; d < dim; d++) mean[d]! += rows[i + d]!;
  return mean.map((sum) => sum / (rows.length / dim));
}

function distances(
  x: Float32Array,
  y: Float32Array,
  dim: number,
  origin: Float64Array,
  within: boolean,
  visit: Visit,
): void {
  if (dim < wide) {
    for (let i = 0; i * dim < x.length; i++)
      for (let j = 0; j < (within ? i : y.length / dim); j++) visit(i, j, squaredDistance(x, i, y, j, dim));
    return;
  }
  const own = squaredNorms(x, dim, origin);
  const others = x === y ? own : squaredNorms(y, dim, origin);
  eachBlock(x, y, dim, origin, within, (i, j, product) =>
    visit(i, j, Math.max(0, own[i]! + others[j]! - 2 * product)),
  );
}

/** Each row's product with itself, by the function that has the others: equal rows must have equal products to the last digit. */
function squaredNorms(rows: Float32Array, dim: number, origin: Float64Array): Float64Array {
  const out = new Float64Array(rows.length / dim);
  for (let i = 0; i < out.length; i++) {
    const row = taken(rows, i, 1, dim, origin);
    addProduct(row, row, dim, out.subarray(i, i + 1));
  }
  return out;
}

function eachBlock(
  x: Float32Array,
  y: Float32Array,
  dim: number,
  origin: Float64Array | undefined,
  within: boolean,
  visit: Visit,
): void {
  const [n, m] = [x.length / dim, y.length / dim];
  for (let i0 = 0; i0 < n; i0 += block) {
    const rows = Math.min(block, n - i0);
    const a = taken(x, i0, rows, dim, origin);
    for (let j0 = 0; j0 < (within ? i0 + rows : m); j0 += block) {
      const columns = Math.min(block, m - j0);
      // The same array twice: only the half that is wanted.
      const b = within && i0 === j0 ? a : taken(y, j0, columns, dim, origin);
      const products = new Float64Array(rows * columns);
      addProduct(a, b, dim, products);
      for (let r = 0; r < rows; r++) {
        const end = within ? Math.min(columns, i0 + r - j0) : columns;
        for (let c = 0; c < end; c++) visit(i0 + r, j0 + c, products[r * columns + c]!);
      }
    }
  }
}

/** Rows from `first` on, less the origin. */
function taken(
  rows: Float32Array,
  first: number,
  count: number,
  dim: number,
  origin: Float64Array | undefined,
): Float64Array {
  const out = new Float64Array(rows.subarray(first * dim, (first + count) * dim));
  if (origin)
    for (let i = 0; i < out.length; i += dim) for (let d = 0; d < dim; d++) out[i + d]! -= origin[d]!;
  return out;
}
