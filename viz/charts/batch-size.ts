import { check, required } from "../../src/errors.js";
import type { VegaLiteSpec } from "../spec.js";
import { capitalize, formatCount, formatNumber } from "../text.js";
import { checkList, checkNames } from "../validate.js";
import { type IntervalPoint, intervals } from "./intervals.js";

/** What `metricAgainstBatchSize` draws. */
export interface BatchSizeInput {
  /** What was measured, with its unit. */
  metric: string;
  runs: readonly {
    name: string;
    /** One per batch size; `mean`, `low` and `high` over seeds, as the experiments' statistics have them. */
    points: readonly (Omit<IntervalPoint, "at"> & { batchSize: number })[];
  }[];
  /** Which end is best, for the title. Default true. */
  lowerIsBetter?: boolean;
  yScale?: "linear" | "log";
  title?: string;
  caption?: readonly string[];
  /** Of the whole chart, in pixels. Default 600. */
  width?: number;
  /** Of the plot alone, in pixels. Default 240. */
  height?: number;
}

/**
 * A metric against the batch size, with intervals over seeds: the title says what the smallest batch costs each run.
 * @throws TangentLabError `invalid-argument` for batch sizes that are no positive integers or come twice, and numbers that are not finite.
 */
export function metricAgainstBatchSize(input: BatchSizeInput): VegaLiteSpec {
  required("input", input, "the data of the chart");
  const { metric, runs, lowerIsBetter = true, title, ...rest } = input;
  checkNames("runs", runs);
  for (const [i, { points }] of runs.entries()) {
    checkList(`runs[${i}].points`, points);
    const sizes = points.map(({ batchSize }) => batchSize);
    for (const size of sizes)
      check(Number.isInteger(size) && size > 0, `runs[${i}].points[].batchSize`, size, "integers > 0");
    const once = new Set(sizes).size === sizes.length;
    check(once, `runs[${i}].points[].batchSize`, sizes, "each size once");
  }
  const sizes = [...new Set(runs.flatMap(({ points }) => points.map(({ batchSize }) => batchSize)))].sort(
    (a, b) => a - b,
  );
  const series = runs.map(({ name, points }) => ({
    name,
    points: points.map(({ batchSize, ...point }) => ({ at: batchSize, ...point })),
  }));
  const [least, most] = [sizes[0]!, sizes.at(-1)!];
  const at = (points: (typeof runs)[number]["points"], size: number): number | undefined =>
    points.find(({ batchSize }) => batchSize === size)?.mean;
  const ends = runs.flatMap(({ name, points }) => {
    const [small, large] = [at(points, least), at(points, most)];
    if (small === undefined || large === undefined) return [];
    return [{ name, small, large }];
  });
  const best = [...ends].sort((a, b) => (lowerIsBetter ? a.small - b.small : b.small - a.small));
  const finding =
    least === most
      ? `${capitalize(metric)} with batches of ${formatCount(least)}: ${best.map(({ name, small }) => `${name} ${formatNumber(small)}`).join(", ")}`
      : `${capitalize(metric)} from batches of ${formatCount(most)} down to ${formatCount(least)}: ${best
          .map(({ name, small, large }) => `${name} ${formatNumber(large)} to ${formatNumber(small)}`)
          .join(", ")}`;
  return intervals({
    ...rest,
    metric,
    series,
    xTitle: "batch size",
    title: title ?? finding,
    places: sizes,
  });
}
