// What charts read of runs: their inputs, made of what training left.
import { check, required } from "../src/errors.js";
import type { ComparisonRecord } from "../src/experiments/compare-record.js";
import type { CellSummary } from "../src/experiments/summary.js";
import type { MetricsRecord, ProbeSetRecord, RunRecord } from "../src/loop/record.js";
import type { Points } from "./spec.js";
import { drawable, metricTitle } from "./text.js";

/** A number of every probe, recording by recording. */
interface Recordings {
  name: string;
  recordings: { step: number; values: number[] | null }[];
}

/** What training leaves: a run's record, or a trained model, which has one. */
export type Recorded = RunRecord | { readonly record: RunRecord };

/** Runs as charts take them: by name, as `viz.live` gives them; a list; a single one; or a comparison, as `tangent-lab compare` makes it. */
export type Runs = Recorded | readonly Recorded[] | { readonly [name: string]: Recorded } | ComparisonRecord;

/**
 * A chart's input: as given, or made of runs; options come before what it has.
 * @throws TangentLabError `invalid-argument` for what is neither.
 */
export function inputOf<Input extends object>(
  input: Input | Runs,
  options: Partial<Input>,
  of: (runs: Runs) => Input,
): Input {
  required("input", input, "the data of the chart");
  required("options", options);
  return { ...(isRuns(input) ? of(input) : input), ...options };
}

const isRecord = (value: unknown): value is RunRecord => {
  const { probes, losses, settings } = (value ?? {}) as Partial<RunRecord>;
  return Array.isArray(probes) && Array.isArray(losses) && typeof settings === "object";
};

const isRecorded = (value: unknown): value is Recorded =>
  isRecord(value) || isRecord((value as { record?: unknown } | undefined)?.record);

const isList = (values: unknown): values is Recorded[] =>
  Array.isArray(values) && values.length > 0 && values.every(isRecorded);

const isComparison = (value: object): value is ComparisonRecord =>
  isList((value as Partial<ComparisonRecord>).runs);

export const isRuns = (value: unknown): value is Runs =>
  typeof value === "object" && value !== null && areRuns(value);

const areRuns = (value: object): value is Runs =>
  isRecorded(value) || isList(value) || isComparison(value) || isList(Object.values(value));

/** The records, called as the runs are where these have names, as those can be drawn. */
export const recordsOf = (runs: Runs): RunRecord[] =>
  namedRuns(runs).map(({ name, run }) => ({ ...recordOf(run), name: drawable(name) }));

/** What a run recorded. */
export const recordOf = (run: Recorded): RunRecord => ("record" in run ? run.record : run);

/** The runs as they were given, models with their weights, and what each is called. */
export function namedRuns(runs: Runs): { name: string; run: Recorded }[] {
  const own = (run: Recorded) => ({ name: recordOf(run).name, run });
  if (isRecorded(runs)) return [own(runs)];
  if (isList(runs)) return runs.map(own);
  if (isComparison(runs)) return runs.runs.map(own);
  return Object.entries(runs as Record<string, Recorded>).map(([name, run]) => ({ name, run }));
}

/** Runs whose tangents were recorded. */
function probed(runs: Runs): (RunRecord & { probeSet: ProbeSetRecord })[] {
  const records = recordsOf(runs);
  const found = records.flatMap((run) =>
    run.probeSet && run.probes.length > 0 ? [{ ...run, probeSet: run.probeSet }] : [],
  );
  const names = records.map(({ name }) => name).join(", ");
  check(found.length > 0, "runs", `${names}: no tangents`, "trained with recording, and awaited");
  return found;
}

/** Data to draw behind: the comparison's, or those that a run has kept. */
function background(runs: Runs): Points {
  const { data, clean } = probed(runs)[0]!.probeSet;
  return isComparison(runs) ? runs.reference : (data ?? clean);
}

