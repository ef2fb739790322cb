import { UMAP } from "umap-js";
import { test } from "uvu";
import * as assert from "uvu/assert";
import * as random from "../../src/engine/random.js";
import { TangentLabError } from "../../src/errors.js";
import { fitUmap, nearestNeighbors, type Points, pca, trustworthiness, umap } from "../../viz/index.js";
import { featurePlane } from "../../viz/projections/feature-plane.js";
import { fuzzyGraph } from "../../viz/projections/fuzzy-graph.js";
import { exactNeighbors, likelyNeighbors } from "../../viz/projections/neighbors.js";
import { prepare } from "../../viz/projections/prepared.js";
import { searchVectors } from "../../viz/projections/search-vectors.js";
import { atOnce } from "../../viz/projections/turns.js";

const noise = (seed: number, count: number, dim: number): Points => ({
  shape: [count, dim],
  values: random.normal(random.key(seed), count * dim),
});

const near = (actual: number, expected: number, tolerance: number, message?: string): void =>
  assert.ok(
    Math.abs(actual - expected) <= tolerance,
    `${message ?? ""} ${actual} is not ${expected} ± ${tolerance}`,
  );

test("PCA finds orthonormal axes in the order of their variance", () => {
  const { values } = noise(1, 500, 5);
  const scales = [1, 4, 0.1, 2, 0.1];
  const fitted = pca({
    shape: [500, 5],
    values: Array.from(values, (value, i) => value * scales[i % 5]! + 7),
  });
  const [first, second] = [fitted.components.subarray(0, 5), fitted.components.subarray(5)];
  near(Math.hypot(...first), 1, 1e-9);
  near(Math.hypot(...second), 1, 1e-9);
  near(
    first.reduce((sum, value, k) => sum + value * second[k]!, 0),
    0,
    1e-9,
  );
  near(first[1]!, 1, 0.02, "first axis");
  near(second[3]!, 1, 0.02, "second axis");
  near(fitted.explained, 20 / 21.02, 0.01, "explained");
});

test("PCA keeps distances within a plane embedded in 16 dimensions, whose two variances are alike", () => {
  const circle = Array.from({ length: 40 }, (_, i) => [Math.cos(i), Math.sin(i)] as const);
  const basis = pca(noise(2, 100, 16)).components; // some orthonormal pair
  const values = circle.flatMap(([x, y]) =>
    Array.from({ length: 16 }, (_, k) => x * basis[k]! + y * basis[16 + k]!),
  );
  const fitted = pca({ shape: [40, 16], values });
  near(fitted.explained, 1, 1e-9);
  const { values: plane } = fitted.project({ shape: [40, 16], values });
  for (let i = 1; i < 40; i++) {
    const distance = Math.hypot(plane[2 * i]! - plane[0]!, plane[2 * i + 1]! - plane[1]!);
    near(distance, Math.hypot(circle[i]![0] - 1, circle[i]![1]), 1e-6);
  }
});

test("PCA of points on a line, or of one point repeated, still gives a plane", () => {
  const line = pca({ shape: [3, 3], values: [0, 0, 0, 1, 1, 1, 2, 2, 2] });
  near(line.explained, 1, 1e-9);
  near(line.components[0]!, Math.sqrt(1 / 3), 1e-9);
  near(Math.hypot(...line.components.subarray(3)), 1, 1e-9);
  assert.is(pca({ shape: [3, 3], values: [1, 2, 3, 1, 2, 3, 1, 2, 3] }).explained, 1);
});

/** Three clouds far from each other in eight dimensions. */
const clouds: Points = {
  shape: [90, 8],
  values: noise(3, 90, 8).values instanceof Float32Array ? shifted() : [],
};

function shifted(): number[] {
  return Array.from(
    random.normal(random.key(3), 720),
    (value, i) => value + (i % 8 === Math.floor(i / 240) ? 30 : 0),
  );
}

const cloudCentre = (embedding: Points, cloud: number, axis: number): number => {
  let sum = 0;
  for (let i = cloud * 30; i < cloud * 30 + 30; i++) sum += embedding.values[2 * i + axis]! / 30;
  return sum;
};

test("UMAP keeps clouds apart, is the same for the same seed, and places new points with their cloud", () => {
  const map = umap(clouds, { seed: 5 });
  assert.equal(map.embedding, umap(clouds, { seed: 5 }).embedding);
  assert.not.equal(map.embedding, umap(clouds, { seed: 6 }).embedding);
  assert.ok(trustworthiness(clouds, map.embedding) > 0.8);
  const fresh = { shape: [1, 8], values: [0.2, 30, 0, 0, 0.1, 0, 0, 0] };
  const [x, y] = Array.from(map.project(fresh).values);
  const distances = [0, 1, 2].map((cloud) =>
    Math.hypot(x! - cloudCentre(map.embedding, cloud, 0), y! - cloudCentre(map.embedding, cloud, 1)),
  );
  assert.is(distances.indexOf(Math.min(...distances)), 1);
});

