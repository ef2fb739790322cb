import { check, required } from "../../src/errors.js";
import { frame, notebookWidth, runLegend, stepTicks } from "../frame.js";
import { curvesOf, inputOf, isRuns, type Runs } from "../runs.js";
import type { VegaLiteSpec, View } from "../spec.js";
import { capitalize, formatCount, formatNumber } from "../text.js";
import { runScale } from "../theme.js";
import { checkLength, checkNames, checkSize } from "../validate.js";

/** One run's numbers over training. */
export interface Curve {
  /** For the legend. */
  name: string;
  /** Training steps. */
  steps: ArrayLike<number>;
  /** One value per step; what is not finite becomes a gap, so that a run that diverged can be looked at. */
  values: ArrayLike<number>;
  /** Lower and upper ends of a band around the values, e.g. over seeds. Both or none. */
  low?: ArrayLike<number>;
  high?: ArrayLike<number>;
}

/** What `metricCurves` draws. */
export interface MetricCurvesInput {
  /** What is plotted, with its unit: the title of the vertical axis. */
  metric: string;
  curves: readonly Curve[];
  /** Default `linear`. On a `log` scale values that are not positive are left out, and the caption says so. */
  yScale?: "linear" | "log";
  xScale?: "linear" | "log";
  /** Default: the last values of all curves, best first. */
  title?: string;
  /** Sentences to stand first under the chart, for instance what the bands are. */
  caption?: readonly string[];
  /** A value to compare with, for instance what real data reach: a dashed line, and what it is, for the caption. */
  reference?: { value: number; text: string };
  /** Default "training step". */
  xTitle?: string;
  /** Which end is best, for the title. Default true. */
  lowerIsBetter?: boolean;
  /** Of the whole chart, in pixels. Default 600. */
  width?: number;
  /** Of the plot alone, in pixels. Default 240. */
  height?: number;
  /** Most points that are drawn of one curve; more are averaged into as many buckets. Default 1000. */
  maxPoints?: number;
}

interface Row {
  run: string;
  step: number;
  value: number | null;
  low: number | null;
  high: number | null;
}

/**
 * Losses or metrics of several runs over training, as lines with bands.
 * @param given runs, with the metric's name in the options (default "loss"), or plain rows.
 * @throws TangentLabError `invalid-argument` where there is no curve, a curve has no value that can be drawn, or lengths differ.
 */
export function metricCurves(
  given: MetricCurvesInput | Runs,
  options: Partial<MetricCurvesInput> = {},
): VegaLiteSpec {
  const { metric: name = "loss", ...own } = required("options", options);
  const input = inputOf(given, isRuns(given) ? own : options, (runs) => curvesOf(runs, name));
  const { metric, curves, yScale = "linear", xScale = "linear" } = input;
  const { xTitle = "training step", lowerIsBetter = true, width = notebookWidth, height = 240 } = input;
  const { maxPoints = 1000, caption = [], reference } = input;
  check.count("maxPoints", maxPoints);
  checkNames("curves", curves);
  checkSize("width", width);
  checkSize("height", height);
  if (reference) {
    const drawable = Number.isFinite(reference.value) && (yScale === "linear" || reference.value > 0);
    const allowed = `a finite${yScale === "log" ? ", positive" : ""} number`;
    check(drawable, "reference.value", reference.value, allowed);
  }
  const read = curves.map((curve, i) =>
    drawnCurve(readCurve(`curves[${i}]`, curve, yScale === "log", xScale === "log"), maxPoints),
  );
  const rows = read.flatMap((each) => each.rows);
  const ends = read.map(({ end }) => end);
  const averaged = input.title === undefined && ends.some((end) => end.averaged > 1);
  const names = curves.map((curve) => curve.name);
  const x = {
    field: "step",
    type: "quantitative",
    title: xTitle,
    scale: xScale === "log" ? { type: "log", nice: false } : { type: "linear", nice: false, zero: false },
    axis: { grid: false, tickCount: stepTicks(width - 80), format: ",~f" },
  };
  const y = (field: string): View => ({
    field,
    type: "quantitative",
    title: metric,
    // The padding keeps the ends of lines, and a value to compare with, off the frame.
    scale: yScale === "log" ? { type: "log", nice: false, padding: 8 } : { type: "linear", zero: false },
    axis: { tickCount: 5, format: ",.4~r" },
  });
  return frame({
    title: input.title ?? endTitle(metric, ends, lowerIsBetter),
    caption: [
      ...caption,
      ...(reference ? [`Dashed: ${reference.text}.`] : []),
      ...read.flatMap(({ notes }) => notes),
      ...(averaged ? ["In the title: mean of each curve's last tenth."] : []),
    ],
    width,
    view: {
      width: width - 80,
      height,
      data: { values: rows },
      layer: [
        ...bandLayer(rows, x, y),
        ...lineLayers(x, y("value"), runLegend(names, width - 80), names, rows),
        ...(reference ? [referenceLayer(reference.value)] : []),
      ],
    },
  });
}

