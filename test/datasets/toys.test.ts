import fc from "fast-check";
import { test } from "uvu";
import * as assert from "uvu/assert";
import {
  circle,
  type Dataset,
  embed,
  moons,
  sphere,
  spiral,
  swissRoll,
  torus,
} from "../../datasets/index.js";
import * as random from "../../src/engine/random.js";
import { rejection } from "../rejection.js";

const toys = [spiral, circle, moons, swissRoll, sphere, torus];
const all: Dataset[] = [...toys.map((toy) => toy()), embed(spiral(), 16, 3), embed(torus(), 7)];

type Point = Float32Array;

const distance = (a: ArrayLike<number>, b: ArrayLike<number>): number =>
  Math.hypot(...Array.from(a, (value, i) => value - b[i]!));
const inner = (a: ArrayLike<number>, b: ArrayLike<number>): number =>
  Array.from(a).reduce((sum, value, i) => sum + value * b[i]!, 0);
const row = (x: Float32Array, i: number, width: number): Point => x.subarray(i * width, (i + 1) * width);

for (const dataset of all) {
  const { name, shape, manifold } = dataset as Required<Dataset>;
  const D = shape[0]!;
  const project = (point: ArrayLike<number>): Point => manifold.project(Float32Array.from(point));
  const tangents = (point: Point): Point[] => {
    const basis = manifold.tangentBasis(point);
    return Array.from({ length: manifold.dim }, (_, i) => row(basis, i, D));
  };
  /** Dense samples: what the nearest point is compared with. */
  const cloud = dataset.sample(random.key(99), 4000).x;

  test(`${name}: mean 0, deviation 0.5 before embedding, the same draws for the same key`, () => {
    const { x } = dataset.sample(random.key(0), 20_000);
    const mean = x.reduce((a, b) => a + b) / x.length;
    const deviation = Math.sqrt(
      x.reduce((sum, value) => sum + value ** 2, 0) / 20_000 / (name.endsWith("d") ? manifold.dim + 1 : D),
    );
    assert.ok(Math.abs(mean) < 0.02, `mean ${mean}`);
    assert.ok(Math.abs(deviation - 0.5) < 0.01, `deviation ${deviation}`);
    assert.equal(dataset.sample(random.key(5), 3), dataset.sample(random.key(5), 3));
    assert.not.equal(dataset.sample(random.key(5), 3).x, dataset.sample(random.key(6), 3).x);
  });

  test(`${name}: examples are their own nearest points`, () => {
    const { x } = dataset.sample(random.key(1), 500);
    const projected = manifold.project(x);
    for (let i = 0; i < x.length; i++) assert.ok(Math.abs(projected[i]! - x[i]!) < 1e-6);
  });

  test(`${name}: nothing on the manifold is nearer than the nearest point, found twice the same`, () => {
    fc.assert(
      fc.property(fc.nat(), fc.double({ min: 0.01, max: 2, noNaN: true }), (seed, size) => {
        const near = dataset.sample(random.key(seed), 1).x;
        const noise = random.normal(random.foldIn(random.key(seed), 1), D);
        const point = near.map((value, k) => value + size * noise[k]!);
        const found = project(point);
        assert.ok(distance(project(found), found) < 1e-6);
        const least = distance(found, point);
        for (let i = 0; i < 4000; i++) assert.ok(least <= distance(row(cloud, i, D), point) + 1e-6);
        // Numeric minimisation: from the nearest sample, shrinking random steps along the manifold.
        let best: Point = near;
        for (let i = 0; i < 4000; i++) {
          if (distance(row(cloud, i, D), point) < distance(best, point)) best = row(cloud, i, D);
        }
        for (let step = 0.1, k = 0; step > 1e-5; k++, step *= 0.9) {
          const moves = random.normal(random.foldIn(random.key(seed), 2 + k), 8 * D);
          for (let j = 0; j < 8; j++) {
            const moved = project(best.map((value, m) => value + step * moves[j * D + m]!));
            if (distance(moved, point) < distance(best, point)) best = moved;
          }
        }
        assert.ok(least <= distance(best, point) + 1e-6);
      }),
      { seed: 2, numRuns: 15 },
    );
  });

  test(`${name}: what is left to the nearest point is orthogonal to the tangent space, or points beyond an edge`, () => {
    for (let i = 0; i < 60; i++) {
      const noise = random.normal(random.key(i), D);
      const point = row(cloud, i, D).map((value, k) => value + 0.3 * noise[k]!);
      const foot = project(point);
      const left = point.map((value, k) => value - foot[k]!);
      for (const direction of tangents(foot)) {
        const slope = inner(left, direction);
        if (Math.abs(slope) < 1e-5) continue;
        // An edge: going on in the direction that would lower the distance, the manifold ends.
        const beyond = foot.map((value, k) => value + Math.sign(slope) * 1e-3 * direction[k]!);
        assert.ok(distance(project(beyond), foot) < 1e-5, `slope ${slope}`);
      }
    }
  });

  test(`${name}: tangent bases are orthonormal and agree with finite differences`, () => {
    const h = 1e-2;
    for (let i = 0; i < 60; i++) {
      const point = row(cloud, i, D);
      const basis = tangents(point);
      assert.is(basis.length, manifold.dim);
      basis.forEach((a, j) => {
        for (const [k, b] of basis.entries()) assert.ok(Math.abs(inner(a, b) - (j === k ? 1 : 0)) < 1e-6);
      });
      // Neighbours on the manifold lie in the tangent space up to second order; so many must span it.
      const noise = random.normal(random.key(i), 12 * D);
      const reach = basis.map(() => 0);
      for (let j = 0; j < 12; j++) {
        const neighbour = project(point.map((value, k) => value + h * noise[j * D + k]!));
        const step = neighbour.map((value, k) => value - point[k]!);
        const length = Math.hypot(...step);
        const inside = basis.map((direction) => inner(step, direction));
        const outside = Math.sqrt(Math.max(0, length ** 2 - inner(inside, inside)));
        assert.ok(outside <= 6 * length ** 2 + 1e-6, `${outside} of ${length} outside`);
        inside.forEach((value, k) => {
          reach[k] = Math.max(reach[k]!, Math.abs(value));
        });
      }
      assert.ok(reach.every((value) => value > h / 10));
    }
  });
}