test("a small step in the data is a small step in UMAP's plane", () => {
  const map = umap(clouds);
  const at = (x: number): number[] =>
    Array.from(map.project({ shape: [1, 8], values: [x, 29, 0, 0, 0, 0, 0, 0] }).values);
  const [a, b] = [at(0), at(1e-4)];
  assert.ok(Math.hypot(a[0]! - b[0]!, a[1]! - b[1]!) < 0.01);
});

test("a point that keeps its neighbours moves on UMAP's plane as they do, one that leaves them gets to its new ones", () => {
  const map = umap(clouds, { anchors: 40 });
  const from = { shape: [1, 8], values: [0, 24, 0, 0, 0, 0, 0, 0] };
  const places = { shape: [1, 2], values: [3, -4] };
  const moved = (values: number[]): number[] =>
    Array.from(map.move(places, from, { shape: [1, 8], values }).values);
  assert.equal(moved([...from.values]), [3, -4], "not moved");
  const far = { shape: [1, 8], values: [30, 0, 0, 0, 0, 0, 0, 0] };
  const [x, y] = Array.from(map.project(far).values);
  assert.equal(moved(far.values), [x, y], "no neighbour kept");
});

test("only anchors place other points", () => {
  const map = umap(clouds, { anchors: 30 });
  const [x, y] = Array.from(map.project({ shape: [1, 8], values: [0, 0, 30, 0, 0, 0, 0, 0] }).values);
  const spread = Math.hypot(x! - cloudCentre(map.embedding, 0, 0), y! - cloudCentre(map.embedding, 0, 1));
  const away = Math.hypot(x! - cloudCentre(map.embedding, 2, 0), y! - cloudCentre(map.embedding, 2, 1));
  assert.ok(spread < away, `${spread} from the anchors' cloud, ${away} from its own`);
});

test("trustworthiness is 1 for the data themselves and a half for noise", () => {
  const points = noise(4, 200, 2);
  assert.is(trustworthiness(points, points), 1);
  near(trustworthiness(noise(4, 200, 6), noise(5, 200, 2)), 0.5, 0.06);
});

test("trustworthiness by hand: of six points on a line, two at the ends change places", () => {
  const line = { shape: [6, 2], values: [0, 0, 1, 0, 2.1, 0, 3.3, 0, 4.6, 0, 6, 0] };
  const swapped = { shape: [6, 2], values: [6, 0, 1, 0, 2.1, 0, 3.3, 0, 4.6, 0, 0, 0] };
  // Nearest in the plane: 0 -> 4 (rank 4 in the data), 1 -> 5 (rank 5), 2 -> 1, 3 -> 2, 4 -> 3, 5 -> 1 (rank 4): penalties 3, 4, 0, 0, 0, 3.
  near(trustworthiness(line, swapped, 1), 1 - (2 / (6 * 1 * (12 - 3 - 1))) * 10, 1e-12);
});

test("trustworthiness of some points is near that of all", () => {
  const [data, map] = [noise(6, 400, 3), noise(6, 400, 3)];
  const flat = { shape: [400, 2], values: Array.from(map.values).filter((_, i) => i % 3 < 2) };
  near(trustworthiness(data, flat, 5, 200), trustworthiness(data, flat, 5), 0.02);
  assert.is(trustworthiness(data, flat, 5, 400), trustworthiness(data, flat, 5));
});

/** Points of 100 dimensions near a space of 20, as pictures are. */
function nearSpace(count: number): Points {
  const [inside, basis, outside] = [noise(7, count, 20), noise(8, 20, 100), noise(9, count, 100)];
  const values = Float32Array.from(outside.values, (value) => 0.3 * value);
  for (let i = 0; i < count; i++)
    for (let b = 0; b < 20; b++)
      for (let d = 0; d < 100; d++)
        values[i * 100 + d]! += inside.values[i * 20 + b]! * basis.values[b * 100 + d]!;
  return { shape: [count, 100], values };
}

test("of many points nearly all of the neighbours are found along fewer directions", () => {
  const [count, k] = [2100, 10];
  const prepared = atOnce(prepare(nearSpace(count)));
  const vectors = atOnce(searchVectors(prepared, k, 2 * k));
  assert.ok(vectors && vectors.length < count * 100, "fewer directions");
  const [found, exact] = [atOnce(likelyNeighbors(prepared, k)), atOnce(exactNeighbors(prepared, k))];
  let same = 0;
  for (let i = 0; i < count; i++) {
    const row = new Set(exact.indices.subarray(i * k, (i + 1) * k));
    for (let j = i * k; j < (i + 1) * k; j++) if (row.has(found.indices[j]!)) same++;
  }
  assert.ok(same >= 0.93 * count * k, `${same} of ${count * k}`);
});

test("noise, which no few directions hold, has its neighbours found exactly", () => {
  const prepared = atOnce(prepare(noise(10, 2100, 100)));
  assert.is(atOnce(searchVectors(prepared, 10, 20)), undefined);
});

