import { EigenvalueDecomposition, Matrix } from "ml-matrix";
import * as random from "../../src/engine/random.js";
import { addProduct } from "../../src/engine/simd/product.js";
import type { Work } from "./turns.js";

/** Of the subspace iteration: the gaps between one variance and the next count, not the variances' ends. */
const iterations = 4;

/**
 * The directions of most variance of centred rows, largest first, by subspace iteration from seeded draws: good to look at and to search in, not to the
 * last digit where variances are alike.
 * @param rows [count, dim].
 * @returns orthonormal, [components, dim].
 */
export function* leadingComponents(rows: Float64Array, dim: number, components: number): Work<Float64Array> {
  const count = rows.length / dim;
  const columns = new Float64Array(rows.length);
  for (let i = 0; i < count; i++) for (let d = 0; d < dim; d++) columns[d * count + i] = rows[i * dim + d]!;
  let axes = Float64Array.from(random.normal(random.key(0), components * dim));
  orthonormalize(axes, dim);
  const along = new Float64Array(components * count);
  const project = (): Float64Array => {
    along.fill(0);
    addProduct(axes, rows, dim, along);
    return along;
  };
  for (let i = 0; i < iterations; i++) {
    const next = new Float64Array(components * dim);
    addProduct(project(), columns, count, next);
    orthonormalize(next, dim);
    axes = next;
    yield;
  }
  // Within the subspace, the axes whose coordinates are uncorrelated (Rayleigh and Ritz).
  const gram = new Float64Array(components * components);
  addProduct(project(), along, count, gram);
  for (let i = 0; i < components; i++)
    for (let j = i + 1; j < components; j++) gram[i * components + j] = gram[j * components + i]!;
  const { realEigenvalues, eigenvectorMatrix } = new EigenvalueDecomposition(
    Matrix.from1DArray(components, components, gram),
    { assumeSymmetric: true },
  );
  const order = realEigenvalues.map((_, i) => i).sort((a, b) => realEigenvalues[b]! - realEigenvalues[a]!);
  const rotation = Float64Array.from(order.flatMap((i) => eigenvectorMatrix.getColumn(i)));
  const transposed = new Float64Array(axes.length);
  for (let i = 0; i < components; i++)
    for (let d = 0; d < dim; d++) transposed[d * components + i] = axes[i * dim + d]!;
  const result = new Float64Array(axes.length);
  addProduct(rotation, transposed, components, result);
  return result;
}

/** Gram and Schmidt, twice, in place. A row that the ones before it span becomes the first unit vector that they do not. */
function orthonormalize(rows: Float64Array, dim: number): void {
  const count = rows.length / dim;
  for (let i = 0; i < count; i++) {
    const row = rows.subarray(i * dim, (i + 1) * dim);
    const before = Math.sqrt(dot(row, row));
    subtractEarlier(rows, row, i, dim);
    subtractEarlier(rows, row, i, dim);
    let norm = Math.sqrt(dot(row, row));
    for (let unit = 0; !(norm > 1e-10 * before) || norm === 0; unit++) {
      row.fill(0);
      row[unit] = 1;
      subtractEarlier(rows, row, i, dim);
      subtractEarlier(rows, row, i, dim);
      norm = Math.sqrt(dot(row, row));
      if (norm > 1e-3 / Math.sqrt(dim)) break;
    }
    for (let d = 0; d < dim; d++) row[d]! /= norm;
  }
}

function subtractEarlier(rows: Float64Array, row: Float64Array, count: number, dim: number): void {
  for (let j = 0; j < count; j++) {
    const earlier = rows.subarray(j * dim, (j + 1) * dim);
    const overlap = dot(row, earlier);
    for (let d = 0; d < dim; d++) row[d]! -= overlap * earlier[d]!;
  }
}

function dot(a: Float64Array, b: Float64Array): number {
  let sum = 0;
  for (let d = 0; d < a.length; d++) sum += a[d]! * b[d]!;
  return sum;
}