/** For the title: a curve's first value, and the mean of its last tenth. */
interface End {
  name: string;
  first: number;
  last: number;
  step: number;
  averaged: number;
}

/** What is drawn of a curve, how it begins and ends, and sentences about what is not drawn. */
function drawnCurve(
  { name, rows, log, dropped, unbanded }: ReadCurve,
  maxPoints: number,
): { rows: Row[]; end: End; notes: string[] } {
  const drawn = rows.filter((row) => row.value !== null);
  const tail = drawn.slice(-Math.max(1, Math.floor(drawn.length / 10)));
  const all = formatCount(rows.length);
  const notes = [
    ...(dropped > 0
      ? [
          `${name}: left out ${formatCount(dropped)} of ${all} values (not finite${log.x || log.y ? " or not positive" : ""}).`,
        ]
      : []),
    ...(unbanded > 0
      ? [
          `${name}: no band at ${formatCount(unbanded)} of ${all} values (an end of it is not finite${log.y ? " or not positive" : ""}).`,
        ]
      : []),
    ...(rows.length > maxPoints
      ? [
          `${name}: the line is the mean and the band the range of every ${Math.ceil(rows.length / maxPoints)} of its ${all} values.`,
        ]
      : []),
  ];
  return {
    rows: buckets(rows, maxPoints),
    end: {
      name,
      first: drawn[0]!.value!,
      last: tail.reduce((sum, row) => sum + row.value!, 0) / tail.length,
      step: drawn.at(-1)!.step,
      averaged: tail.length,
    },
    notes,
  };
}

/** Lines, and points where a curve has few enough of them to be seen one by one. */
export function lineLayers(
  x: View,
  y: View,
  legend: View | null,
  names: readonly string[],
  rows: readonly { run: string; step: number }[],
): View[] {
  const color = { field: "run", type: "nominal", scale: runScale(names), legend };
  const tooltip = [
    { field: "run", type: "nominal", title: "run" },
    { field: "step", type: "quantitative", title: x.title },
    { field: "value", type: "quantitative", title: "value", format: ".4~g" },
  ];
  const encoding = { x, y, color, tooltip };
  const few = rows.length <= 40 * names.length;
  return [
    {
      mark: { type: "line", strokeWidth: 2, strokeJoin: "round", clip: true },
      encoding,
    },
    ...(few ? [{ mark: { type: "point", filled: true, size: 36, opacity: 1 }, encoding }] : []),
  ];
}

/** A dashed line across the plot. */
export const referenceLayer = (value: number): View => ({
  data: { values: [{}] },
  mark: { type: "rule", style: "reference", strokeDash: [4, 4] },
  encoding: { y: { datum: value, type: "quantitative" } },
});

function bandLayer(rows: readonly Row[], x: View, y: (field: string) => View): View[] {
  const banded = [...new Set(rows.filter((row) => row.low !== null).map((row) => row.run))];
  if (banded.length === 0) return [];
  return [
    {
      // Rows without a band stay among those of a curve that has one: they break it.
      transform: [{ filter: { field: "run", oneOf: banded } }],
      mark: { type: "area", opacity: 0.2, clip: true, invalid: "break-paths-show-path-domains" },
      encoding: { x, y: y("low"), y2: { field: "high" }, color: { field: "run", type: "nominal" } },
    },
  ];
}

