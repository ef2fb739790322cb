import { test } from "uvu";
import * as assert from "uvu/assert";
import * as random from "../../src/engine/random.js";
import {
  distancesToData,
  energyDistance,
  frechetDistance,
  gaussianFrechet,
  manifoldDistance,
  mmd,
  slicedWasserstein,
} from "../../src/metrics/index.js";
import { rejection } from "../rejection.js";

const rows = (...values: number[]): Float32Array => Float32Array.from(values);
const near = (actual: number, expected: number, tolerance: number): void =>
  assert.ok(Math.abs(actual - expected) <= tolerance, `${actual}, not ${expected} within ${tolerance}`);

test("sliced Wasserstein in one dimension is the Wasserstein distance", () => {
  near(slicedWasserstein(rows(0, 1, 5), rows(2, 7, 3), { dim: 1 }), 2, 1e-6);
  // Half of the mass at 0 goes to 2: the root of 4/2.
  near(slicedWasserstein(rows(0), rows(0, 2), { dim: 1 }), Math.SQRT2, 1e-6);
  // Quantiles of 2 and 3 rows meet at 1/3, 1/2, 2/3: (1/3) 0 + (1/6) 1 + (1/6) 4 + (1/3) 1.
  near(slicedWasserstein(rows(0, 3), rows(0, 1, 4), { dim: 1 }), Math.sqrt(1 / 6 + 4 / 6 + 1 / 3), 1e-6);
});

test("sliced Wasserstein of a shift is its norm over the root of the dimension", () => {
  const x = random.normal(random.key(1), 500 * 4);
  const y = x.map((value, i) => value + [3, 0, 4, 0][i % 4]!);
  near(slicedWasserstein(x, y, { dim: 4, directions: 4000 }), 5 / 2, 0.05);
  assert.is(slicedWasserstein(x, x, { dim: 4 }), 0);
  assert.is(slicedWasserstein(x, y, { dim: 4, seed: 7 }), slicedWasserstein(x, y, { dim: 4, seed: 7 }));
  assert.is.not(slicedWasserstein(x, y, { dim: 4, seed: 7 }), slicedWasserstein(x, y, { dim: 4, seed: 8 }));
});

test("energy distance by hand, and of equal distributions about 0", () => {
  // 2 mean(1, 3, 1, 1) - 2 - 2
  near(energyDistance(rows(0, 2), rows(1, 3), { dim: 1 }), -1, 1e-6);
  near(energyDistance(rows(0, 0, 0, 0), rows(3, 4, 3, 4), { dim: 2 }), 10, 1e-6);
  const [a, b] = random.split(random.key(2)).map((key) => random.normal(key, 2000));
  near(energyDistance(a!, b!, { dim: 2 }), 0, 0.02);
});

test("MMD by hand, and between normal distributions as integrated", () => {
  const k = (d: number, s: number): number => Math.exp((-d * d) / (2 * s * s));
  const expected = k(2, 1.5) + k(2, 1.5) - 2 * (0.25 * k(3, 1.5) + 0.75 * k(1, 1.5));
  near(mmd(rows(0, 2), rows(1, 3), { dim: 1, bandwidths: [1.5] }), expected, 1e-6);
  const [a, b] = random.split(random.key(3)).map((key) => random.normal(key, 2000));
  const shifted = b!.map((value) => value + 1);
  const s = 0.8;
  const mean = (m: number): number => (s / Math.sqrt(s * s + 2)) * Math.exp((-m * m) / (2 * (s * s + 2)));
  near(mmd(a!, shifted, { dim: 1, bandwidths: [s] }), 2 * mean(0) - 2 * mean(1), 0.02);
  near(mmd(a!, b!, { dim: 1 }), 0, 0.005);
});

test("Frechet distance of Gaussians", () => {
  const gaussian = (mean: number[], covariance: number[]) => ({
    mean: Float64Array.from(mean),
    covariance: Float64Array.from(covariance),
  });
  // Diagonal: the sum of (m1 - m2)^2 + (s1 - s2)^2.
  near(gaussianFrechet(gaussian([1, 2], [4, 0, 0, 9]), gaussian([0, 2], [1, 0, 0, 25])), 1 + 1 + 4, 1e-9);
  // 2 x 2 that do not commute: tr (AB)^1/2 = sqrt(tr AB + 2 sqrt(det AB)).
  const [A, B] = [
    [2, 1, 1, 3],
    [1, -0.5, -0.5, 2],
  ] as const;
  const trace = A[0] * B[0] + A[1] * B[2] + A[2] * B[1] + A[3] * B[3];
  const determinant = (A[0] * A[3] - A[1] * A[2]) * (B[0] * B[3] - B[1] * B[2]);
  const expected = A[0] + A[3] + B[0] + B[3] - 2 * Math.sqrt(trace + 2 * Math.sqrt(determinant));
  near(gaussianFrechet(gaussian([0, 0], [...A]), gaussian([0, 0], [...B])), expected, 1e-9);
});

test("Frechet distance of rows: a shift, a scale, and rows that span less than the space", () => {
  const x = random.normal(random.key(4), 300 * 3);
  near(frechetDistance(x, x, { dim: 3 }), 0, 1e-6);
  const shifted = x.map((value, i) => value + [1, -2, 2][i % 3]!);
  near(frechetDistance(x, shifted, { dim: 3 }), 9, 1e-4);
  const flat = rows(0, 0, 1, 1, 2, 2);
  near(frechetDistance(flat, rows(0, 0, 2, 2, 4, 4), { dim: 2 }), 2 + 2, 1e-6);
});

test("distance to a manifold and to data", () => {
  const circle = {
    ambientDim: 2,
    project: (points: Float32Array) =>
      points.map((value, i) => value / Math.hypot(points[i - (i % 2)]!, points[i - (i % 2) + 1]!)),
  };
  near(manifoldDistance(rows(3, 4, 0, 0.5), circle), (4 + 0.5) / 2, 1e-6);
  assert.equal(Array.from(distancesToData(rows(0, 0, 5, 5), rows(3, 4, 5, 6), 2)), [5, 1]);
});

test("empty, ragged and non-finite rows are refused by name", async () => {
  const good = rows(1, 2, 3, 4);
  for (const measure of [slicedWasserstein, energyDistance, mmd, frechetDistance]) {
    for (const bad of [rows(), rows(1, 2, 3), rows(1, Number.NaN, 2, 3)]) {
      const error = await rejection(() => measure(bad, good, { dim: 2 }));
      assert.is(error.code, "invalid-argument");
    }
  }
  const error = await rejection(() => slicedWasserstein(good, rows(1, 2, 3, Number.NaN), { dim: 2 }));
  assert.is(error.argument, "y");
  assert.match(error.message, /NaN in row 1/);
});

test.run();