test("the graph is umap-js's", () => {
  const [count, k] = [60, 7];
  const points = noise(11, count, 4);
  const table = atOnce(exactNeighbors(atOnce(prepare(points)), k));
  const rows = <T>(values: ArrayLike<T>): T[][] =>
    Array.from({ length: count }, (_, i) => Array.prototype.slice.call(values, i * k, (i + 1) * k));
  const theirs = new UMAP({ nNeighbors: k });
  theirs.setPrecomputedKNN(rows(table.indices), rows(table.distances));
  theirs.initializeFit(
    Array.from({ length: count }, (_, i) => Array.from({ length: 4 }, (_, d) => points.values[4 * i + d]!)),
  );
  const graph = Reflect.get(theirs, "graph") as { get(row: number, column: number): number };
  const { head, tail, weights } = fuzzyGraph(table, 0);
  let edges = 0;
  for (let i = 0; i < count; i++) for (let j = 0; j < count; j++) if (graph.get(i, j) > 0) edges++;
  assert.is(head.length, edges);
  for (let e = 0; e < edges; e++) near(weights[e]!, graph.get(head[e]!, tail[e]!), 1e-4);
});

test("bad points are refused by name", () => {
  const fails = (body: () => unknown, argument: string): void =>
    assert.throws(body, (error: unknown) => error instanceof TangentLabError && error.argument === argument);
  fails(() => pca(noise(1, 1, 3)), "points.shape[0]");
  fails(() => pca(noise(1, 3, 1)), "points.shape");
  fails(() => pca({ shape: [2, 2], values: [1, 2, 3, Infinity] }), "points.values[3]");
  fails(() => umap(noise(1, 7, 3)), "points.shape[0]");
  fails(() => umap(noise(1, 20, 3), { neighbors: 20 }), "neighbors");
  fails(() => umap(noise(1, 20, 3), { minDistance: -1 }), "minDistance");
  fails(() => umap(noise(1, 20, 3)).project(noise(1, 2, 4)), "points.shape");
  fails(() => trustworthiness(noise(1, 10, 3), noise(1, 9, 2)), "projected.shape[0]");
  fails(() => trustworthiness(noise(1, 10, 3), noise(1, 10, 2), 5), "neighbors");
});

test("the engine finds the neighbours that a search one by one finds", async () => {
  const [count, dim, k] = [620, 5, 6];
  // Far from the origin: products of float32 alone would lose the distances.
  const values = random.normal(random.key(3), count * dim).map((value) => value + 300);
  const { indices, distances } = await nearestNeighbors({ shape: [count, dim], values }, k);
  for (const i of [0, 499, 500, 619]) {
    const all = Array.from({ length: count }, (_, j) => ({
      j,
      distance: Math.hypot(
        ...Array.from({ length: dim }, (_, d) => values[i * dim + d]! - values[j * dim + d]!),
      ),
    })).sort((a, b) => a.distance - b.distance);
    assert.equal(
      indices[i],
      all.slice(0, k).map(({ j }) => j),
    );
    for (const [rank, distance] of distances[i]!.entries())
      assert.ok(Math.abs(distance - all[rank]!.distance) < 1e-3);
  }
});

test("UMAP with the engine's neighbours keeps groups together, the same for the same seed", async () => {
  const values = random.normal(random.key(4), 120 * 6).map((value, i) => value + (i < 360 ? 12 : 0));
  const points = { shape: [120, 6], values };
  const [a, b] = [await fitUmap(points, { seed: 1 }), await fitUmap(points, { seed: 1 })];
  assert.equal(a.embedding, b.embedding);
  const far = (i: number, j: number): number =>
    Math.hypot(
      a.embedding.values[2 * i]! - a.embedding.values[2 * j]!,
      a.embedding.values[2 * i + 1]! - a.embedding.values[2 * j + 1]!,
    );
  const nearest = (i: number): number =>
    Array.from({ length: 120 }, (_, j) => j)
      .filter((j) => j !== i)
      .reduce((best, j) => (far(i, j) < far(i, best) ? j : best), i === 0 ? 1 : 0);
  for (const i of [0, 30, 59, 60, 119]) assert.is(nearest(i) < 60, i < 60);
});

test("a plane for directions in feature space: the points' principal axis, and where directions leave it", () => {
  // Points along the first axis, a little along the second; directions along the first and the third.
  const points = { shape: [4, 3], values: [-2, 0.1, 0, -1, -0.1, 0, 1, -0.1, 0, 2, 0.1, 0] };
  const plane = featurePlane(points, { shape: [2, 3], values: [1, 0, 0.5, -1, 0, -1] });
  const { values } = plane.project({ shape: [3, 3], values: [1, 0, 0, 0, 1, 0, 0, 0, 1] });
  const expected = [1, 0, 0, 0, 0, 1];
  for (const [i, value] of expected.entries()) assert.ok(Math.abs(values[i]! - value) < 1e-6, `${values[i]}`);
  // Directions along the points' axis alone leave no second axis: it is the points' own.
  const along = featurePlane(points, { shape: [1, 3], values: [3, 0, 0] });
  const [, up] = along.project({ shape: [1, 3], values: [0, 1, 0] }).values as number[];
  assert.ok(Math.abs(up! - 1) < 1e-6);
});

test.run();
