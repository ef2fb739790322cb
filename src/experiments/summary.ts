import type { ArrayRecord, Json } from "../loop/record.js";
import type { CellRuns } from "./run-study.js";
import type { MendedReport } from "./softrepa/mended-record.js";
import {
  type Interval,
  interval,
  pairedDifference,
  pairedRatio,
  slope,
  stepsTo,
  valueAt,
} from "./statistics.js";
import type { Cell, Study, StudyPlan } from "./study.js";
import type { TrialResult } from "./trial.js";

/** A measure over training, over the reported seeds. */
export type CurveSummary = { step: number; interval: Interval }[];

/** One number for each reported seed. */
export interface Outcome {
  /** null where there is none: a target that was not reached. */
  values: (number | null)[];
  /** Of the mean; null where a value is. */
  interval: Interval | null;
  /** Against the reference arm with the same seeds: difference or `ratio`; null for the reference itself and where a value is missing. */
  versus: Interval | null;
  /** Whether `versus` is a ratio: of steps, and of the gradient's noise. Default false. */
  ratio?: true;
}

/** What one arm came to, at one place on the axis. */
export interface CellSummary {
  arm: string;
  at: number | string | null;
  dataset: string;
  /** null where there is none. */
  learningRate: number | null;
  /** The deciding metric on the tuning seeds; null where a run diverged. */
  tuning: { learningRate: number; value: number | null }[];
  /** Parallel share of a random direction; null where none is measured. */
  chance: number | null;
  curves: Record<string, CurveSummary>;
  outcomes: Record<string, Outcome>;
  /** Of images: 16 samples at the end, from the first seed; null for points. */
  samples: ArrayRecord | null;
  /** Mean seconds of a run. */
  seconds: number;
}

/** What was compared on one kind of data. */
export interface PanelSummary {
  name: string;
  /** The metric that settings were chosen by. */
  metric: string;
  reference: string;
  /** Fréchet distance of data to other data, which nothing is much below; null where it was not measured. */
  floor: number | null;
  cells: CellSummary[];
  /** Of studies with an axis of numbers; see `trends`. */
  trends: Trend[];
}

/** How an arm's ratio to the reference, of one measure, changes along the axis. */
export interface Trend {
  arm: string;
  measure: string;
  /** By which the ratio is multiplied at each doubling of the place; 1: the arms do not differ in it. */
  factor: Interval;
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
  measures: readonly string[] | "all";
  seeds: { tune: readonly number[]; report: readonly number[] };
  panels: PanelSummary[];
  /**
   * The study's own part, where it has one.
   * @internal
   */
  details?: MendedReport;
  settings: { [name: string]: Json };
  machine: Record<string, string>;
  versions: Record<string, string>;
}

/** Means, intervals and paired differences of a study's runs. */
export function summarize(study: Study, plan: StudyPlan, runs: readonly CellRuns[]): PanelSummary[] {
  const names = [...new Set(plan.cells.map(({ panel }) => panel))];
  return names.map((name) => {
    const own = runs.filter(({ cell }) => cell.panel === name);
    const { metric } = own[0]!.cell;
    const references = own.filter(({ cell }) => cell.arm === plan.reference);
    // One without a place on the axis is the reference at all of them.
    const referenceAt = (at: Cell["at"]): CellRuns | undefined =>
      references.find(({ cell }) => cell.at === at) ?? references.find(({ cell }) => cell.at === undefined);
    const cells = own.map((run) => cellSummary(study, plan, run, metric, referenceAt(run.cell.at)));
    const floor = own[0]!.results[0]!.values.frechetFloor ?? null;
    return {
      name,
      metric,
      reference: plan.reference,
      floor,
      cells,
      trends: trends(cells, metric, plan.reference),
    };
  });
}

function cellSummary(
  study: Study,
  { targets: all = [], readings: { steps = [], examples = [] } = {} }: StudyPlan,
  run: CellRuns,
  metric: string,
  reference: CellRuns | undefined,
): CellSummary {
  const { cell, results, learningRate, tuning } = run;
  const targets: readonly number[] = isList(all) ? all : (all[cell.panel] ?? []);
  const asked = study.measures === "all" ? Object.keys(results[0]!.values) : study.measures;
  const measured = asked.flatMap((name) => {
    if (name === "steps") return targets.map((target) => `${stepsToTarget}${target}`);
    if (name === "readings")
      return [
        ...steps.map((count) => `${metric}${after}${count} steps`),
        ...examples.map((count) => `${metric}${after}${count} examples`),
      ];
    return name === "metric" ? [metric] : [name];
  });
  const outcomes: Record<string, Outcome> = {};
  for (const name of measured) {
    const values = results.map((result) => outcomeOf(result, name, metric, cell.batchSize));
    if (values.every((value) => value === undefined)) continue;
    const own = values.map((value) => value ?? null);
    const others =
      reference && reference !== run
        ? reference.results.map((result) => outcomeOf(result, name, metric, cell.batchSize) ?? null)
        : [];
    outcomes[name] = {
      values: own,
      interval: complete(own) ? interval(own) : null,
      versus: others.length > 0 && complete(own) && complete(others) ? versus(name, own, others) : null,
      ...(ofRatios(name) && { ratio: true }),
    };
  }
  return {
    ...{ arm: cell.arm, at: cell.at ?? null, dataset: cell.dataset, learningRate: learningRate ?? null },
    tuning: tuning.map((choice) => ({ learningRate: choice.learningRate, value: choice.value })),
    chance: results[0]!.chance,
    curves: curvesOf(results),
    outcomes,
    samples: results[0]!.samples?.shape.length === 4 ? results[0]!.samples : null,
    seconds: results.reduce((sum, { seconds }) => sum + seconds / results.length, 0),
  };
}

