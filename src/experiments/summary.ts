import type { ArrayRecord, Json } from "../loop/record.js";
import type { CellRuns } from "./run-study.js";
import { type Interval, interval, pairedDifference, pairedRatio, stepsTo } from "./statistics.js";
import type { Cell, Study, StudyPlan } from "./study.js";
import { metricOf, type TrialRecord } from "./trial.js";

/** A measure over training, over the reported seeds. */
export type CurveSummary = { step: number; interval: Interval }[];

/** One number for each reported seed. */
export interface Outcome {
  /** null where there is none: a target that was not reached. */
  values: (number | null)[];
  /** Of the mean; null where a value is. */
  interval: Interval | null;
  /**
   * Against the reference arm with the same seeds: difference, for steps the ratio; null for the reference itself and where a value is missing.
   */
  versus: Interval | null;
}

export interface CellSummary {
  arm: string;
  at: number | string | null;
  dataset: string;
  learningRate: number;
  /** The deciding metric on the tuning seeds; null where a run diverged. */
  tuning: { learningRate: number; value: number | null }[];
  steps: number;
  batchSize: number;
  /** Parallel share of a random direction. */
  chance: number;
  curves: Record<string, CurveSummary>;
  outcomes: Record<string, Outcome>;
  /** Of images: 16 samples at the end, from the first seed; null for points. */
  samples: ArrayRecord | null;
  /** Mean seconds of a run. */
  seconds: number;
}

export interface PanelSummary {
  name: string;
  /** The metric that settings were chosen by. */
  metric: string;
  reference: string;
  /**
   * For steps to a target, by place on the axis ("" without one): what the reference reached at the end of training on the tuning seeds, plus a tenth.
   */
  targets: Record<string, number>;
  cells: CellSummary[];
}

/** What a study found, as `results.json` has it; plain data. */
export interface StudyRecord {
  name: string;
  title: string;
  question: string;
  date: string;
  /** Of the training of all runs, also those of earlier commands; without what they start from. */
  seconds: number;
  quick: boolean;
  axis: string | null;
  measures: string[];
  seeds: StudyPlan["seeds"];
  panels: PanelSummary[];
  settings: { [name: string]: Json };
  machine: Record<string, string>;
  versions: Record<string, string>;
}

/** How far above the reference's final metric the target of `steps` lies. */
const targetSlack = 1.1;

/** Means, intervals and paired differences of a study's runs. */
export function summarize(study: Study, plan: StudyPlan, runs: readonly CellRuns[]): PanelSummary[] {
  const names = [...new Set(plan.cells.map(({ panel }) => panel))];
  return names.map((name) => {
    const own = runs.filter(({ cell }) => cell.panel === name);
    const metric = metricOf(own[0]!.cell.start);
    const references = own.filter(({ cell }) => cell.arm === plan.reference);
    // One without a place on the axis is the reference at all of them.
    const referenceAt = (at: Cell["at"]): CellRuns | undefined =>
      references.find(({ cell }) => cell.at === at) ?? references.find(({ cell }) => cell.at === undefined);
    const targets: Record<string, number> = {};
    for (const { cell, tuning, learningRate } of own) {
      const tuned = tuning.find((choice) => choice.learningRate === learningRate);
      if (cell.arm === plan.reference && tuned?.value != null)
        targets[`${cell.at ?? ""}`] = targetSlack * tuned.value;
    }
    const cells = own.map((run) =>
      cellSummary(study, run, metric, referenceAt(run.cell.at), targets[`${run.cell.at ?? ""}`]),
    );
    return { name, metric, reference: plan.reference, targets, cells };
  });
}

