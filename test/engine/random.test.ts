import fc from "fast-check";
import { test } from "uvu";
import * as assert from "uvu/assert";
import * as random from "../../src/engine/random.js";

/** Largest distance between the empirical distribution of `draws` and `cdf`, times sqrt(n): above 1.95 in 1 of 1000 fair tests. */
function kolmogorovSmirnov(draws: ArrayLike<number>, cdf: (x: number) => number): number {
  const sorted = Float64Array.from(draws).sort();
  let worst = 0;
  for (let i = 0; i < sorted.length; i++) {
    const p = cdf(sorted[i]!);
    worst = Math.max(worst, p - i / sorted.length, (i + 1) / sorted.length - p);
  }
  return worst * Math.sqrt(sorted.length);
}

/** Standard normal distribution function: Simpson's rule on its density, exact to 1e-9 within 8 deviations. */
function normalCdf(x: number): number {
  const steps = 400;
  const h = x / steps;
  let sum = 1 + Math.exp((-x * x) / 2);
  for (let i = 1; i < steps; i++) sum += (i % 2 ? 4 : 2) * Math.exp((-i * h * i * h) / 2);
  return 0.5 + (sum * h) / 3 / Math.sqrt(2 * Math.PI);
}

const moment = (x: Float32Array, power: number): number =>
  x.reduce((sum, v) => sum + v ** power, 0) / x.length;

const correlation = (x: Float32Array, y: Float32Array): number =>
  x.reduce((sum, v, i) => sum + v * y[i]!, 0) / Math.sqrt(moment(x, 2) * moment(y, 2)) / x.length;

test("threefry2x32 gives the known answers of Random123", () => {
  const hex = (words: readonly number[]): string[] => words.map((word) => word.toString(16));
  const ones = 0xffffffff;
  assert.equal(hex(random.threefry2x32([0, 0], 0, 0)), ["6b200159", "99ba4efe"]);
  assert.equal(hex(random.threefry2x32([ones, ones], ones, ones)), ["1cb996fc", "bb002be7"]);
  assert.equal(hex(random.threefry2x32([0x13198a2e, 0x03707344], 0x243f6a88, 0x85a308d3)), [
    "c4923a9c",
    "483df7a0",
  ]);
});

test("draws are the same today as when they were written down", () => {
  const k = random.key(7);
  const stored = {
    split: [
      [3625411723, 1954958720],
      [1830345032, 3888369200],
    ],
    fold: [2537802879, 2635747872],
    uniform: [0.8433806896209717, 0.3928178548812866, 0.47344428300857544],
    normal: [-0.8648341298103333, 1.254561185836792, 1.1730983257293701],
    integers: [8, 3, 4, 3, 0, 3],
    permutation: [4, 3, 5, 2, 1, 0],
  };
  assert.equal(
    {
      split: random.split(k),
      fold: random.foldIn(k, 3),
      uniform: [...random.uniform(k, 3)],
      normal: [...random.normal(k, 3)],
      integers: [...random.integers(k, 6, 10)],
      permutation: [...random.permutation(k, 6)],
    },
    stored,
  );
});

test("a longer draw begins with the shorter one, a larger split with the smaller", () => {
  const k = random.key(1);
  assert.equal(random.uniform(k, 1000).slice(0, 10), random.uniform(k, 10));
  assert.equal(random.split(k, 5).slice(0, 2), random.split(k));
});

test("keys: seeds above 2^32 differ, split and foldIn never meet", () => {
  assert.equal(random.key(2 ** 32 + 5), [1, 5]);
  const k = random.key(0);
  const keys = [...random.split(k, 100), ...Array.from({ length: 100 }, (_, i) => random.foldIn(k, i))];
  assert.is(new Set(keys.map(String)).size, 200);
});