test("spiral, circle, sphere, torus: uniform", () => {
  const n = 40_000;
  const share = (x: Float32Array, width: number, inside: (p: Point) => boolean): number => {
    let count = 0;
    for (let i = 0; i < n; i++) if (inside(row(x, i, width))) count++;
    return count / n;
  };
  const near = (actual: number, expected: number): void =>
    assert.ok(Math.abs(actual - expected) < 4 * Math.sqrt(0.25 / n), `${actual}, not ${expected}`);
  near(
    share(circle().sample(random.key(0), n).x, 2, ([x]) => x! > Math.SQRT1_2 * Math.cos(Math.PI / 6)),
    1 / 6,
  );
  near(
    share(sphere().sample(random.key(0), n).x, 3, ([, , z]) => z! > Math.sqrt(3) / 4),
    1 / 4,
  ); // Archimedes
  // Area of the outer half of the tube: 1/2 + ratio / pi.
  near(
    share(torus().sample(random.key(0), n).x, 3, ([x, y]) => Math.hypot(x!, y!) > Math.SQRT1_2),
    0.5 + 0.5 / Math.PI,
  );
  // Length along an Archimedean spiral: (u sqrt(1 + u^2) + asinh u) / 2.
  const length = (u: number): number => (u * Math.sqrt(1 + u * u) + Math.asinh(u)) / 2;
  const [start, end] = [1.5 * Math.PI, 4.5 * Math.PI];
  const data = spiral();
  const { x } = data.sample(random.key(0), n);
  const centre = spiralCentre(data.manifold!.project);
  const scale = centre.scale;
  const u = 3 * Math.PI;
  near(
    share(x, 2, (p) => distance(p, centre.at) > scale * u),
    (length(end) - length(u)) / (length(end) - length(start)),
  );
});

/** Centre and scale of the spiral from two points of it: at its start (0, -1.5 pi) and at its end (0, 4.5 pi) in its own units. */
function spiralCentre(project: (points: Float32Array) => Float32Array): { at: number[]; scale: number } {
  const end = project(Float32Array.of(-0.2, 50)); // beyond the end, on its far side
  const start = project(Float32Array.of(0.05, -0.3));
  const scale = distance(start, end) / (6 * Math.PI);
  return { at: [end[0]!, end[1]! - scale * 4.5 * Math.PI], scale };
}

test("moons: labels tell the two half circles apart", () => {
  const data = moons();
  assert.is(data.numClasses, 2);
  const { x, labels } = data.sample(random.key(0), 2000);
  const ones = labels!.reduce((a, b) => a + b);
  assert.ok(Math.abs(ones - 1000) < 4 * Math.sqrt(500));
  // The upper one opens downwards: its mean is above that of the other.
  const height = [0, 1].map((label) => {
    const of = Array.from(labels!.keys()).filter((i) => labels![i] === label);
    return of.reduce((sum, i) => sum + x[2 * i + 1]!, 0) / of.length;
  });
  assert.ok(height[0]! > height[1]! + 0.3);
});

test("embedding keeps distances, for any dimension and seed; another seed turns it", () => {
  fc.assert(
    fc.property(fc.integer({ min: 3, max: 64 }), fc.nat(1000), (dim, seed) => {
      const flat = swissRoll().sample(random.key(1), 20).x;
      const up = embed(swissRoll(), dim, seed);
      assert.is(up.name, `swiss-roll-${dim}d`);
      const x = up.sample(random.key(1), 20).x;
      for (let i = 1; i < 20; i++) {
        const before = distance(row(flat, 0, 3), row(flat, i, 3));
        assert.ok(Math.abs(distance(row(x, 0, dim), row(x, i, dim)) - before) < 1e-6);
      }
      assert.not.equal(embed(swissRoll(), dim, seed + 1).sample(random.key(1), 20).x, x);
    }),
    { seed: 3, numRuns: 30 },
  );
});

test("points where all directions are as good still get a nearest point", () => {
  for (const [data, point, expected] of [
    [circle(), [0, 0], Math.SQRT1_2],
    [sphere(), [0, 0, 0], Math.sqrt(3) / 2],
    [torus(), [0, 0, 0], Math.SQRT1_2 / 2],
    [torus(), [Math.SQRT1_2, 0, 0], Math.SQRT1_2 / 2],
  ] as const) {
    const found = data.manifold!.project(Float32Array.from(point));
    assert.ok(Math.abs(distance(found, point) - expected) < 1e-6);
    assert.ok(distance(data.manifold!.project(found), found) < 1e-6);
  }
});

test("wrong arguments are named", async () => {
  assert.match(
    (await rejection(() => embed(sphere(), 2))).message,
    /invalid dim; given: 2; allowed: .* from 3/,
  );
  assert.match((await rejection(() => circle().sample(random.key(0), -1))).message, /invalid count/);
  for (const { manifold } of all) {
    const points = new Float32Array(manifold!.ambientDim + 1);
    assert.match(
      (await rejection(() => manifold!.project(points))).message,
      /invalid points; .* multiple of/,
    );
  }
});

test.run();