const isList = (targets: NonNullable<StudyPlan["targets"]>): targets is readonly number[] =>
  Array.isArray(targets);

/** Begins the names of outcomes that are steps to a value of the deciding metric: "steps to 0.2". */
export const stepsToTarget = "steps to ";

/** Of what ratios say more than differences: counts of steps, and the noise of gradients, whose scale is the loss's. */
const ofRatios = (name: string): boolean => name.startsWith(stepsToTarget) || name.startsWith("gradient");

/** A difference or a ratio; null where one of its values is not positive, such as steps of a run that was at the target before the first. */
function versus(name: string, own: readonly number[], others: readonly number[]): Interval | null {
  if (!ofRatios(name)) return pairedDifference(own, others);
  return [...own, ...others].every((value) => value > 0) ? pairedRatio(own, others) : null;
}

const complete = (values: readonly (number | null)[]): values is number[] =>
  values.every((value) => value !== null && Number.isFinite(value));

/** Begins what the names of readings have behind the metric's: "frechet after 2500 steps". */
const after = " after ";

/** One trial's number: null where a target or a reading was not reached, undefined where there is nothing of that name. */
function outcomeOf(
  { values, curves }: TrialResult,
  name: string,
  metric: string,
  batchSize: number | undefined,
): number | null | undefined {
  const rows = (curves[metric] ?? []).filter(
    (row): row is { step: number; value: number } => row.value !== null,
  );
  if (name.startsWith(stepsToTarget)) return stepsTo(rows, Number(name.slice(stepsToTarget.length)));
  if (!name.startsWith(`${metric}${after}`)) return values[name];
  const [count, unit] = name.slice(metric.length + after.length).split(" ");
  return valueAt(rows, Number(count) / (unit === "examples" ? (batchSize ?? Number.NaN) : 1));
}

/**
 * Whether an arm's ratio to the reference changes along an axis of numbers: for each seed the slope of log(arm / reference) over log2(place), and from these the
 * factor by which the ratio changes at each doubling. Of the deciding metric and its readings, where all seeds have them at three places or more.
 */
function trends(cells: readonly CellSummary[], metric: string, reference: string): Trend[] {
  const placed = cells.filter(({ at }) => typeof at === "number" && at > 0);
  const valuesAt = (arm: string, at: CellSummary["at"], measure: string): readonly (number | null)[] =>
    placed.find((cell) => cell.arm === arm && cell.at === at)?.outcomes[measure]?.values ?? [];
  const arms = [...new Set(placed.map(({ arm }) => arm))].filter((arm) => arm !== reference);
  return arms.flatMap((arm) => {
    const own = placed.filter((cell) => cell.arm === arm);
    const measures = Object.keys(own[0]!.outcomes).filter((name) => name.split(after)[0] === metric);
    return measures.flatMap((measure): Trend[] => {
      const places = own.flatMap(({ at, outcomes }) => {
        const [mine, others] = [outcomes[measure]?.values ?? [], valuesAt(reference, at, measure)];
        const usable = [mine, others].every(
          (values) => values.length > 1 && values.every((value) => value !== null && value > 0),
        );
        return usable ? [{ x: Math.log2(at as number), mine, others }] : [];
      });
      if (places.length < 3) return [];
      const slopes = places[0]!.mine.map((_, seed) =>
        slope(
          places.map(({ x }) => x),
          places.map(({ mine, others }) => Math.log(mine[seed]! / others[seed]!)),
        ),
      );
      const { mean, low, high, count } = interval(slopes);
      const factor = (value: number | null): number | null => (value === null ? null : Math.exp(value));
      return [
        { arm, measure, factor: { mean: Math.exp(mean), low: factor(low), high: factor(high), count } },
      ];
    });
  });
}

/** Every measure over training, step by step, where all trials have it. */
function curvesOf(results: readonly TrialResult[]): Record<string, CurveSummary> {
  return Object.fromEntries(
    Object.entries(results[0]!.curves).map(([name, rows]) => [
      name,
      rows.flatMap(({ step }, i) => {
        const values = results.map(({ curves }) => curves[name]?.[i]?.value ?? null);
        return complete(values) ? [{ step, interval: interval(values) }] : [];
      }),
    ]),
  );
}
