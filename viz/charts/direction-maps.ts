import { check, required } from "../../src/errors.js";
import { frame, notebookWidth } from "../frame.js";
import { cosines, inputOf, type Runs } from "../runs.js";
import type { VegaLiteSpec } from "../spec.js";
import { formatCount, formatNumber } from "../text.js";
import { runColors } from "../theme.js";
import { checkLength, checkNames, checkSize } from "../validate.js";
import { cosineColors, heatMaps } from "./heat.js";
import type { ProbeCurves } from "./tangents.js";

/** A run's direction changes, and the noise level t of each probe. */
export interface TimedProbes {
  name: string;
  /** One per probe, greater than 0. */
  times: ArrayLike<number>;
  /** Cosines of each probe's tangent with the one at the recording before, as `directionChange` takes them. */
  recordings: ProbeCurves["recordings"];
}

/** What `oscillationMap` and `directionPerProbe` draw. */
export interface DirectionMapInput {
  runs: readonly TimedProbes[];
  title?: string;
  /** Of the whole chart, in pixels. Default 600. */
  width?: number;
  /** Of a panel, in pixels. Default 240. */
  height?: number;
}

/** Most columns and rows of a map; more recordings, probes or noise levels are averaged. */
const maxColumns = 50;
const maxRows = 16;

/** Rounding may put a cosine just outside its range. */
const slack = 1e-3;

/**
 * Where in t tangents oscillate: mean cosine between successive tangents of the probes near a noise level (a row) at a recording (a column),
 * run beside run on one scale of colours. Rows are equal steps of log t, or single levels where there are few.
 * @throws TangentLabError `invalid-argument` for runs without direction changes, cosines outside [-1, 1] or noise levels that are not positive.
 */
export function oscillationMap(
  given: DirectionMapInput | Runs,
  options: Partial<DirectionMapInput> = {},
): VegaLiteSpec {
  const input = inputOf(given, options, cosines);
  checkNames("runs", input.runs);
  for (const [i, run] of input.runs.entries()) checkTimes(`runs[${i}].times`, run.times);
  const rows = timeRows(input.runs);
  const { panels, columns, notes } = readRuns(input, (run, probe) => rows.of(run.times[probe]!), rows.labels);
  const means = panels.map(({ name, cells }) => {
    const byRow = rows.labels.flatMap((label) => {
      const own = cells.filter((cell) => cell.y === label);
      return own.length > 0 ? [{ label, value: mean(own.map((cell) => cell.value)) }] : [];
    });
    const { label, value } = byRow.reduce((a, b) => (b.value < a.value ? b : a));
    return `${name} at t = ${label} (mean cosine ${value.toFixed(2)})`;
  });
  return mapChart(input, {
    title: input.title ?? `Tangents turn most: ${means.join(", ")}`,
    yTitle: "noise level t",
    labels: rows.labels,
    panels,
    columns,
    notes: rows.binned ? ["A row is the mean of the probes nearest to its t.", ...notes] : notes,
  });
}

/**
 * The direction change of every probe over training: a row per probe, from little noise at the bottom to much at the top.
 * @throws TangentLabError `invalid-argument` as `oscillationMap`.
 */
export function directionPerProbe(
  given: DirectionMapInput | Runs,
  options: Partial<DirectionMapInput> = {},
): VegaLiteSpec {
  const input = inputOf(given, options, cosines);
  checkNames("runs", input.runs);
  for (const [i, run] of input.runs.entries()) checkTimes(`runs[${i}].times`, run.times);
  const count = Math.max(...input.runs.map((run) => run.times.length));
  const size = Math.ceil(count / maxProbes);
  const ranks = new Map(input.runs.map((run) => [run.name, ranking(run.times)]));
  const label = (rank: number): string => String(Math.floor(rank / size) + 1);
  const labels = Array.from({ length: Math.ceil(count / size) }, (_, i) => String(i + 1)).reverse();
  const { panels, columns, notes } = readRuns(
    input,
    (run, probe) => label(ranks.get(run.name)![probe]!),
    labels,
  );
  const turned = panels.map(({ name, cells }) => {
    const share = cells.filter(({ value }) => value < 0).length / cells.length;
    return `${name} ${Math.round(100 * share)}%`;
  });
  return mapChart(input, {
    title: input.title ?? `Tangents that turned by more than 90° between recordings: ${turned.join(", ")}`,
    yTitle: size > 1 ? `probes, ${formatCount(size)} in a row, by t` : "probe, by t",
    labels,
    panels,
    columns,
    notes: [
      ...(size > 1
        ? [`${formatCount(count)} probes: a row is the mean of ${formatCount(size)} of them.`]
        : []),
      ...notes,
    ],
  });
}

const maxProbes = 60;

interface MapPanel {
  name: string;
  cells: { x: string; y: string; value: number }[];
}

