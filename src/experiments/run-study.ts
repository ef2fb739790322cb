import { setTimeout } from "node:timers/promises";
import { check, TangentLabError } from "../errors.js";
import { patience } from "./prepare.js";
import type { Cell, StudyPlan } from "./study.js";
import { type Bench, finished, type Outcome, runTrial, type Trial, type TrialResult } from "./trial.js";

/** The runs of one cell. */
export interface CellRuns {
  cell: Cell;
  /** Chosen on the tuning seeds, or the only one there was. */
  learningRate: number | undefined;
  /** What it was chosen from: the mean of the deciding metric at the end; null where a run diverged. */
  tuning: { learningRate: number; value: number | null }[];
  /** Seconds of all that was trained to choose. */
  tuningSeconds: number;
  /** One for each reported seed, in their order. */
  results: TrialResult[];
}

/**
 * Runs a plan: where a cell has a choice of learning rates, all of them on the tuning seeds; then the one with the least final metric on the reported seeds. All
 * cells are at the same seed before the next one, so that what is there early can be compared. What was finished before is read and not run again; what another
 * process is at in the same folder is left to it. Undefined where it was stopped.
 * @throws TangentLabError `invalid-argument` for seeds and data that do not fit; `not-finite` for a reported run that diverged.
 */
export async function runStudy(plan: StudyPlan, bench: Bench): Promise<CellRuns[] | undefined> {
  checkSeeds(plan.seeds);
  for (const cell of plan.cells) cell.check(await bench.dataset(cell.dataset));
  const outcomes = new Map<string, Outcome>();
  for (;;) {
    const due = dueTrials(plan, outcomes).filter(({ label }) => !outcomes.has(label));
    if (due.length === 0) break;
    let moved = false;
    for (const trial of due) {
      const outcome = await runTrial(trial, bench);
      if (outcome.kind === "stopped") return undefined;
      if (outcome.kind === "busy") continue;
      outcomes.set(trial.label, outcome);
      moved = true;
      // What is due changes with each that is done: rates are chosen, and others have gone on meanwhile.
      break;
    }
    if (!moved) await setTimeout(patience, undefined, { signal: bench.signal }).catch(() => {});
    if (bench.signal.aborted) return undefined;
  }
  return plan.cells.map((cell) => cellRuns(cell, plan.seeds, outcomes));
}

function checkSeeds({ tune, report }: StudyPlan["seeds"]): void {
  check(report.length >= 2, "seeds", report, "two or more, so that there are intervals");
  const apart = !report.some((seed) => tune.includes(seed));
  check(apart, "seeds", { tune, report }, "reported seeds that are not tuned on");
}

type Outcomes = ReadonlyMap<string, Outcome>;

/** Trials that can be run now, the most urgent first: those that rates are chosen by, then seed by seed those of cells whose rate is known. */
function dueTrials({ cells, seeds }: StudyPlan, outcomes: Outcomes): Trial[] {
  const most = Math.max(...cells.map(({ learningRates }) => learningRates.length));
  const tuning = Array.from({ length: most }, (_, i) =>
    cells.flatMap((cell) => {
      const rate = cell.learningRates[i];
      return rate === undefined ? [] : tuningTrials(cell, seeds, rate);
    }),
  ).flat();
  const reported = seeds.report.flatMap((seed) =>
    cells.flatMap((cell) => {
      const choice = chosenRate(cell, seeds, outcomes);
      return choice ? [cell.trial(seed, choice.learningRate, "report")] : [];
    }),
  );
  return [...tuning, ...reported];
}

/** None where there is nothing to choose. */
const tuningTrials = (cell: Cell, { tune }: StudyPlan["seeds"], rate: number): Trial[] =>
  cell.learningRates.length > 1 ? tune.map((seed) => cell.trial(seed, rate, "tune")) : [];

