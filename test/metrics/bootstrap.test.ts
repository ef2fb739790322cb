import { test } from "uvu";
import * as assert from "uvu/assert";
import * as random from "../../src/engine/random.js";
import { bootstrap, frechetDistance } from "../../src/metrics/index.js";
import { rejection } from "../rejection.js";

const mean = (values: Float32Array): number => values.reduce((a, b) => a + b, 0) / values.length;

for (const scheme of ["halves", "replacement"] as const) {
  test(`${scheme}: the interval of a mean is that of theory`, () => {
    const x = random.normal(random.key(1), 400).map((value) => 3 + 2 * value);
    const { estimate, low, high, standardError } = bootstrap(mean, [x], { key: random.key(2), scheme });
    const deviation = Math.sqrt(x.reduce((sum, value) => sum + (value - estimate) ** 2, 0) / 399);
    const theory = deviation / Math.sqrt(400);
    assert.is(estimate, mean(x));
    assert.ok(Math.abs(standardError / theory - 1) < 0.07, `${standardError} and ${theory}`);
    assert.ok(Math.abs((high - low) / (2 * 1.96 * theory) - 1) < 0.1, `${high - low} and ${theory}`);
    const half = bootstrap(mean, [x], { key: random.key(2), scheme, level: 0.5 });
    assert.ok(half.high - half.low < 0.4 * (high - low));
  });
}

test("halves: intervals of a Frechet distance hold its expectation about as often as they say", () => {
  const dim = 3;
  const draw = (seed: number): [Float32Array, Float32Array] => {
    const [a, b] = random.split(random.key(seed));
    return [random.normal(a, 60 * dim).map((value) => 1.5 * value), random.normal(b, 60 * dim)];
  };
  const measure = (x: Float32Array, y: Float32Array): number => frechetDistance(x, y, { dim });
  const expectation = mean(Float32Array.from({ length: 400 }, (_, i) => measure(...draw(1000 + i))));
  const hits = Array.from({ length: 60 }, (_, seed) => {
    const { low, high } = bootstrap(measure, draw(seed), { key: random.key(seed), dim, resamples: 60 });
    return low <= expectation && expectation <= high;
  }).filter(Boolean).length;
  assert.ok(hits >= 51, `${hits} of 60`);
});

test("the same key gives the same interval; sets are resampled each on its own", () => {
  const x = random.normal(random.key(3), 20);
  const config = { key: random.key(4), resamples: 50 };
  assert.equal(bootstrap(mean, [x], config), bootstrap(mean, [x], config));
  const difference = bootstrap((a, b) => mean(a!) - mean(b!), [x, x], config);
  assert.is(difference.estimate, 0);
  assert.ok(difference.standardError > 0);
});

test("what cannot be resampled is refused by name", async () => {
  const key = random.key(0);
  const x = Float32Array.of(1, 2, 3, 4);
  for (const [attempt, message] of [
    [() => bootstrap(mean, [x.subarray(1)], { key }), /samples\[0\].*at least 4 rows/],
    [() => bootstrap(mean, [x, x.map(() => Number.NaN)], { key }), /samples\[1\].*NaN in row 0/],
    [() => bootstrap(mean, [], { key }), /samples/],
    [() => bootstrap(mean, [x], { key, resamples: 1 }), /resamples/],
    [() => bootstrap(mean, [x], { key, level: 95 }), /level.*between 0 and 1/],
    [() => bootstrap(mean, [x], { key, scheme: "jackknife" as "halves" }), /scheme/],
  ] as const) {
    assert.match((await rejection(attempt)).message, message);
  }
});

test.run();
