import { check, required } from "../../src/errors.js";
import { frame, notebookWidth, runLegend, wrappedLabels } from "../frame.js";
import { spread } from "../projections/projection.js";
import type { VegaLiteSpec, View } from "../spec.js";
import { formatCount, formatNumber } from "../text.js";
import { runScale } from "../theme.js";
import { checkNames, checkSize } from "../validate.js";

/** What was measured with several seeds at one place on the horizontal axis. */
export interface IntervalPoint {
  /** A number or a name. */
  at: number | string;
  mean: number;
  /** Ends of the interval; null or left out where it is not known. */
  low?: number | null;
  high?: number | null;
  /** Single values, one per seed. */
  values?: readonly number[];
}

/** Points with intervals that share a colour and an entry of the legend. */
export interface IntervalSeries {
  /** For the legend. */
  name: string;
  points: readonly IntervalPoint[];
}

/** What `intervals` draws. */
export interface IntervalsInput {
  /** What was measured, with its unit: the title of the vertical axis. */
  metric: string;
  series: readonly IntervalSeries[];
  xTitle: string;
  /** Default `linear`. On a `log` scale all means must be positive; ends of intervals that are not are drawn at the least value. */
  yScale?: "linear" | "log";
  /** All places in their order. Default: in the order in which they first appear. */
  places?: readonly (number | string)[];
  /** Of the vertical axis' labels, in d3's language. */
  yFormat?: string;
  /** What to compare with at a place, for instance chance: a grey tick. */
  references?: readonly { at: number | string; value: number }[];
  title: string;
  caption?: readonly string[];
  /** Of the whole chart, in pixels. Default 600. */
  width?: number;
  /** Of the plot alone, in pixels. Default 240. */
  height?: number;
}

/** Most places, and most single seeds at each, that are drawn. */
const maxPlaces = 40;
const maxSeeds = 100;

/**
 * Means with their intervals over seeds, side by side at each place (a batch size, a dimension, a group), and the single seeds as short strokes; single numbers
 * where there are neither. Places are evenly spaced, in the order in which they first appear.
 * @throws TangentLabError `invalid-argument` for series without points or numbers that are not finite.
 */
