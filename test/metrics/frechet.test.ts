import { EigenvalueDecomposition, Matrix } from "ml-matrix";
import { test } from "uvu";
import * as assert from "uvu/assert";
import * as random from "../../src/engine/random.js";
import { addProduct } from "../../src/engine/simd/product.js";
import { frechetDistance, gaussian, gaussianFrechet } from "../../src/metrics/frechet.js";
import { cholesky, symmetricEigenvalues, transpose } from "../../src/metrics/matrices.js";

const near = (actual: number, expected: number, relative: number): void =>
  assert.ok(
    Math.abs(actual - expected) <= relative * Math.max(1, Math.abs(expected)),
    `${actual}, ${expected}`,
  );

/** Correlated rows of falling variance, some columns constant, as the features of networks are. */
function features(seed: number, count: number, dim: number): Float32Array {
  const draws = random.normal(random.key(seed), count * dim);
  return draws.map((value, i) => {
    const column = i % dim;
    if (column % 9 === 8) return 0.5;
    const shared = column % 5 === 0 ? draws[i - column]! : 0;
    return Math.max(0, value * Math.exp((-3 * column) / dim) + shared + 0.2 * Math.sin(column + seed));
  });
}

/** The definition, by eigenvectors: tr (C1 C2)^1/2 = tr (C1^1/2 C2 C1^1/2)^1/2. */
function byRoots(x: Float32Array, y: Float32Array, dim: number): number {
  const [a, b] = [x, y].map((rows) => gaussian(rows, { dim })) as [
    ReturnType<typeof gaussian>,
    ReturnType<typeof gaussian>,
  ];
  const [A, B] = [a, b].map(({ covariance }) => Matrix.from1DArray(dim, dim, covariance)) as [Matrix, Matrix];
  const { eigenvectorMatrix: V, realEigenvalues } = new EigenvalueDecomposition(A, { assumeSymmetric: true });
  const roots = realEigenvalues.map((value) => Math.sqrt(Math.max(value, 0)));
  const root = V.mmul(Matrix.diag(roots)).mmul(V.transpose());
  const inner = root.mmul(B).mmul(root);
  const { realEigenvalues: values } = new EigenvalueDecomposition(inner.add(inner.transpose()).mul(0.5), {
    assumeSymmetric: true,
  });
  const trace = values.reduce((sum, value) => sum + Math.sqrt(Math.max(value, 0)), 0);
  return (
    a.mean.reduce((sum, value, i) => sum + (value - b.mean[i]!) ** 2, 0) + A.trace() + B.trace() - 2 * trace
  );
}

for (const [n, m] of [
  [300, 200],
  [30, 200],
  [200, 30],
  [20, 41],
  [40, 40],
] as const) {
  test(`of ${n} and ${m} rows of 40 numbers, as by the roots of the covariances`, () => {
    const [x, y] = [features(1, n, 40), features(2, m, 40)];
    const expected = byRoots(x, y, 40);
    near(frechetDistance(x, y, { dim: 40 }), expected, 1e-6);
    near(gaussianFrechet(gaussian(x, { dim: 40 }), gaussian(y, { dim: 40 })), expected, 1e-6);
  });
}

test("products, with and without tiles that reach over the edge, as ml-matrix has them", () => {
  for (const [n, m, width] of [
    [1, 1, 3],
    [7, 5, 2],
    [9, 300, 2000],
  ] as const) {
    const [a, b] = [n, m].map((count, i) =>
      Float64Array.from(random.normal(random.key(i), count * width)),
    ) as [Float64Array, Float64Array];
    const [A, B] = [Matrix.from1DArray(n, width, a), Matrix.from1DArray(m, width, b)];
    const out = new Float64Array(n * m).fill(1);
    addProduct(a, b, width, out);
    A.mmul(B.transpose())
      .to1DArray()
      .forEach((value, i) => {
        near(out[i]!, value + 1, 1e-12);
      });
    const square = new Float64Array(m * m);
    addProduct(b, b, width, square);
    const expected = B.mmul(B.transpose());
    for (let i = 0; i < m; i++)
      for (let j = 0; j <= i; j++) near(square[i * m + j]!, expected.get(i, j), 1e-12);
    assert.equal(Array.from(transpose(a, width)), A.transpose().to1DArray());
  }
});

test("Cholesky's factor gives the matrix back, also where it has no full rank", () => {
  const rows = Float64Array.from(random.normal(random.key(3), 4 * 6));
  const gram = new Float64Array(36);
  const columns = transpose(rows, 6);
  addProduct(columns, columns, 4, gram);
  const l = cholesky(gram, 6);
  const back = new Float64Array(36);
  addProduct(l, l, 6, back);
  for (let i = 0; i < 6; i++) for (let j = 0; j <= i; j++) near(back[i * 6 + j]!, gram[i * 6 + j]!, 1e-12);
});

test("eigenvalues, repeated and zero ones among them", () => {
  const draws = Matrix.from1DArray(12, 12, random.normal(random.key(4), 144));
  const matrix = draws.add(draws.transpose());
  const expected = new EigenvalueDecomposition(matrix, { assumeSymmetric: true }).realEigenvalues;
  symmetricEigenvalues(Float64Array.from(matrix.to1DArray()), 12).forEach((value, i) => {
    near(value, expected[i]!, 1e-12);
  });
  assert.equal(Array.from(symmetricEigenvalues(new Float64Array(9), 3)), [0, 0, 0]);
  const diagonal = symmetricEigenvalues(Float64Array.from([2, 0, 0, 0, -1, 0, 0, 0, 2]), 3);
  [-1, 2, 2].forEach((value, i) => {
    near(diagonal[i]!, value, 1e-12);
  });
});

test("Cholesky's factor and eigenvalues of a matrix of several panels", () => {
  const n = 150;
  const rows = Matrix.from1DArray(200, n, random.normal(random.key(5), 200 * n));
  const matrix = rows.transpose().mmul(rows);
  const values = Float64Array.from(matrix.to1DArray());
  const l = Matrix.from1DArray(n, n, cholesky(values, n));
  l.mmul(l.transpose())
    .sub(matrix)
    .to1DArray()
    .forEach((difference) => {
      near(difference, 0, 1e-9);
    });
  const expected = new EigenvalueDecomposition(matrix, { assumeSymmetric: true }).realEigenvalues;
  symmetricEigenvalues(values, n).forEach((value, i) => {
    near(value, expected[i]!, 1e-11);
  });
});

test.run();
