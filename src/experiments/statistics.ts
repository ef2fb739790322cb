import jStat from "jstat";
import { linearRegression, mean, sampleStandardDeviation } from "simple-statistics";
import { check } from "../errors.js";

/** A mean over seeds with its 95% interval. */
export interface Interval {
  mean: number;
  /** Ends of the interval; null where there are fewer than two values to tell it from. */
  low: number | null;
  high: number | null;
  /** Values that it is made from. */
  count: number;
}

/** Mean and 95% interval of a mean of few values: Student's t with count - 1 degrees of freedom. At least one finite value. */
export function interval(values: readonly number[]): Interval {
  const count = values.length;
  check(count >= 1 && values.every(Number.isFinite), "values", values, "one or more finite numbers");
  const middle = mean([...values]);
  if (count === 1) return { mean: middle, low: null, high: null, count };
  const half =
    (jStat.studentt.inv(0.975, count - 1) * sampleStandardDeviation([...values])) / Math.sqrt(count);
  return { mean: middle, low: middle - half, high: middle + half, count };
}

/** Differences a - b of values with the same seeds, as an interval: it leaves out 0 where the difference is significant at the 5% level. */
export function pairedDifference(a: readonly number[], b: readonly number[]): Interval {
  check(a.length === b.length, "b", b.length, `${a.length} values, one for each in a`);
  return interval(a.map((value, i) => value - b[i]!));
}

/** Ratios a / b of positive values with the same seeds: geometric mean, and the interval of its logarithm. */
export function pairedRatio(a: readonly number[], b: readonly number[]): Interval {
  check(
    [...a, ...b].every((value) => value > 0),
    "values",
    [...a, ...b],
    "numbers > 0",
  );
  const { mean, low, high, count } = pairedDifference(a.map(Math.log), b.map(Math.log));
  const back = (value: number | null): number | null => (value === null ? null : Math.exp(value));
  return { mean: Math.exp(mean), low: back(low), high: back(high), count };
}

/** Whether an interval of differences leaves out `nothing`: 0 for differences, 1 for ratios. */
export const significant = ({ low, high }: Interval, nothing = 0): boolean =>
  low !== null && high !== null && (low > nothing || high < nothing);

/** McNemar's test of two methods on the same items; JSON. */
export type McNemar = {
  /** Items that only the first has right, and only the second. */
  first: number;
  second: number;
  /** Exact and two-sided: how likely counts as unequal are where an item falls to either side equally often. 1 where none differs. */
  p: number;
};

/** McNemar's exact test: whether two methods are right on the same items equally often. */
export function mcNemar(first: readonly boolean[], second: readonly boolean[]): McNemar {
  check(first.length === second.length, "second", second.length, `${first.length} items, those of first`);
  const alone = (a: readonly boolean[], b: readonly boolean[]): number =>
    a.filter((right, i) => right && !b[i]).length;
  const counts = { first: alone(first, second), second: alone(second, first) };
  const [fewer, all] = [Math.min(counts.first, counts.second), counts.first + counts.second];
  return { ...counts, p: all === 0 ? 1 : Math.max(0, Math.min(1, 2 * jStat.binomial.cdf(fewer, all, 0.5))) };
}

/**
 * The step at which a falling curve is first at or under `target`, straight lines between its points; null if it never is. A point at the target from the
 * start counts as its own step.
 */
export function stepsTo(
  curve: readonly { readonly step: number; readonly value: number }[],
  target: number,
): number | null {
  check(Array.isArray(curve), "curve", curve, "a list of { step, value }");
  for (const [i, point] of curve.entries()) {
    const isPoint = typeof point?.step === "number" && typeof point.value === "number";
    check(isPoint, `curve[${i}]`, point, "{ step, value }, two numbers");
  }
  check(typeof target === "number" && !Number.isNaN(target), "target", target, "a number");
  const i = curve.findIndex(({ value }) => value <= target);
  if (i < 0) return null;
  const [before, after] = [curve[i - 1], curve[i]!];
  if (!before || before.value === after.value) return after.step;
  const share = (before.value - target) / (before.value - after.value);
  return before.step + share * (after.step - before.step);
}

/** The value of a curve at a step, straight lines between its points; null before the first and after the last. */
export function valueAt(
  curve: readonly { readonly step: number; readonly value: number }[],
  step: number,
): number | null {
  const i = curve.findIndex((point) => point.step >= step);
  if (i < 0) return null;
  const [before, after] = [curve[i - 1], curve[i]!];
  if (after.step === step) return after.value;
  if (!before) return null;
  return before.value + ((step - before.step) / (after.step - before.step)) * (after.value - before.value);
}

/** The slope of the least-squares line through points (x, y) of two different x or more. */
export function slope(x: readonly number[], y: readonly number[]): number {
  check(
    x.length === y.length && new Set(x).size > 1,
    "x",
    x,
    "as many numbers as y has, two or more different ones",
  );
  return linearRegression(x.map((value, i) => [value, y[i]!])).m;
}