/** Means over the probes of a row and the recordings of a column. */
function readRuns(
  { runs }: DirectionMapInput,
  rowOf: (run: TimedProbes, probe: number) => string,
  labels: readonly string[],
): { panels: MapPanel[]; columns: string[]; notes: string[] } {
  for (const [i, { recordings }] of runs.entries()) required(`runs[${i}].recordings`, recordings, "a list");
  const steps = [
    ...new Set(
      runs.flatMap((run) => run.recordings.flatMap(({ step, values }) => (values === null ? [] : [step]))),
    ),
  ].sort((a, b) => a - b);
  check(steps.length > 0, "runs[].recordings", "no values", "at least one recording with values");
  const size = Math.ceil(steps.length / maxColumns);
  const place = new Map(steps.map((step, i) => [step, Math.floor(i / size)]));
  const columns = Array.from({ length: Math.ceil(steps.length / size) }, (_, i) =>
    formatCount(steps[i * size]!),
  );
  let missing = 0;
  const panels = runs.map((run, i) => {
    const sums = new Map<string, { x: string; y: string; sum: number; count: number }>();
    for (const [j, { step, values }] of run.recordings.entries()) {
      if (values === null) continue;
      const argument = `runs[${i}].recordings[${j}]`;
      check(Number.isFinite(step), `${argument}.step`, step, "a finite number");
      checkLength(`${argument}.values`, values, run.times.length);
      const x = columns[place.get(step)!]!;
      for (let probe = 0; probe < values.length; probe++) {
        const value = values[probe]!;
        if (Number.isNaN(value)) {
          missing++;
          continue;
        }
        const within = Math.abs(value) <= 1 + slack;
        check(within, `${argument}.values[${probe}]`, value, "numbers from -1 to 1");
        const y = rowOf(run, probe);
        const cell = sums.get(`${x} ${y}`) ?? { x, y, sum: 0, count: 0 };
        cell.sum += Math.min(1, Math.max(-1, value));
        cell.count++;
        sums.set(`${x} ${y}`, cell);
      }
    }
    const cells = [...sums.values()].map(({ x, y, sum, count }) => ({
      x,
      y,
      value: Number((sum / count).toFixed(4)),
    }));
    check(cells.length > 0, `runs[${i}].recordings`, "no values", "at least one recording with values");
    return { name: run.name, cells: cells.sort((a, b) => labels.indexOf(a.y) - labels.indexOf(b.y)) };
  });
  const notes = [
    ...(size > 1
      ? [`A column is the mean of ${formatCount(size)} of ${formatCount(steps.length)} recordings.`]
      : []),
    ...(missing > 0 ? [`Left out ${formatCount(missing)} values that are no numbers.`] : []),
  ];
  return { panels, columns, notes };
}

function mapChart(
  input: DirectionMapInput,
  parts: {
    title: string;
    yTitle: string;
    labels: readonly string[];
    panels: readonly MapPanel[];
    columns: readonly string[];
    notes: readonly string[];
  },
): VegaLiteSpec {
  const { width = notebookWidth, height = 240 } = input;
  checkSize("width", width);
  checkSize("height", height);
  const colors = runColors(parts.panels.map(({ name }) => name));
  return frame({
    title: parts.title,
    caption: [
      "Cosine with the tangent one recording before: blue: it keeps its direction; orange: it turns round.",
      ...parts.notes,
    ],
    width,
    view: heatMaps({
      panels: parts.panels.map((panel, i) => ({ ...panel, color: colors[i]! })),
      x: { title: "training step", domain: parts.columns },
      y: { title: parts.yTitle, domain: parts.labels },
      value: {
        title: "cosine",
        format: ".2~f",
        scale: { domain: [-1, 0, 1], range: cosineColors, interpolate: "lab", clamp: true },
      },
      width,
      height,
    }),
  });
}

/** Rows of noise levels, most noise first: single levels where there are few, else equal steps of log t. */
function timeRows(runs: readonly TimedProbes[]): {
  labels: string[];
  of: (t: number) => string;
  binned: boolean;
} {
  const all = runs.flatMap((run) => Array.from(run.times));
  const levels = [...new Set(all.map(formatNumber))];
  if (levels.length <= maxRows) {
    const first = new Map(all.map((t) => [formatNumber(t), t]));
    return {
      labels: levels.sort((a, b) => first.get(b)! - first.get(a)!),
      of: formatNumber,
      binned: false,
    };
  }
  const [low, high] = all.reduce(
    ([a, b], t) => [Math.min(a, Math.log(t)), Math.max(b, Math.log(t))],
    [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY],
  );
  const size = (high! - low!) / maxRows;
  const names = Array.from({ length: maxRows }, (_, i) =>
    formatNumber(Number(Math.exp(low! + (i + 0.5) * size).toPrecision(2))),
  );
  // Names of two digits can be alike where the range is narrow; then three tell them apart.
  const labels =
    new Set(names).size === names.length
      ? names
      : names.map((_, i) => Math.exp(low! + (i + 0.5) * size).toPrecision(5));
  return {
    labels: [...labels].reverse(),
    of: (t) => labels[Math.min(maxRows - 1, Math.floor((Math.log(t) - low!) / size))]!,
    binned: true,
  };
}

/** Place of each value in rising order. */
function ranking(values: ArrayLike<number>): number[] {
  const order = Array.from(values, (_, i) => i).sort((a, b) => values[a]! - values[b]!);
  const ranks = new Array<number>(order.length);
  for (const [rank, i] of order.entries()) ranks[i] = rank;
  return ranks;
}

function checkTimes(argument: string, times: ArrayLike<number>): void {
  required(argument, times, "a list of noise levels");
  check(times.length > 0, argument, "no noise levels", "one per probe");
  for (let i = 0; i < times.length; i++)
    check(Number.isFinite(times[i]) && times[i]! > 0, `${argument}[${i}]`, times[i], "numbers > 0");
}

const mean = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0) / values.length;
