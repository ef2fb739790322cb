import { check, required } from "../../src/errors.js";
import type { GradientNoise } from "../../src/metrics/gradient-noise.js";
import { inputOf, type Runs, recordsOf } from "../runs.js";
import type { VegaLiteSpec } from "../spec.js";
import { formatCount, formatNumber } from "../text.js";
import { checkList, checkNames } from "../validate.js";
import { metricCurves } from "./curves.js";

/** What `gradientNoise` draws. */
export interface GradientNoiseInput {
  runs: readonly {
    name: string;
    /** What `metrics.gradientNoise` measured after some training steps, in any order: `{ step, ...(await metrics.gradientNoise(...)) }`. */
    points: readonly {
      step: number;
      /** In examples, with the ends of its interval or without; Infinity where the mean gradient cannot be told from 0. */
      scale: Pick<GradientNoise["scale"], "estimate"> & Partial<Pick<GradientNoise["scale"], "low" | "high">>;
    }[];
  }[];
  /** Examples in a batch of the training: a dashed line. Where a run is above it, its steps are more noise than signal. */
  batchSize?: number;
  /** Default `log`. */
  yScale?: "linear" | "log";
  title?: string;
  caption?: readonly string[];
  /** Of the whole chart, in pixels. Default 600. */
  width?: number;
  /** Of the plot alone, in pixels. Default 240. */
  height?: number;
}

type Points = GradientNoiseInput["runs"][number]["points"];

/** What runs recorded of it. */
const noiseOf = (runs: Runs): GradientNoiseInput => {
  const records = recordsOf(runs).map(({ name, curve }) => ({
    name,
    points: curve.flatMap(({ step, metrics: { gradientNoise } }) =>
      gradientNoise === undefined
        ? []
        : [{ step, scale: { estimate: Number.isNaN(gradientNoise) ? Infinity : gradientNoise } }],
    ),
  }));
  const measured = records.filter(({ points }) => points.length > 0);
  const told = measured.filter(({ points }) => points.some(isFinitePoint));
  const names = (of: typeof records): string => of.map(({ name }) => name).join(", ");
  const batches = "trained with recording: { noiseBatches: 256 }";
  check(measured.length > 0, "runs", `${names(records)}: no gradient noise`, batches);
  const nowhere = "nowhere told from 0";
  check(told.length > 0, "runs", `${names(measured)}: mean gradients ${nowhere}`, `${batches} or more`);
  const lost = measured.filter((run) => !told.includes(run));
  return {
    runs: told,
    ...(lost.length > 0 && { caption: [`Left out: ${names(lost)}, whose mean gradient is ${nowhere}.`] }),
  };
};

/**
 * The gradient noise scale of each run over training, tr(S) / |G|^2 in examples (McCandlish et al., 1812.06162), with its 95% interval: the size of a batch whose
 * gradient has as much variance as squared mean. Where the mean gradient cannot be told from 0 the line has a gap.
 * @param given runs that were trained with `recording: { noiseBatches }`, or plain rows.
 * @throws TangentLabError `invalid-argument` for runs without a finite scale, steps that are not finite or come twice, and scales that are not positive.
 */
export function gradientNoise(
  given: GradientNoiseInput | Runs,
  options: Partial<GradientNoiseInput> = {},
): VegaLiteSpec {
  const input = inputOf(given, options, noiseOf);
  const { runs, batchSize, yScale = "log", title, caption = [], ...size } = input;
  checkNames("runs", runs);
  for (const [i, { points }] of runs.entries()) checkRun(`runs[${i}].points`, points);
  if (batchSize !== undefined) check.count("batchSize", batchSize);
  const measured = runs.map(({ name, points }) => ({
    name,
    points: [...points].sort((a, b) => a.step - b.step),
  }));
  const finite = measured.flatMap(({ points }) => points.filter(isFinitePoint));
  const least = Math.min(
    ...finite.flatMap(({ scale: { estimate, low = 0 } }) => (low > 0 ? [low] : [estimate])),
  );
  // On a log scale an interval that reaches 0 has no lower end: it is drawn down to the least that is drawn.
  const end = (low: number): number => (yScale === "log" && low <= 0 ? least : low);
  const banded = (points: Points): boolean =>
    points.some(({ scale: { low, high } }) => low !== undefined && high !== undefined);
  const ends = measured
    .map(({ name, points }) => ({ name, last: points.filter(isFinitePoint).at(-1)!.scale.estimate }))
    .sort((a, b) => a.last - b.last);
  const whole = measured.every(({ points }) => isFinitePoint(points.at(-1)!));
  const gaps = measured.some(({ points }) => !points.every(isFinitePoint));
  return metricCurves({
    ...size,
    metric: "gradient noise scale (examples)",
    curves: measured.map(({ name, points }) => ({
      name,
      steps: points.map(({ step }) => step),
      values: points.map(({ scale }) => scale.estimate),
      ...(banded(points) && {
        low: points.map(({ scale }) => end(scale.low ?? Number.NaN)),
        high: points.map(({ scale }) => scale.high ?? Number.NaN),
      }),
    })),
    yScale,
    title:
      title ??
      `Gradient noise scale ${whole ? "at the end" : "where it is told last"}: ${ends.map(({ name, last }) => `${name} ${formatNumber(last)}`).join(", ")} examples`,
    caption: [
      `The size of a batch whose gradient has as much variance as squared mean.${measured.some(({ points }) => banded(points)) ? " Band: 95% interval." : ""}`,
      ...(gaps ? ["Gaps: the mean gradient cannot be told from 0."] : []),
      ...caption,
    ],
    ...(batchSize !== undefined && {
      reference: {
        value: batchSize,
        text: `the batch size of the training, ${formatCount(batchSize)}`,
      },
    }),
  });
}

const isFinitePoint = ({ scale }: Points[number]): boolean => Number.isFinite(scale.estimate);

function checkRun(argument: string, points: Points): void {
  checkList(argument, points);
  const steps = points.map(({ step }) => step);
  check(steps.every(Number.isFinite), `${argument}[].step`, steps, "finite numbers");
  check(new Set(steps).size === steps.length, `${argument}[].step`, steps, "each step once");
  for (const [j, { scale }] of points.entries()) {
    const { estimate } = required(
      `${argument}[${j}].scale`,
      scale,
      "an interval, as metrics.gradientNoise has it",
    );
    check(estimate > 0, `${argument}[${j}].scale.estimate`, estimate, "numbers > 0, or Infinity");
  }
  check(
    points.some(isFinitePoint),
    `${argument}[].scale.estimate`,
    "none is finite",
    "at least one finite number",
  );
}
