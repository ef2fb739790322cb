import { check, required } from "../../src/errors.js";
import { frame, notebookWidth, runLegend, stepTicks } from "../frame.js";
import { cosines, inputOf, type Runs, shares } from "../runs.js";
import type { VegaLiteSpec, View } from "../spec.js";
import { formatCount, formatPercent } from "../text.js";
import { checkNames, checkSize } from "../validate.js";
import { lineLayers, referenceLayer } from "./curves.js";

/** What was measured at a run's fixed probes, recording by recording. */
export interface ProbeCurves {
  name: string;
  recordings: Recordings;
  /** The same with other seeds, at the same steps: then lines are means over all seeds and bands go from the lowest seed to the highest. */
  otherSeeds?: readonly Recordings[];
}

/** What was recorded of a run's probes, recording by recording. */
export type Recordings = readonly {
  step: number;
  /** One per probe, NaN for a tangent without length; null where there is nothing to compare with, as in a first recording's direction change. */
  values: ArrayLike<number> | null;
}[];

/** What charts of recorded tangents over training have in common. */
export interface ProbeChartInput {
  runs: readonly ProbeCurves[];
  title?: string;
  /** Of the whole chart, in pixels. Default 600. */
  width?: number;
  /** Of the plot alone, in pixels. Default 220. */
  height?: number;
}

/** What `parallelShare` draws. */
export interface ParallelShareInput extends ProbeChartInput {
  /** Share of a random direction: manifold dimension / ambient dimension. */
  chance?: number;
}

interface Row {
  run: string;
  step: number;
  value: number;
  low: number;
  high: number;
}

/**
 * Share of the tangents' squared norm that lies in the tangent space of the data manifold, over training: mean over the probes, band
 * from their lower to their upper quartile. Values are shares in [0, 1]; the rest is normal to the manifold.
 * @param given runs, or plain rows.
 * @throws TangentLabError `invalid-argument` on empty runs or shares outside [0, 1].
 */
export function parallelShare(
  given: ParallelShareInput | Runs,
  options: Partial<ParallelShareInput> = {},
): VegaLiteSpec {
  const input = inputOf(given, options, shares);
  const { runs, chance } = input;
  const rows = summarize(runs, 0, 1);
  check(chance === undefined || (chance >= 0 && chance <= 1), "chance", chance, "a share between 0 and 1");
  const last = lastValues(runs, rows);
  const ends = last.map(({ name, value }) => `${name} ${formatPercent(value)}`);
  return probeChart({
    ...input,
    rows,
    title:
      input.title ?? `Share of the tangents parallel to the data manifold at the end: ${ends.join(", ")}`,
    yTitle: "parallel share",
    domain: [0, 1],
    format: ".0%",
    reference: chance ?? null,
    caption: `Shares of squared norms; the rest is normal: it points to or from the manifold.${
      chance === undefined ? "" : ` Dashed: share of a random direction, ${formatPercent(chance)}.`
    }`,
  });
}

/**
 * Cosine between a probe's tangent and the one at the recording before, over training: 1 keeps its direction, 0 is unrelated, -1 turns round.
 * Mean over the probes, band from their lower to their upper quartile.
 * @param given runs, or plain rows.
 * @throws TangentLabError `invalid-argument` on empty runs or cosines outside [-1, 1].
 */
export function directionChange(
  given: ProbeChartInput | Runs,
  options: Partial<ProbeChartInput> = {},
): VegaLiteSpec {
  const input = inputOf(given, options, cosines);
  const rows = summarize(input.runs, -1, 1);
  const means = input.runs.map(({ name }) => {
    const own = rows.filter((row) => row.run === name);
    return `${name} ${(own.reduce((sum, row) => sum + row.value, 0) / own.length).toFixed(2)}`;
  });
  return probeChart({
    ...input,
    rows,
    title: input.title ?? `Mean cosine of tangents between recordings: ${means.join(", ")}`,
    yTitle: "cosine with the recording before",
    domain: [Math.floor(2 * Math.min(0, ...rows.map((row) => row.low))) / 2, 1],
    format: ".1f",
    reference: null,
    caption: `1: same direction as at the recording before. 0: unrelated. −1: opposite.${
      input.title === undefined ? " In the title: mean over training." : ""
    }`,
  });
}

/** Rounding may put a share or a cosine just outside its range. */
const slack = 1e-3;

function summarize(runs: readonly ProbeCurves[], min: number, max: number): Row[] {
  checkNames("runs", runs);
  return runs.flatMap((run, i): Row[] => {
    const own = readSeed(`runs[${i}].recordings`, run.name, run.recordings, min, max);
    const others = (run.otherSeeds ?? []).map((seed, j) =>
      readSeed(`runs[${i}].otherSeeds[${j}]`, run.name, seed, min, max),
    );
    if (others.length === 0) return own;
    return own.map((row, j) => {
      const means = [own, ...others].map((rows, k) => {
        const same = rows[j]?.step === row.step;
        check(same, `runs[${i}].otherSeeds[${k - 1}]`, rows[j]?.step, `the steps of recordings: ${row.step}`);
        return rows[j]!.value;
      });
      return {
        ...row,
        value: means.reduce((a, b) => a + b, 0) / means.length,
        low: Math.min(...means),
        high: Math.max(...means),
      };
    });
  });
}