/** A curve as rows; values that cannot be drawn are null. */
interface ReadCurve {
  name: string;
  rows: Row[];
  log: { x: boolean; y: boolean };
  /** How many values cannot be drawn, and how many of those that can have no band though the curve has one. */
  dropped: number;
  unbanded: number;
}

function readCurve(argument: string, curve: Curve, logY: boolean, logX: boolean): ReadCurve {
  const { steps, values, low, high } = curve;
  required(`${argument}.values`, values, "a list");
  check(values.length > 0, `${argument}.values`, "no values", "at least one value");
  checkLength(`${argument}.steps`, steps, values.length);
  check(
    (low === undefined) === (high === undefined),
    `${argument}.low`,
    low ? "low alone" : "high alone",
    "both or none",
  );
  if (low && high) {
    checkLength(`${argument}.low`, low, values.length);
    checkLength(`${argument}.high`, high, values.length);
  }
  const drawable = (value: number, log: boolean) => Number.isFinite(value) && (!log || value > 0);
  const rows: Row[] = [];
  let dropped = 0;
  let unbanded = 0;
  for (let i = 0; i < values.length; i++) {
    const step = steps[i]!;
    check(Number.isFinite(step), `${argument}.steps[${i}]`, step, "finite numbers");
    const seen = drawable(values[i]!, logY) && drawable(step, logX);
    if (!seen) dropped++;
    const banded = seen && low !== undefined && drawable(low[i]!, logY) && drawable(high![i]!, logY);
    if (seen && low !== undefined && !banded) unbanded++;
    rows.push({
      run: curve.name,
      step,
      value: seen ? values[i]! : null,
      low: banded ? low[i]! : null,
      high: banded ? high![i]! : null,
    });
  }
  const placed = logX ? rows.filter((row) => row.step > 0) : rows;
  check(
    placed.some((row) => row.value !== null),
    `${argument}.values`,
    `${values.length} values, none of them drawable`,
    `at least one step with a finite${logY ? ", positive" : ""} value`,
  );
  return { name: curve.name, rows: placed, log: { x: logX, y: logY }, dropped, unbanded };
}

/** Averages neighbours so that at most `count` rows remain; their range becomes the band. */
function buckets(rows: readonly Row[], count: number): Row[] {
  if (rows.length <= count) return [...rows];
  const size = Math.ceil(rows.length / count);
  const out: Row[] = [];
  for (let start = 0; start < rows.length; start += size) {
    const bucket = rows.slice(start, start + size);
    const values = bucket.flatMap((row) => (row.value === null ? [] : [row.value]));
    const edges = [...values, ...bucket.flatMap((row) => (row.low === null ? [] : [row.low, row.high!]))];
    const none = values.length === 0;
    out.push({
      run: bucket[0]!.run,
      step: bucket[Math.floor(bucket.length / 2)]!.step,
      value: none ? null : values.reduce((a, b) => a + b, 0) / values.length,
      low: none ? null : Math.min(...edges),
      high: none ? null : Math.max(...edges),
    });
  }
  return out;
}

function endTitle(metric: string, ends: readonly End[], lowerIsBetter: boolean): string {
  const steps = Math.max(...ends.map((end) => end.step)).toLocaleString("en-US");
  if (ends.length === 1) {
    const { first, last } = ends[0]!;
    return `${capitalize(metric)}: ${formatNumber(first)} at the start, ${formatNumber(last)} after ${steps} steps`;
  }
  // Of runs of other lengths there is no step at which all are.
  const when = ends.every(({ step }) => step === ends[0]!.step)
    ? `after ${steps} steps`
    : "at each one's end";
  const ranked = [...ends].sort((a, b) => (lowerIsBetter ? a.last - b.last : b.last - a.last));
  return `${capitalize(metric)} ${when}: ${ranked.map((end) => `${end.name} ${formatNumber(end.last)}`).join(", ")}`;
}
