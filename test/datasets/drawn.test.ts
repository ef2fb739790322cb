import { test } from "uvu";
import * as assert from "uvu/assert";
import { drawn, type Stroke } from "../../datasets/drawn.js";
import * as random from "../../src/engine/random.js";
import { distancesToManifold } from "../../src/metrics/manifold-distance.js";

/** A rough circle in a pen's units, with its last sixth missing. */
const open: Stroke = Array.from({ length: 60 }, (_, i) => {
  const angle = (i / 60) * Math.PI * (5 / 3);
  return [100 + 40 * Math.cos(angle), 80 + 40 * Math.sin(angle)] as const;
});
const closed: Stroke = Array.from({ length: 60 }, (_, i) => {
  const angle = (i / 60) * Math.PI * 2;
  return [100 + 40 * Math.cos(angle), 80 + 40 * Math.sin(angle)] as const;
});

test("a drawing is moved and scaled to mean 0 and deviation 0.5", () => {
  const { x } = drawn([open]).sample(random.key(1), 4000);
  const mean = [0, 1].map((k) => x.filter((_, i) => i % 2 === k).reduce((a, b) => a + b, 0) / 4000);
  const square = x.reduce((a, b) => a + b * b, 0) / x.length;
  assert.ok(Math.hypot(...mean) < 0.03, `mean ${mean}`);
  assert.ok(Math.abs(Math.sqrt(square) - 0.5) < 0.01, `deviation ${Math.sqrt(square)}`);
});

test("its examples lie on its manifold, which has unit tangents along it", () => {
  const data = drawn([
    open,
    [
      [0, 0],
      [50, 10],
      [90, 60],
    ],
  ]);
  const { x } = data.sample(random.key(2), 200);
  assert.ok(Math.max(...distancesToManifold(x, data.manifold!)) < 1e-3);
  const basis = data.manifold!.tangentBasis(x);
  for (let i = 0; i < basis.length; i += 2)
    assert.ok(Math.abs(Math.hypot(basis[i]!, basis[i + 1]!) - 1) < 1e-5);
});

test("a stroke that ends near its start becomes a closed curve: a drawn circle is a circle, without a gap", () => {
  const { x } = drawn([closed]).sample(random.key(3), 2000);
  let sectors = 0;
  for (let i = 0; i < x.length; i += 2) {
    assert.ok(Math.abs(Math.hypot(x[i]!, x[i + 1]!) - Math.SQRT1_2) < 0.01);
    sectors |= 1 << Math.floor(((Math.atan2(x[i + 1]!, x[i]!) + Math.PI) / (2 * Math.PI)) * 30 * 0.9999);
  }
  assert.is(sectors, 2 ** 30 - 1);
});

test("a drawing without length is refused by name", () => {
  assert.throws(() => drawn([]), /strokes/);
  assert.throws(
    () =>
      drawn([
        [
          [3, 3],
          [3, 3],
        ],
      ]),
    /strokes\[0\].*different points/,
  );
  assert.throws(
    () =>
      drawn([
        open,
        [
          [0, Number.NaN],
          [1, 1],
        ],
      ]),
    /strokes\[1\]/,
  );
});

test.run();
