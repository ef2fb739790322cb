import { test } from "uvu";
import * as assert from "uvu/assert";
import { TangentLabError } from "../../src/errors.js";
import {
  interval,
  pairedDifference,
  pairedRatio,
  significant,
  slope,
  stepsTo,
  valueAt,
} from "../../src/experiments/statistics.js";

const near = (value: number | null, expected: number, tolerance = 1e-6): void =>
  assert.ok(Math.abs(value! - expected) < tolerance, `${value} is not ${expected}`);

test("the 95% interval of a mean of three is 4.302653 standard errors wide to each side", () => {
  // Student's t with 2 degrees of freedom, from printed tables: 4.302653.
  const { mean, low, high, count } = interval([1, 2, 3]);
  assert.equal([mean, count], [2, 3]);
  near(high, 2 + 4.302653 / Math.sqrt(3));
  near(low, 2 - 4.302653 / Math.sqrt(3));
  near(interval([0, 1]).high, 0.5 + 12.706205 * 0.5, 1e-5);
});

test("one value has a mean and no interval", () => {
  assert.equal(interval([5]), { mean: 5, low: null, high: null, count: 1 });
  assert.not(significant(interval([5])));
});

test("pairs take out what seeds have in common", () => {
  const [a, b] = [
    [10, 20, 30.1],
    [9, 19, 29],
  ];
  const difference = pairedDifference(a!, b!);
  near(difference.mean, 3.1 / 3);
  assert.ok(significant(difference));
  assert.ok(interval(a!).low! < interval(b!).high!, "not to be told apart without pairs");
});

test("ratios are compared as logarithms", () => {
  const { mean, low, high } = pairedRatio([2, 4, 8], [1, 2, 4]);
  near(mean, 2);
  near(low, 2);
  near(high, 2);
  assert.ok(significant({ mean, low, high, count: 3 }, 1));
  assert.throws(
    () => pairedRatio([1, 0], [1, 1]),
    (error: unknown) => error instanceof TangentLabError,
  );
});

test("a curve is read between its recordings, and not beyond them", () => {
  const curve = [
    { step: 100, value: 4 },
    { step: 200, value: 6 },
  ];
  assert.is(valueAt(curve, 150), 5);
  assert.is(valueAt(curve, 100), 4);
  assert.is(valueAt(curve, 50), null);
  assert.is(valueAt(curve, 201), null);
});

test("the slope is that of least squares", () => {
  near(slope([0, 1, 2, 3], [1, 3, 5, 7]), 2);
  near(slope([0, 1, 2], [0, 0, 3]), 1.5);
  assert.throws(() => slope([1, 1], [0, 1]), /two or more different/);
});

test("steps to a target lie between the recordings around it", () => {
  const curve = [
    { step: 0, value: 8 },
    { step: 100, value: 4 },
    { step: 200, value: 5 },
    { step: 300, value: 1 },
  ];
  assert.is(stepsTo(curve, 6), 50);
  assert.is(stepsTo(curve, 4), 100);
  assert.is(stepsTo(curve, 3), 250);
  assert.is(stepsTo(curve, 0.5), null, "never reached");
  assert.is(stepsTo(curve, 9), 0, "there from the start");
});

test("no values, or values that are not finite, are refused", () => {
  for (const values of [[], [1, Number.NaN]])
    assert.throws(
      () => interval(values),
      (error: unknown) => error instanceof TangentLabError,
    );
});

test.run();