/** One row per recording with values: mean over the probes and their quartiles. */
function readSeed(argument: string, name: string, recordings: Recordings, min: number, max: number): Row[] {
  required(argument, recordings, "a list");
  const rows = recordings.flatMap((recording, j): Row[] => {
    if (recording.values === null) return [];
    const all = Array.from(recording.values);
    check(Number.isFinite(recording.step), `${argument}[${j}].step`, recording.step, "a finite number");
    check(all.length > 0, `${argument}[${j}].values`, all, "one value per probe");
    for (const [k, value] of all.entries()) {
      const within = Number.isNaN(value) || (value >= min - slack && value <= max + slack);
      check(within, `${argument}[${j}].values[${k}]`, value, `numbers from ${min} to ${max}, or NaN`);
    }
    const values = all.filter((value) => !Number.isNaN(value));
    if (values.length === 0) return [];
    const sorted = values.map((value) => Math.min(max, Math.max(min, value))).sort((a, b) => a - b);
    return [
      {
        run: name,
        step: recording.step,
        value: sorted.reduce((a, b) => a + b, 0) / sorted.length,
        low: quantile(sorted, 0.25),
        high: quantile(sorted, 0.75),
      },
    ];
  });
  check(rows.length > 0, argument, "no values", "at least one recording with values");
  return rows;
}

/** Linear interpolation between the values at both sides, as NumPy does it. */
export function quantile(sorted: readonly number[], q: number): number {
  const at = q * (sorted.length - 1);
  const below = Math.floor(at);
  const next = sorted[Math.min(below + 1, sorted.length - 1)]!;
  return sorted[below]! + (at - below) * (next - sorted[below]!);
}

const lastValues = (runs: readonly ProbeCurves[], rows: readonly Row[]): { name: string; value: number }[] =>
  runs.map(({ name }) => {
    const own = rows.filter((row) => row.run === name);
    return { name, value: own.reduce((a, b) => (b.step >= a.step ? b : a)).value };
  });

function probeChart(parts: {
  runs: readonly ProbeCurves[];
  rows: readonly Row[];
  title: string;
  yTitle: string;
  domain: readonly [number, number];
  format: string;
  /** Height of a dashed line. */
  reference: number | null;
  caption: string;
  width?: number;
  height?: number;
}): VegaLiteSpec {
  const { runs, reference, width = notebookWidth, height = 220 } = parts;
  const { rows, averaged } = thinned(parts.rows, runs);
  checkSize("width", width);
  checkSize("height", height);
  const x = {
    field: "step",
    type: "quantitative",
    title: "training step",
    scale: { nice: false, zero: false },
    axis: { grid: false, tickCount: stepTicks(width - 80), format: ",~f" },
  };
  const y = (field: string): View => ({
    field,
    type: "quantitative",
    title: parts.yTitle,
    scale: { domain: parts.domain },
    axis: { tickCount: 5, format: parts.format },
  });
  const names = runs.map((run) => run.name);
  const legend = runLegend(names, width - 80);
  const layer: View[] = [
    {
      mark: { type: "area", opacity: 0.2 },
      encoding: { x, y: y("low"), y2: { field: "high" }, color: { field: "run", type: "nominal" } },
    },
    ...lineLayers(x, y("value"), legend, names, rows),
    ...(reference === null ? [] : [referenceLayer(reference)]),
  ];
  return frame({
    title: parts.title,
    caption: [`${bandNote(runs)} ${parts.caption}`, ...averaged, ...lengthless(runs)],
    width,
    view: { width: width - 80, height, data: { values: rows }, layer },
  });
}

function lengthless(runs: readonly ProbeCurves[]): string[] {
  const all = runs.flatMap(({ recordings, otherSeeds = [] }) => [recordings, ...otherSeeds].flat());
  const count = all.reduce(
    (sum, { values }) => sum + Array.from(values ?? []).filter(Number.isNaN).length,
    0,
  );
  return count > 0 ? [`Left out: ${formatCount(count)} values of tangents without a length.`] : [];
}

function bandNote(runs: readonly ProbeCurves[]): string {
  const seeds = Math.max(...runs.map((run) => (run.otherSeeds?.length ?? 0) + 1));
  return seeds === 1
    ? "Line: mean over the probes; band: their middle half."
    : `Line: mean over probes and ${seeds} seeds; band: from the lowest seed to the highest.`;
}

/** Most recordings of one run that are drawn; more are averaged. */
const maxRecordings = 1000;

function thinned(rows: readonly Row[], runs: readonly ProbeCurves[]): { rows: Row[]; averaged: string[] } {
  const averaged: string[] = [];
  const out = runs.flatMap(({ name }) => {
    const own = rows.filter((row) => row.run === name).sort((a, b) => a.step - b.step);
    if (own.length <= maxRecordings) return own;
    const size = Math.ceil(own.length / maxRecordings);
    averaged.push(`${name}: every point is the mean of ${size} of ${formatCount(own.length)} recordings.`);
    return Array.from({ length: Math.ceil(own.length / size) }, (_, i): Row => {
      const bucket = own.slice(i * size, (i + 1) * size);
      const mean = (field: "value" | "low" | "high"): number =>
        bucket.reduce((sum, row) => sum + row[field], 0) / bucket.length;
      const { step } = bucket[Math.floor(bucket.length / 2)]!;
      return { run: name, step, value: mean("value"), low: mean("low"), high: mean("high") };
    });
  });
  return { rows: out, averaged };
}
