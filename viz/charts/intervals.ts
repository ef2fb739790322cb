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
  const { width = notebookWidth, height = 240, caption = [] } = input;
  checkSize("width", width);
  checkSize("height", height);
  checkInput(input);
  const { places, all } = placesOf(input);
  const { rows, seeds, most } = readSeries(input, places);
  // A lesson or a quick run has one seed, and no word to say about others.
  const several = seeds.length > 0 || rows.some((row) => row.interval !== unknown);
  return frame({
    title: input.title,
    caption: [
      ...(several
        ? [
            `Point: mean over seeds; line: its 95% interval (Student's t)${seeds.length > 0 ? "; strokes: single seeds" : ""}.`,
          ]
        : []),
      ...caption,
      ...(places.length < all ? [`${places.length} of ${formatCount(all)} places shown.`] : []),
      ...(most > maxSeeds ? [`At most ${maxSeeds} of ${formatCount(most)} seeds drawn at a place.`] : []),
    ],
    width,
    view: {
      width: width - 80,
      height,
      data: { values: rows },
      layer: intervalLayers(input, places, { rows, seeds }, width - 80),
    },
  });
}

/** The places that are drawn, and how many there are. */
function placesOf({ series, places }: IntervalsInput): { places: (number | string)[]; all: number } {
  const all = places ?? [...new Set(series.flatMap(({ points }) => points.map(({ at }) => at)))];
  return { places: spread(all, maxPlaces), all: all.length };
}

interface MeanRow {
  run: string;
  at: string;
  mean: number;
  /** For the tooltip. */
  interval: string;
  low?: number;
  high?: number;
}

interface SeedRow {
  run: string;
  at: string;
  value: number;
}

/** A row per mean and per single seed, of which on a log scale only the positive ones; `most` seeds were given at one place. */
function readSeries(
  { series, yScale }: IntervalsInput,
  places: readonly (number | string)[],
): { rows: MeanRow[]; seeds: SeedRow[]; most: number } {
  const log = yScale === "log";
  const kept = new Set(places);
  const points = series.flatMap(({ name, points }) =>
    points.filter(({ at }) => kept.has(at)).map((point) => ({ ...point, run: name, at: String(point.at) })),
  );
  const seeds = points.flatMap(({ run, at, values = [] }) =>
    spread(values, maxSeeds)
      .filter((value) => !log || value > 0)
      .map((value) => ({ run, at, value })),
  );
  const least = Math.min(...points.map(({ mean }) => mean), ...seeds.map(({ value }) => value));
  const end = (value: number): number => (log && value <= 0 ? least : value);
  const rows = points.map(({ run, at, mean, low = null, high = null }) => ({
    run,
    at,
    mean,
    interval: between(low, high),
    ...(low !== null && high !== null && { low: end(low), high: end(high) }),
  }));
  const counts = series.flatMap(({ points }) => points.map(({ values = [] }) => values.length));
  return { rows, seeds, most: Math.max(...counts) };
}

/** Intervals as lines, means as points, single seeds as strokes, and grey ticks to compare with. */
function intervalLayers(
  { series, metric, xTitle, references = [], yScale, yFormat = ",.4~r" }: IntervalsInput,
  places: readonly (number | string)[],
  { rows, seeds }: { rows: readonly MeanRow[]; seeds: readonly SeedRow[] },
  plotWidth: number,
): View[] {
  const domain = places.map(String);
  const x = {
    field: "at",
    type: "ordinal",
    title: xTitle,
    scale: { domain, paddingInner: 0.3 },
    axis: { grid: false, labelAngle: 0, ...wrappedLabels(domain, plotWidth) },
  };
  const y = (field: string): View => ({
    field,
    type: "quantitative",
    title: metric,
    scale: yScale === "log" ? { type: "log", nice: false, padding: 8 } : { type: "linear", zero: false },
    axis: { tickCount: 5, format: yFormat },
  });
  const names = series.map(({ name }) => name);
  const legend = runLegend(names, plotWidth);
  // Beside each other only where several are at one place.
  const shared = rows.length > places.length;
  const placed = {
    x,
    ...(shared && {
      xOffset: { field: "run", type: "nominal", scale: { domain: names, paddingOuter: 0.6 } },
    }),
    color: { field: "run", type: "nominal", scale: runScale(names), legend },
  };
  const tooltip = [
    { field: "run", type: "nominal", title: "run" },
    { field: "at", type: "ordinal", title: xTitle },
    { field: "mean", type: "quantitative", format: ".4~g" },
    { field: "interval", type: "nominal" },
  ];
  const kept = new Set(places);
  const ticks = references
    .filter(({ at }) => kept.has(at))
    .map(({ at, value }) => ({ at: String(at), value }));
  return [
    {
      transform: [{ filter: "isValid(datum.low)" }],
      mark: { type: "rule", strokeWidth: 2 },
      encoding: { ...placed, y: y("low"), y2: { field: "high" } },
    },
    {
      mark: { type: "point", filled: true, size: 60, opacity: 1 },
      encoding: { ...placed, tooltip, y: y("mean") },
    },
    ...(seeds.length > 0
      ? [
          {
            data: { values: seeds },
            mark: { type: "tick", orient: "horizontal", size: 14, thickness: 1.5, opacity: 0.7 },
            encoding: { ...placed, y: y("value") },
          },
        ]
      : []),
    ...(references.length > 0
      ? [
          {
            data: { values: ticks },
            mark: { type: "tick", style: "reference", thickness: 2, bandSize: 48 },
            encoding: { x, y: y("value") },
          },
        ]
      : []),
  ];
}

const unknown = "not known";

const between = (low: number | null, high: number | null): string =>
  low === null || high === null ? unknown : `${formatNumber(low)} to ${formatNumber(high)}`;

function checkInput({ series, references = [], yScale }: IntervalsInput): void {
  checkNames("series", series);
  for (const [i, { points }] of series.entries()) checkSeries(`series[${i}]`, points, yScale === "log");
  for (const [i, { value }] of references.entries())
    check(Number.isFinite(value), `references[${i}].value`, value, "a finite number");
}

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