function cellSummary(
  study: Study,
  run: CellRuns,
  metric: string,
  reference: CellRuns | undefined,
  target: number | undefined,
): CellSummary {
  const { cell, records, learningRate, tuning } = run;
  const { steps, batchSize } = cell.training;
  const measured = study.measures.flatMap((name) => (name === "metric" ? [metric] : [name]));
  const outcomes: Record<string, Outcome> = {};
  for (const name of measured) {
    const values = records.map((record) => outcomeOf(record, name, metric, target));
    if (values.every((value) => value === undefined)) continue;
    const own = values.map((value) => value ?? null);
    const others =
      reference && reference !== run
        ? reference.records.map((record) => outcomeOf(record, name, metric, target) ?? null)
        : [];
    outcomes[name] = {
      values: own,
      interval: complete(own) ? interval(own) : null,
      versus: others.length > 0 && complete(own) && complete(others) ? versus(name, own, others) : null,
    };
  }
  return {
    ...{ arm: cell.arm, at: cell.at ?? null, dataset: cell.dataset, learningRate },
    tuning: tuning.map((choice) => ({ learningRate: choice.learningRate, value: choice.value })),
    ...{ steps, batchSize, chance: records[0]!.chance },
    curves: curvesOf(records),
    outcomes,
    samples: someImages(records[0]!.samples, 16),
    seconds: records.reduce((sum, { seconds }) => sum + seconds / records.length, 0),
  };
}

function someImages({ shape, values }: ArrayRecord, count: number): ArrayRecord | null {
  const [all, ...example] = shape as [number, ...number[]];
  if (example.length !== 3) return null;
  return { shape: [count, ...example], values: values.slice(0, (values.length / all) * count) };
}

/** A difference; of steps their ratio, unless a run was at the target before the first. */
function versus(name: string, own: readonly number[], others: readonly number[]): Interval | null {
  if (name !== "steps") return pairedDifference(own, others);
  return [...own, ...others].every((value) => value > 0) ? pairedRatio(own, others) : null;
}

const complete = (values: readonly (number | null)[]): values is number[] =>
  values.every((value) => value !== null && Number.isFinite(value));

/** One run's number: null where a target was not reached, undefined where there is nothing of that name. */
function outcomeOf(
  record: TrialRecord,
  name: string,
  metric: string,
  target: number | undefined,
): number | null | undefined {
  if (name === "parallel") return secondHalf(record, ({ parallel }) => parallel);
  if (name === "direction") return secondHalf(record, ({ cosine }) => cosine);
  if (name === "steps") {
    if (target === undefined) return undefined;
    const curve = record.curve.map(({ step, metrics }) => ({ step, value: metrics[metric]! }));
    return stepsTo(curve, target);
  }
  return record.curve.at(-1)!.metrics[name];
}

type Tangents = TrialRecord["tangents"][number];

/** Mean over the second half of training: at its very end the learning rate is 0 and tangents keep their direction whatever the loss. */
function secondHalf({ tangents }: TrialRecord, of: (row: Tangents) => number | null): number {
  const end = tangents.at(-1)!.step;
  const values = tangents.flatMap((row) => {
    const value = row.step >= end / 2 ? of(row) : null;
    return value === null ? [] : [value];
  });
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

/** Every metric and the tangents' measures, step by step. */
function curvesOf(records: readonly TrialRecord[]): Record<string, CurveSummary> {
  const curves: Record<string, CurveSummary> = {};
  const add = (
    name: string,
    rows: (record: TrialRecord) => { step: number; value: number | null }[],
  ): void => {
    const each = records.map(rows);
    curves[name] = each[0]!.flatMap(({ step }, i) => {
      const values = each.map((row) => row[i]!.value);
      return complete(values) ? [{ step, interval: interval(values) }] : [];
    });
  };
  for (const name of Object.keys(records[0]!.curve[0]!.metrics))
    add(name, ({ curve }) => curve.map(({ step, metrics }) => ({ step, value: metrics[name]! })));
  add("parallel", ({ tangents }) => tangents.map(({ step, parallel }) => ({ step, value: parallel })));
  add("direction", ({ tangents }) => tangents.map(({ step, cosine }) => ({ step, value: cosine })));
  return curves;
}