export function intervals(input: IntervalsInput): VegaLiteSpec {
  required("input", input, "the data of the chart");
  const { metric, xTitle, references = [], title, yScale = "linear" } = input;
  const { width = notebookWidth, height = 240, caption = [] } = input;
  checkNames("series", input.series);
  checkSize("width", width);
  checkSize("height", height);
  for (const [i, { points }] of input.series.entries()) checkSeries(`series[${i}]`, points, yScale === "log");

  for (const [i, { value }] of references.entries())
    check(Number.isFinite(value), `references[${i}].value`, value, "a finite number");

  const allPlaces = input.places ?? [
    ...new Set(input.series.flatMap(({ points }) => points.map(({ at }) => at))),
  ];
  const places = spread(allPlaces, maxPlaces);
  const most = Math.max(
    ...input.series.map(({ points }) => points.reduce((n, { values = [] }) => Math.max(n, values.length), 0)),
  );
  const kept = new Set(places);
  const series = input.series.map(({ name, points }) => ({
    name,
    points: points
      .filter(({ at }) => kept.has(at))
      .map(({ values = [], ...point }) => ({ ...point, values: spread(values, maxSeeds) })),
  }));
  const all = series.flatMap(({ points }) => points.flatMap(({ mean, values = [] }) => [mean, ...values]));
  const least = Math.min(...all.filter((value) => yScale === "linear" || value > 0));
  const end = (value: number): number => (yScale === "log" && value <= 0 ? least : value);
  const rows = series.flatMap(({ name, points }) =>
    points.map(({ at, mean, low = null, high = null }) => ({
      ...{ run: name, at: String(at), mean, interval: between(low, high) },
      ...(low !== null && high !== null && { low: end(low), high: end(high) }),
    })),
  );
  const seeds = series.flatMap(({ name, points }) =>
    points.flatMap(({ at, values = [] }) =>
      values
        .filter((value) => yScale === "linear" || value > 0)
        .map((value) => ({ run: name, at: String(at), value })),
    ),
  );

  const x = {
    field: "at",
    type: "ordinal",
    title: xTitle,
    scale: { domain: places.map(String), paddingInner: 0.3 },
    axis: { grid: false, labelAngle: 0, ...wrappedLabels(places.map(String), width - 80) },
  };
  const names = series.map(({ name }) => name);
  // Beside each other only where several are at one place.
  const shared = series.reduce((sum, { points }) => sum + points.length, 0) > places.length;
  const offset = {
    ...(shared && {
      xOffset: { field: "run", type: "nominal", scale: { domain: names, paddingOuter: 0.6 } },
    }),
  };
  const y = (field: string): View => ({
    field,
    type: "quantitative",
    title: metric,
    scale: yScale === "log" ? { type: "log", nice: false, padding: 8 } : { type: "linear", zero: false },
    axis: { tickCount: 5, format: input.yFormat ?? ",.4~r" },
  });
  const legend = runLegend(names, width - 80);
  const color = { field: "run", type: "nominal", scale: runScale(names), legend };
  const tooltip = [
    { field: "run", type: "nominal", title: "run" },
    { field: "at", type: "ordinal", title: xTitle },
    { field: "mean", type: "quantitative", format: ".4~g" },
    { field: "interval", type: "nominal" },
  ];
  const layer: View[] = [
    {
      transform: [{ filter: "isValid(datum.low)" }],
      mark: { type: "rule", strokeWidth: 2 },
      encoding: { x, ...offset, color, y: y("low"), y2: { field: "high" } },
    },
    {
      mark: { type: "point", filled: true, size: 60, opacity: 1 },
      encoding: { x, ...offset, color, tooltip, y: y("mean") },
    },
  ];
  // A lesson or a quick run has one seed, and no word to say about others.
  const several = seeds.length > 0 || rows.some((row) => row.interval !== unknown);
  if (seeds.length > 0) {
    layer.push({
      data: { values: seeds },
      mark: { type: "tick", orient: "horizontal", size: 14, thickness: 1.5, opacity: 0.7 },
      encoding: { x, ...offset, color, y: y("value") },
    });
  }
  if (references.length > 0) {
    layer.push({
      data: {
        values: references
          .filter(({ at }) => kept.has(at))
          .map(({ at, value }) => ({ at: String(at), value })),
      },
      mark: { type: "tick", style: "reference", thickness: 2, bandSize: 48 },
      encoding: { x, y: y("value") },
    });
  }
  return frame({
    title,
    caption: [
      ...(several
        ? [
            `Point: mean over seeds; line: its 95% interval (Student's t)${seeds.length > 0 ? "; strokes: single seeds" : ""}.`,
          ]
        : []),
      ...caption,
      ...(places.length < allPlaces.length
        ? [`${places.length} of ${formatCount(allPlaces.length)} places shown.`]
        : []),
      ...(most > maxSeeds ? [`At most ${maxSeeds} of ${formatCount(most)} seeds drawn at a place.`] : []),
    ],
    width,
    view: { width: width - 80, height, data: { values: rows }, layer },
  });
}

const unknown = "not known";

const between = (low: number | null, high: number | null): string =>
  low === null || high === null ? unknown : `${formatNumber(low)} to ${formatNumber(high)}`;

function checkSeries(argument: string, points: readonly IntervalPoint[], log: boolean): void {
  check(points.length > 0, `${argument}.points`, points, "at least one");
  const allowed = `finite${log ? ", positive" : ""} numbers`;
  for (const [j, { at, mean, low = null, high = null, values = [] }] of points.entries()) {
    const isPlace = typeof at === "number" ? Number.isFinite(at) : at.trim() !== "";
    check(isPlace, `${argument}.points[${j}].at`, at, "a finite number, or a text that is not empty");
    check(Number.isFinite(mean) && (!log || mean > 0), `${argument}.points[${j}].mean`, mean, allowed);
    const known = (low === null) === (high === null);
    check(known, `${argument}.points[${j}].low`, low, "both ends or none");
    const rest = [...(low === null ? [] : [low, high!]), ...values];
    check(rest.every(Number.isFinite), `${argument}.points[${j}]`, rest, "finite numbers");
  }
}
