// What the Fréchet distance needs of matrices with thousands of rows, in double precision and row by row: general libraries take minutes there.

import { kernels, memoryOf } from "../engine/simd/kernels.js";
import { addProduct } from "../engine/simd/product.js";

/** A [rows, columns] with rows and columns exchanged. */
export function transpose(a: Float64Array, columns: number): Float64Array {
  const rows = a.length / columns;
  const out = new Float64Array(a.length);
  for (let i = 0; i < rows; i++) for (let j = 0; j < columns; j++) out[j * rows + i] = a[i * columns + j]!;
  return out;
}

/** Pivots below this share of the trace are rounding: that direction has no variance of its own. */
const least = 1e-14;

/** Columns of Cholesky's factor that are found together: what they take from those before is one product. */
const panel = 64;

/** Lower triangular L [n, n] with L Lᵀ = A for a positive semidefinite A (Cholesky), of which only the lower half is read. */
export function cholesky(a: Float64Array, n: number): Float64Array {
  const l = new Float64Array(n * n);
  let trace = 0;
  for (let i = 0; i < n; i++) trace += a[i * n + i]!;
  for (let first = 0; first < n; first += panel) {
    const width = Math.min(panel, n - first);
    const rows = n - first;
    // Of the rows from `first` on what lies before that column, and its product with the first of them.
    const before = new Float64Array(rows * first);
    for (let i = 0; i < rows; i++)
      before.set(l.subarray((first + i) * n, (first + i) * n + first), i * first);
    const taken = new Float64Array(rows * width);
    if (first > 0) addProduct(before, before.slice(0, width * first), first, taken);
    for (let i = 0; i < rows; i++) {
      const row = (first + i) * n + first;
      for (let j = 0; j <= Math.min(i, width - 1); j++) {
        let rest = a[row + j]! - taken[i * width + j]!;
        const other = (first + j) * n + first;
        for (let k = 0; k < j; k++) rest -= l[row + k]! * l[other + k]!;
        if (i === j) l[row + j] = rest > least * trace ? Math.sqrt(rest) : 0;
        else if (l[other + j]! > 0) l[row + j] = rest / l[other + j]!;
      }
    }
  }
  return l;
}

/**
 * Eigenvalues of a symmetric matrix [n, n], of which only the lower half is read: Householder reflections to a tridiagonal matrix, whose eigenvalues are
 * counted by Sturm sequences and found by bisection (Golub and Van Loan, 8.3 and 8.4).
 */
export function symmetricEigenvalues(a: Float64Array, n: number): Float64Array {
  const diagonal = new Float64Array(n);
  /** Between rows i - 1 and i. */
  const off = new Float64Array(n);
  const memory = memoryOf(8 * (n * n + 5 * n));
  const { reflect } = kernels(memory);
  const matrix = new Float64Array(memory.buffer, 0, n * n);
  matrix.set(a);
  const vector = (i: number): Float64Array => new Float64Array(memory.buffer, 8 * n * (n + i), n);
  // The reflection that is due, A - u qᵀ - q uᵀ, is done while the product of A with the next one is summed: A is read once for each.
  let [u, q, v, product] = [vector(0), vector(1), vector(2), vector(3)];
  for (let i = n - 1; i > 0; i--) {
    const row = matrix.subarray(i * n, i * n + i + 1);
    // Row i is needed first. Its own part of the reflection that is due:
    for (let k = 0; k <= i; k++) row[k]! -= u[i]! * q[k]! + q[i]! * u[k]!;
    diagonal[i] = row[i]!;
    // The reflection that leaves of row i only its last entry before the diagonal.
    v.fill(0);
    v.set(row.subarray(0, i));
    let norm = 0;
    for (let k = 0; k < i; k++) norm += v[k]! * v[k]!;
    norm = Math.sqrt(norm);
    off[i] = v[i - 1]! > 0 ? -norm : norm;
    const h = norm * (norm + Math.abs(v[i - 1]!)); // |v|²/2
    v[i - 1]! -= off[i]!;
    product.fill(0);
    reflect(matrix.byteOffset, n, i, u.byteOffset, q.byteOffset, v.byteOffset, product.byteOffset);
    if (h > 0) {
      let overlap = 0;
      for (let k = 0; k < i; k++) {
        product[k]! /= h;
        overlap += v[k]! * product[k]!;
      }
      for (let k = 0; k < i; k++) product[k]! -= (overlap / (2 * h)) * v[k]!;
    } else {
      v.fill(0);
      product.fill(0);
    }
    [u, q, v, product] = [v, product, u, q];
  }
  diagonal[0] = matrix[0]! - 2 * u[0]! * q[0]!;
  return tridiagonalEigenvalues(diagonal, off);
}

/** Eigenvalues, rising, by bisection of the interval of Gershgorin's circles. */
function tridiagonalEigenvalues(diagonal: Float64Array, off: Float64Array): Float64Array {
  const n = diagonal.length;
  const squares = off.map((value) => value * value);
  let [low, high] = [Infinity, -Infinity];
  for (let i = 0; i < n; i++) {
    const radius = Math.abs(off[i]!) + Math.abs(off[i + 1] ?? 0);
    low = Math.min(low, diagonal[i]! - radius);
    high = Math.max(high, diagonal[i]! + radius);
  }
  const precision = Number.EPSILON * Math.max(Math.abs(low), Math.abs(high));
  /** Eigenvalues below x: negative pivots of T - x. */
  const below = (x: number): number => {
    let count = 0;
    let pivot = 1;
    for (let i = 0; i < n; i++) {
      pivot = diagonal[i]! - x - squares[i]! / pivot;
      if (pivot === 0) pivot = precision || Number.MIN_VALUE;
      if (pivot < 0) count++;
    }
    return count;
  };
  const values = new Float64Array(n);
  const search = (from: number, to: number, first: number, end: number): void => {
    if (first >= end) return;
    const middle = (from + to) / 2;
    if (to - from <= precision) {
      values.fill(middle, first, end);
      return;
    }
    const split = Math.min(end, Math.max(first, below(middle)));
    search(from, middle, first, split);
    search(middle, to, split, end);
  };
  search(low, high, 0, n);
  return values;
}