test("normal: moments and tails", () => {
  const n = 2_000_000;
  const z = random.normal(random.key(3), n);
  // Each within 4 standard errors.
  assert.ok(Math.abs(moment(z, 1)) < 4 / Math.sqrt(n));
  assert.ok(Math.abs(moment(z, 2) - 1) < 4 * Math.sqrt(2 / n));
  assert.ok(Math.abs(moment(z, 3)) < 4 * Math.sqrt(15 / n));
  assert.ok(Math.abs(moment(z, 4) - 3) < 4 * Math.sqrt(96 / n));
  for (const [threshold, probability] of [
    [1, 0.3173105079],
    [2, 0.0455002639],
    [3, 2.699796063e-3],
    [3.7, 2.15598e-4], // beyond the ziggurat's last layer: Marsaglia's tail
    [4.5, 6.79535e-6],
  ] as const) {
    for (const side of [-1, 1]) {
      const beyond = z.reduce((count, v) => count + (side * v > threshold ? 1 : 0), 0);
      const expected = (n * probability) / 2;
      assert.ok(
        Math.abs(beyond - expected) < 4 * Math.sqrt(expected) + 1,
        `${beyond} beyond ${side * threshold}`,
      );
    }
  }
});

test("normal and uniform: Kolmogorov-Smirnov", () => {
  for (const seed of [0, 1, 2]) {
    const k = random.key(seed);
    assert.ok(kolmogorovSmirnov(random.normal(k, 20_000), normalCdf) < 1.95);
    assert.ok(kolmogorovSmirnov(random.uniform(k, 50_000), (x) => x) < 1.95);
    assert.ok(kolmogorovSmirnov(random.uniform(k, 50_000, -2, 6), (x) => (x + 2) / 8) < 1.95);
  }
});

test("normal: first draws over many keys are normal too", () => {
  const first = Float32Array.from({ length: 20_000 }, (_, i) => random.normal(random.key(i), 1)[0]!);
  assert.ok(kolmogorovSmirnov(first, normalCdf) < 1.95);
});

test("split and folded keys give uncorrelated draws, as do neighbours in one draw", () => {
  const n = 100_000;
  const bound = 4 / Math.sqrt(n);
  const k = random.key(11);
  const streams = [k, ...random.split(k, 2), random.foldIn(k, 0), random.key(12)].map((each) =>
    random.normal(each, n),
  );
  for (let i = 0; i < streams.length; i++) {
    for (let j = 0; j < i; j++) assert.ok(Math.abs(correlation(streams[i]!, streams[j]!)) < bound);
    const x = streams[i]!;
    const squares = x.map((v) => v * v - 1);
    for (const lag of [1, 2, 7]) {
      assert.ok(Math.abs(correlation(x.subarray(lag), x.subarray(0, n - lag))) < bound);
      assert.ok(Math.abs(correlation(squares.subarray(lag), squares.subarray(0, n - lag))) < bound);
    }
  }
});

test("integers: every value alike, also for a range that does not divide 2^32", () => {
  const n = 300_000;
  const counts = new Float64Array(30);
  for (const value of random.integers(random.key(5), n, 30)) counts[value]!++;
  const chiSquare = counts.reduce((sum, count) => sum + (count - n / 30) ** 2 / (n / 30), 0);
  assert.ok(chiSquare > 8 && chiSquare < 62, `chi-square with 29 degrees: ${chiSquare}`);
  // 3/4 of 2^31: a plain remainder of 32 bits would favour the first half of the values.
  const max = 3 * 2 ** 29;
  const low = random.integers(random.key(6), n, max).filter((value) => value < max / 2).length;
  assert.ok(Math.abs(low - n / 2) < 4 * Math.sqrt(n / 4));
});

test("permutation: a permutation, each element in each place alike", () => {
  fc.assert(
    fc.property(fc.nat(1000), fc.nat(60), (seed, n) => {
      assert.equal(
        [...random.permutation(random.key(seed), n)].sort((a, b) => a - b),
        [...Array(n).keys()],
      );
    }),
    { seed: 1, numRuns: 50 },
  );
  const counts = new Float64Array(16);
  for (let i = 0; i < 8000; i++) {
    random.permutation(random.key(i), 4).forEach((value, place) => {
      counts[4 * place + value]!++;
    });
  }
  for (const count of counts) assert.ok(Math.abs(count - 2000) < 4 * Math.sqrt(1500));
});

test("arguments out of range are named", () => {
  const k = random.key(0);
  assert.throws(() => random.key(-1), /invalid seed; given: -1/);
  assert.throws(() => random.key(0.5), /invalid seed/);
  assert.throws(() => random.foldIn(k, 2 ** 32), /invalid data/);
  assert.throws(() => random.normal(k, -1), /invalid n;/);
  assert.throws(() => random.integers(k, 1, 0), /invalid maxExclusive/);
  assert.throws(() => random.uniform(k, 1, 2, 1), /invalid min, max/);
});

test.run();
