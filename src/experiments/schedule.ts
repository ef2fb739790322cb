import { check, TangentLabError } from "../errors.js";
import type { Cell, StudyPlan } from "./study.js";
import { type Bench, finished, type Outcome, type Trial } from "./trial.js";

/** A part of a plan's trials: each trial is in one of `count` parts; `index` counts from 0. */
export interface Shard {
  readonly index: number;
  readonly count: number;
}

/** A place in a plan for a trial. */
interface Slot {
  readonly cell: Cell;
  readonly seed: number;
  /** Of a trial that rates are chosen by; of a reported one the rate is the cell's choice. */
  readonly learningRate: number | undefined;
  readonly purpose: "tune" | "report";
}

/**
 * All places of a plan, the most urgent first: those that rates are chosen by, then seed by seed the reported ones; or those of a shard. Their order, and so the
 * shard of each, is known before anything is done.
 */
export function slotsOf(
  { cells, seeds }: StudyPlan,
  { index, count }: Shard = { index: 0, count: 1 },
): Slot[] {
  const most = Math.max(...cells.map(({ learningRates }) => learningRates.length));
  const tuning = Array.from({ length: most }, (_, i) =>
    cells
      .filter(({ learningRates }) => learningRates.length > 1 && i < learningRates.length)
      .flatMap((cell) =>
        seeds.tune.map((seed): Slot => {
          return { cell, seed, learningRate: cell.learningRates[i], purpose: "tune" };
        }),
      ),
  ).flat();
  const reported = seeds.report.flatMap((seed) =>
    cells.map((cell): Slot => ({ cell, seed, learningRate: undefined, purpose: "report" })),
  );
  return [...tuning, ...reported].filter((_, i) => i % count === index);
}

/** Seeds that can be reported. @throws TangentLabError `invalid-argument`. */
export function checkSeeds({ tune, report }: StudyPlan["seeds"]): void {
  check(report.length >= 1, "seeds", report, "one or more; one has no intervals");
  const apart = !report.some((seed) => tune.includes(seed));
  check(apart, "seeds", { tune, report }, "reported seeds that are not tuned on");
}

/** What became of trials, by their labels. */
export type Outcomes = ReadonlyMap<string, Outcome>;

/** The trial of a place; undefined where its rate is not chosen yet. @throws TangentLabError `not-finite` where all rates diverged. */
function trialOf(
  { cell, seed, learningRate, purpose }: Slot,
  seeds: StudyPlan["seeds"],
  outcomes: Outcomes,
): Trial | undefined {
  if (purpose === "tune") return cell.trial(seed, learningRate, purpose);
  const choice = chosenRate(cell, seeds, outcomes);
  return choice && cell.trial(seed, choice.learningRate, purpose);
}

/** Trials that can be run now and are not done, the most urgent first. */
export const dueTrials = (plan: StudyPlan, outcomes: Outcomes, shard?: Shard): Trial[] =>
  slotsOf(plan, shard).flatMap((slot) => {
    const trial = trialOf(slot, plan.seeds, outcomes);
    return trial && !outcomes.has(trial.label) ? [trial] : [];
  });

/** Places of a shard whose rates are not chosen yet. */
export const waitingSlots = (plan: StudyPlan, outcomes: Outcomes, shard: Shard): Slot[] =>
  slotsOf(plan, shard).filter((slot) => trialOf(slot, plan.seeds, outcomes) === undefined);

/** None where there is nothing to choose. */
export const tuningTrials = (cell: Cell, { tune }: StudyPlan["seeds"], rate: number): Trial[] =>
  cell.learningRates.length > 1 ? tune.map((seed) => cell.trial(seed, rate, "tune")) : [];

/** A rate with the mean of the final metric over the tuning seeds: null where a run diverged or the metric is no number, undefined where one is not there yet. */
export const tuningValue = (
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
export function chosenRate(
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

/** What a plan, or a shard of it, trains, and what is shared with it, in steps: for a progress bar. */
export function plannedSteps(plan: StudyPlan, part?: Shard): number {
  const shared = new Map<string, number>();
  let sum = 0;
  for (const { cell, seed, learningRate, purpose } of slotsOf(plan, part)) {
    sum += cell.trial(seed, learningRate ?? cell.learningRates[0], purpose).steps;
    for (const { key, steps } of cell.shared(seed)) shared.set(key, steps);
  }
  return [...shared.values()].reduce((total, steps) => total + steps, sum);
}

/** What of it was trained before, without preparations: of a reported seed at whichever rate. */
export async function finishedSteps(
  plan: StudyPlan,
  bench: Pick<Bench, "dataset" | "folder">,
  part?: Shard,
): Promise<number> {
  let sum = 0;
  for (const { cell, seed, learningRate, purpose } of slotsOf(plan, part)) {
    const { learningRates } = cell;
    const rates = purpose === "tune" || learningRates.length === 0 ? [learningRate] : learningRates;
    const each = rates.map((rate) => cell.trial(seed, rate, purpose));
    const done = await Promise.all(each.map((trial) => finished(trial, bench)));
    if (done.some(Boolean)) sum += each[0]!.steps;
  }
  return sum;
}
