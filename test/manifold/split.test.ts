import { test } from "uvu";
import * as assert from "uvu/assert";
import * as random from "../../src/engine/random.js";
import type { KnownManifold } from "../../src/loop/data.js";
import {
  directionCosine,
  localTangentBasis,
  splitAtManifold,
  splitByNeighbours,
} from "../../src/manifold/index.js";
import { close } from "../reference/fixtures.js";

/** The unit circle in the first two of three dimensions. */
const circle: KnownManifold = {
  ambientDim: 3,
  dim: 1,
  project: (points) =>
    points.map((value, i) => {
      const row = i - (i % 3);
      return i % 3 === 2 ? 0 : value / Math.hypot(points[row]!, points[row + 1]!);
    }),
  tangentBasis: (points) => points.map((_, i) => [-points[i + 1]!, points[i - 1]!, 0][i % 3]!),
};

test("a tangent of known parts is split into them", () => {
  const from = Float32Array.from([2, 0, 0.5, 0, 0.5, 0]);
  const vectors = Float32Array.from([3, 4, 0, 1, 0, 0]);
  const split = splitAtManifold(vectors, from, circle);
  close(split.parallel, [0, 4, 0, 1, 0, 0], 1e-6, "parallel");
  close(split.normal, [3, 0, 0, 0, 0, 0], 1e-6, "normal");
  close(split.perProbe, [16 / 25, 1], 1e-6, "per probe");
  assert.ok(Math.abs(split.parallelShare - 17 / 26) < 1e-6);
});

test("local PCA finds the tangent plane of a sphere", () => {
  const [count, width] = [3000, 5];
  const data = random.normal(random.key(1), count * width);
  for (let i = 0; i < count; i++) {
    data.fill(0, i * width + 3, (i + 1) * width);
    const row = data.subarray(i * width, i * width + 3);
    const norm = Math.hypot(...row);
    for (let j = 0; j < 3; j++) row[j]! /= norm;
  }
  const from = Float32Array.from([1.1, 0, 0, 0.05, 0]);
  const config = { ambientDim: width, neighbours: 30, dim: 2 };
  const basis = localTangentBasis(from, data, config);
  for (const [a, b, expected] of [
    [0, 0, 1],
    [1, 1, 1],
    [0, 1, 0],
  ] as const) {
    let dot = 0;
    for (let j = 0; j < width; j++) dot += basis[a * width + j]! * basis[b * width + j]!;
    assert.ok(Math.abs(dot - expected) < 1e-5, `inner product ${a} ${b}: ${dot}`);
  }
  const along = splitByNeighbours(Float32Array.from([0, 1, 1, 0, 0]), from, data, config);
  const across = splitByNeighbours(Float32Array.from([1, 0, 0, 1, 1]), from, data, config);
  assert.ok(along.parallelShare > 0.98, String(along.parallelShare));
  assert.ok(across.parallelShare < 0.02, String(across.parallelShare));
});

test("in D dimensions a random direction has a share dim/D", () => {
  const data = random.normal(random.key(2), 200 * 20);
  const vectors = random.normal(random.key(3), 200 * 20);
  const split = splitByNeighbours(vectors, data, data, { ambientDim: 20, neighbours: 12, dim: 5 });
  assert.ok(Math.abs(split.parallelShare - 0.25) < 0.03, String(split.parallelShare));
});

test("cosines between recordings", () => {
  const { mean, perProbe } = directionCosine(
    Float32Array.from([1, 0, 1, 1, 2, 0]),
    Float32Array.from([3, 0, 1, -1, -1, 0]),
    2,
  );
  close(perProbe, [1, 0, -1], 1e-6, "cosines");
  assert.ok(Math.abs(mean) < 1e-6);
});

test("neighbours and dimensions that cannot be are refused", () => {
  const data = new Float32Array(10);
  const from = new Float32Array(2);
  assert.throws(() => localTangentBasis(from, data, { ambientDim: 2, neighbours: 6, dim: 1 }), /neighbours/);
  assert.throws(() => localTangentBasis(from, data, { ambientDim: 2, neighbours: 4, dim: 3 }), /invalid dim/);
  assert.throws(() => directionCosine(from, data, 2), /vectors/);
});

test.run();
