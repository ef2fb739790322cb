// What the Fréchet distance needs of matrices with thousands of rows, in double precision and row by row: general libraries take minutes there.

/** Numbers of rows of the second factor that stay in the processor's cache. */
const cached = 2 ** 17;

/**
 * Adds A Bᵀ to `out` [n, m] for A [n, width] and B [m, width], row-major; of the product of a matrix with itself (the same array twice) only the lower half.
 */
export function addProduct(a: Float64Array, b: Float64Array, width: number, out: Float64Array): void {
  const [n, m] = [a.length / width, b.length / width];
  const block = 2 * Math.max(1, Math.floor(cached / width / 2));
  for (let start = 0; start < m; start += block) {
    const end = Math.min(start + block, m);
    // Tiles of 4 x 2, so that a number that is read serves several products.
    for (let i = a === b ? start - (start % 4) : 0; i < n; i += 4) {
      const [r1, r2, r3] = [Math.min(i + 1, n - 1), Math.min(i + 2, n - 1), Math.min(i + 3, n - 1)];
      const last = a === b ? Math.min(end, r3 + 1) : end;
      for (let j = start; j < last; j += 2) {
        const [a0, a1, a2, a3] = [i * width, r1 * width, r2 * width, r3 * width];
        const [b0, b1] = [j * width, Math.min(j + 1, m - 1) * width];
        let s00 = 0;
        let s01 = 0;
        let s10 = 0;
        let s11 = 0;
        let s20 = 0;
        let s21 = 0;
        let s30 = 0;
        let s31 = 0;
        for (let k = 0; k < width; k++) {
          const x = b[b0 + k]!;
          const y = b[b1 + k]!;
          const p = a[a0 + k]!;
          const q = a[a1 + k]!;
          const r = a[a2 + k]!;
          const s = a[a3 + k]!;
          s00 += p * x;
          s01 += p * y;
          s10 += q * x;
          s11 += q * y;
          s20 += r * x;
          s21 += r * y;
          s30 += s * x;
          s31 += s * y;
        }
        const tile = [s00, s01, s10, s11, s20, s21, s30, s31];
        for (let t = 0; t < 8; t++) {
          const [row, column] = [i + (t >> 1), j + (t & 1)];
          if (row < n && column < m) out[row * m + column]! += tile[t]!;
        }
      }
    }
  }
}

/** A [rows, columns] with rows and columns exchanged. */
export function transpose(a: Float64Array, columns: number): Float64Array {
  const rows = a.length / columns;
  const out = new Float64Array(a.length);
  for (let i = 0; i < rows; i++) for (let j = 0; j < columns; j++) out[j * rows + i] = a[i * columns + j]!;
  return out;
}

/** Pivots below this share of the trace are rounding: that direction has no variance of its own. */
const least = 1e-14;

/** Lower triangular L [n, n] with L Lᵀ = A for a positive semidefinite A (Cholesky). */
export function cholesky(a: Float64Array, n: number): Float64Array {
  const l = new Float64Array(n * n);
  let trace = 0;
  for (let i = 0; i < n; i++) trace += a[i * n + i]!;
  for (let i = 0; i < n; i++) {
    for (let j = 0; j <= i; j++) {
      let rest = a[i * n + j]!;
      for (let k = 0; k < j; k++) rest -= l[i * n + k]! * l[j * n + k]!;
      if (i === j) l[i * n + i] = rest > least * trace ? Math.sqrt(rest) : 0;
      else if (l[j * n + j]! > 0) l[i * n + j] = rest / l[j * n + j]!;
    }
  }
  return l;
}

/**
 * Eigenvalues of a symmetric matrix [n, n], of which only the lower half is read, and overwritten: Householder reflections to a tridiagonal matrix, whose
 * eigenvalues are counted by Sturm sequences and found by bisection (Golub and Van Loan, 8.3 and 8.4).
 */
export function symmetricEigenvalues(a: Float64Array, n: number): Float64Array {
  const diagonal = new Float64Array(n);
  /** Between rows i - 1 and i. */
  const off = new Float64Array(n);
  const q = new Float64Array(n);
  for (let i = n - 1; i > 0; i--) {
    diagonal[i] = a[i * n + i]!;
    // The reflection that leaves of row i only its last entry before the diagonal.
    const u = a.subarray(i * n, i * n + i);
    const norm = Math.sqrt(u.reduce((sum, value) => sum + value * value, 0));
    off[i] = u[i - 1]! > 0 ? -norm : norm;
    if (norm === 0) continue;
    const h = norm * (norm + Math.abs(u[i - 1]!)); // |u|²/2
    u[i - 1]! -= off[i]!;
    q.fill(0, 0, i);
    for (let j = 0; j < i; j++) {
      const row = j * n;
      const uj = u[j]!;
      let sum = 0;
      for (let k = 0; k < j; k++) {
        const value = a[row + k]!;
        sum += value * u[k]!;
        q[k]! += value * uj;
      }
      q[j]! += sum + a[row + j]! * uj;
    }
    let overlap = 0;
    for (let j = 0; j < i; j++) {
      q[j]! /= h;
      overlap += u[j]! * q[j]!;
    }
    for (let j = 0; j < i; j++) q[j]! -= (overlap / (2 * h)) * u[j]!;
    for (let j = 0; j < i; j++) {
      const row = j * n;
      const [uj, qj] = [u[j]!, q[j]!];
      for (let k = 0; k <= j; k++) a[row + k]! -= uj * q[k]! + qj * u[k]!;
    }
  }
  diagonal[0] = a[0]!;
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
