import { test } from "uvu";
import * as assert from "uvu/assert";
import { byName, type FactorDataset, shapes } from "../../datasets/index.js";
import * as random from "../../src/engine/random.js";
import { rejection } from "../rejection.js";

for (const data of [shapes({ size: 12 }), shapes({ size: 8, colour: true })]) {
  const width = data.shape.reduce((a, b) => a * b, 1);
  const { dim } = data.manifold;
  const { x, factors } = data.sample(random.key(1), 8);
  const distance = (a: Float32Array, b: Float32Array, i: number): number =>
    Math.hypot(...a.subarray(i * width, (i + 1) * width).map((value, k) => value - b[i * width + k]!));

  test(`${data.name}: images in range, made from the factors that come with them`, () => {
    assert.equal([dim, data.factors.length, data.manifold.ambientDim], [dim, dim, width]);
    assert.is(factors.length, 8 * dim);
    assert.equal(data.render(factors), x);
    assert.ok(x.every((value) => value >= -1 && value <= 1));
    const [low, high] = [Math.min(...x), Math.max(...x)];
    assert.ok(low < -0.99 && high > 0.5, `${low} ${high}`);
  });

  test(`${data.name}: examples are their own nearest points`, () => {
    const nearest = data.manifold.project(x);
    for (let i = 0; i < 8; i++) assert.ok(distance(nearest, x, i) < 1e-4, `${distance(nearest, x, i)}`);
  });

  test(`${data.name}: the tangent space is orthonormal and has the image's changes along every factor`, () => {
    const basis = data.manifold.tangentBasis(x);
    assert.is(basis.length, 8 * dim * width);
    const row = (i: number, k: number) => basis.subarray((i * dim + k) * width, (i * dim + k + 1) * width);
    const dot = (a: Float32Array, b: Float32Array): number =>
      a.reduce((sum, value, k) => sum + value * b[k]!, 0);
    for (let i = 0; i < 8; i++) {
      for (let k = 0; k < dim; k++) {
        for (let l = 0; l <= k; l++) {
          assert.ok(Math.abs(dot(row(i, k), row(i, l)) - (k === l ? 1 : 0)) < 1e-5);
        }
        const moved = (sign: number) => {
          const values = factors.slice(i * dim, (i + 1) * dim);
          values[k]! += sign * 0.01;
          return data.render(values);
        };
        const [after, before] = [moved(1), moved(-1)];
        const change = after.map((value, j) => value - before[j]!);
        const norm = Math.sqrt(dot(change, change));
        const inside = Array.from({ length: dim }, (_, l) => dot(change, row(i, l)) ** 2).reduce(
          (a, b) => a + b,
        );
        assert.ok(Math.sqrt(inside) / norm > 0.998, `${data.factors[k]!.name}: ${Math.sqrt(inside) / norm}`);
      }
    }
  });

  test(`${data.name}: nearest points of noisy images are at least as near as what they were made from`, () => {
    const noise = random.normal(random.key(2), x.length);
    const noisy = x.map((value, i) => value + 0.2 * noise[i]!);
    const nearest = data.manifold.project(noisy);
    for (let i = 0; i < 8; i++) {
      assert.ok(distance(noisy, nearest, i) <= distance(noisy, x, i) + 1e-6);
    }
  });
}

test("by name and size; sizes out of range", async () => {
  const data = (await byName("shapes-rgb", { size: 20 })) as FactorDataset;
  assert.equal([data.name, data.shape], ["shapes-rgb", [20, 20, 3]]);
  assert.equal(
    data.factors.map(({ name }) => name),
    ["x", "y", "radius", "angle", "hue"],
  );
  assert.match((await rejection(() => shapes({ size: 4 }))).message, /size.*8 to 64/);
  assert.match((await rejection(() => data.render(new Float32Array(4)))).message, /4 values.*\[count, 5\]/);
});

test.run();