/** A rate with the mean of the final metric over the tuning seeds: null where a run diverged or the metric is no number, undefined where one is not there yet. */
const tuningValue = (
  cell: Cell,
  seeds: StudyPlan["seeds"],
  outcomes: Outcomes,
  rate: number,
): number | null | undefined => {
  const values = tuningTrials(cell, seeds, rate).map(({ label }) => {
    const outcome = outcomes.get(label);
    if (outcome === undefined) return undefined;
    return outcome.kind === "done" ? (outcome.result.values[cell.metric] ?? null) : null;
  });
  if (values.includes(undefined)) return undefined;
  return values.includes(null) ? null : (values as number[]).reduce((a, b) => a + b, 0) / values.length;
};

/** The rate of the least final metric; undefined while some are missing. @throws TangentLabError `not-finite` where all diverged. */
function chosenRate(
  cell: Cell,
  seeds: StudyPlan["seeds"],
  outcomes: Outcomes,
): { learningRate: number | undefined } | undefined {
  const rates = cell.learningRates;
  if (rates.length < 2) return { learningRate: rates[0] };
  const values = rates.map((rate) => tuningValue(cell, seeds, outcomes, rate));
  if (values.includes(undefined)) return undefined;
  const finite = (values as (number | null)[]).map((value) => value ?? Number.POSITIVE_INFINITY);
  const least = Math.min(...finite);
  if (least === Number.POSITIVE_INFINITY)
    throw new TangentLabError("not-finite", `${cell.panel}: ${cell.arm} diverges at every learning rate`, {
      argument: "learningRates",
      given: rates,
      allowed: "lower ones",
    });
  return { learningRate: rates[finite.indexOf(least)] };
}

function cellRuns(cell: Cell, seeds: StudyPlan["seeds"], outcomes: Outcomes): CellRuns {
  const { learningRate } = chosenRate(cell, seeds, outcomes)!;
  const rates = cell.learningRates;
  const tuned = rates.flatMap((rate) => tuningTrials(cell, seeds, rate));
  const seconds = (label: string): number => {
    const outcome = outcomes.get(label)!;
    return outcome.kind === "done" ? outcome.result.seconds : 0;
  };
  return {
    cell,
    learningRate,
    tuning:
      rates.length > 1
        ? rates.map((rate) => ({ learningRate: rate, value: tuningValue(cell, seeds, outcomes, rate)! }))
        : [],
    tuningSeconds: tuned.reduce((sum, { label }) => sum + seconds(label), 0),
    results: seeds.report.map((seed) => {
      const { label } = cell.trial(seed, learningRate, "report");
      const outcome = outcomes.get(label)!;
      if (outcome.kind === "done") return outcome.result;
      throw new TangentLabError("not-finite", `${label}: ${(outcome as { why: string }).why}`, {
        argument: "learningRates",
        given: learningRate,
        allowed: "lower ones",
      });
    }),
  };
}

/** What the plan trains, what is shared with it, in steps: for a progress bar. */
export function plannedSteps({ cells, seeds }: StudyPlan): number {
  const shared = new Map<string, number>();
  let sum = 0;
  for (const cell of cells) {
    const rate = cell.learningRates[0];
    const tuned = cell.learningRates.length > 1 ? seeds.tune : [];
    for (const seed of tuned) sum += cell.learningRates.length * cell.trial(seed, rate, "tune").steps;
    for (const seed of seeds.report) sum += cell.trial(seed, rate, "report").steps;
    for (const seed of [...tuned, ...seeds.report])
      for (const { key, steps } of cell.shared(seed)) shared.set(key, steps);
  }
  return [...shared.values()].reduce((total, steps) => total + steps, sum);
}

/** What of the plan was trained before, without preparations: of a reported seed at whichever rate. */
export async function finishedSteps(
  { cells, seeds }: StudyPlan,
  bench: Pick<Bench, "dataset" | "folder">,
): Promise<number> {
  let sum = 0;
  for (const cell of cells) {
    const { learningRates } = cell;
    for (const rate of learningRates)
      for (const trial of tuningTrials(cell, seeds, rate))
        if (await finished(trial, bench)) sum += trial.steps;
    for (const seed of seeds.report) {
      const each = (learningRates.length > 0 ? learningRates : [undefined]).map((rate) =>
        cell.trial(seed, rate, "report"),
      );
      const done = await Promise.all(each.map((trial) => finished(trial, bench)));
      if (done.some(Boolean)) sum += each[0]!.steps;
    }
  }
  return sum;
}