/** Parallel shares of the tangents over training. */
export const shares = (runs: Runs): { runs: Recordings[]; chance: number } => ({
  runs: probed(runs).map(({ name, probes }) => ({
    name,
    recordings: probes.map(({ step, parallel }) => ({ step, values: parallel })),
  })),
  chance: probed(runs)[0]!.probeSet.chance,
});

/** Cosines of tangents with those at the recording before, and the probes' noise levels. */
export const cosines = (runs: Runs): { runs: (Recordings & { times: readonly number[] })[] } => ({
  runs: probed(runs).map(({ name, probes, probeSet }) => ({
    name,
    times: probeSet.times,
    recordings: probes.map(({ step, cosine }) => ({ step, values: cosine })),
  })),
});

/** The last recording's outputs and tangents. */
export const fields = (runs: Runs) => ({
  data: background(runs),
  runs: probed(runs).map(({ name, probes }) => {
    const { outputs, tangents, distance, parallel } = probes.at(-1)!;
    return { name, outputs, tangents, values: distance, parallel };
  }),
  valueTitle:
    probed(runs)[0]!.probeSet.tangentSpace === "exact"
      ? "distance to the manifold"
      : "distance to the nearest example",
});

/** Outputs and tangents of all recordings. */
export const frames = (runs: Runs) => ({
  data: background(runs),
  runs: probed(runs).map(({ name, probes }) => ({
    name,
    frames: probes.map(({ step, outputs, tangents, parallel }) => ({
      step,
      outputs,
      tangents,
      values: parallel,
    })),
  })),
});

/** Samples over training, and data to compare with. */
export const sampled = (
  runs: Runs,
): { runs: { name: string; frames: RunRecord["samples"] }[]; reference?: Points } => {
  const records = recordsOf(runs);
  const data = isComparison(runs) ? runs.reference : records[0]!.probeSet?.data;
  return {
    runs: records.map(({ name, samples }) => ({ name, frames: samples })),
    ...(data && { reference: data }),
  };
};

/** A metric over training: of the samples, or of the training itself. */
export function curvesOf(runs: Runs, metric: string) {
  const rows = ({ curve, losses }: RunRecord): MetricsRecord[] =>
    [...curve, ...losses].filter(({ metrics }) => metric in metrics);
  const records = recordsOf(runs);
  const curves = records.flatMap((run) => {
    const own = rows(run);
    if (own.length === 0) return [];
    return [
      {
        name: run.name,
        steps: own.map(({ step }) => step),
        values: own.map(({ metrics }) => metrics[metric]!),
      },
    ];
  });
  const known = new Set(
    records.flatMap(({ curve, losses }) => [...curve, ...losses].flatMap((row) => Object.keys(row.metrics))),
  );
  check(curves.length > 0, "metric", metric, [...known].join(", "));
  return {
    metric: metricTitle(metric),
    curves,
    yScale: wide(curves) ? ("log" as const) : ("linear" as const),
  };
}

/** A measure of a study's cells over training, with the intervals over its seeds where all have some. */
export function cellCurves(cells: readonly CellSummary[], measure: string) {
  return cells.flatMap(({ arm, curves }) => {
    const rows = curves[measure] ?? [];
    if (rows.length === 0) return [];
    const bounded = rows.every(({ interval }) => interval.low !== null);
    return [
      {
        name: arm,
        steps: rows.map(({ step }) => step),
        values: rows.map(({ interval }) => interval.mean),
        ...(bounded && {
          low: rows.map(({ interval }) => interval.low!),
          high: rows.map(({ interval }) => interval.high!),
        }),
      },
    ];
  });
}

/** Whether a linear axis would press most of the curves flat. */
export function wide(curves: readonly { values: ArrayLike<number> }[]): boolean {
  const values = curves.flatMap((curve) => Array.from(curve.values)).filter(Number.isFinite);
  const [low, high] = [Math.min(...values), Math.max(...values)];
  return low > 0 && high / low > 8;
}
