import { setTimeout } from "node:timers/promises";
import { TangentLabError } from "../errors.js";
import { pause } from "./prepare.js";
import {
  checkSeeds,
  chosenRate,
  dueTrials,
  type Outcomes,
  type Shard,
  slotsOf,
  tuningTrials,
  tuningValue,
  waitingSlots,
} from "./schedule.js";
import type { Cell, StudyPlan } from "./study.js";
import {
  type Bench,
  finished,
  isBusy,
  type Outcome,
  runTrial,
  type Trial,
  type TrialResult,
} from "./trial.js";

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
  await checkPlan(plan, bench);
  const outcomes = new Map<string, Outcome>();
  for (;;) {
    const due = dueTrials(plan, outcomes);
    if (due.length === 0) break;
    const next = await runNext(due, bench, outcomes);
    if (next === "stopped") return undefined;
  }
  return plan.cells.map((cell) => cellRuns(cell, plan.seeds, outcomes));
}

/** What a shard did, in trials. */
export interface ShardState {
  /** Of its own, that are finished now. */
  done: number;
  /** Of its own, whose learning rate is not chosen yet: trials of other shards decide it, and are not in the folder. */
  waiting: number;
}

/**
 * Runs a part of a plan: of the trials that rates are chosen by its own, and of the reported ones its own whose rate the trials in the folder decide. For those of
 * other shards it waits while another process is at them in the same folder; on another machine they come with `mergeStudies`. Undefined where it was stopped.
 * @throws TangentLabError as `runStudy`, but a reported run that diverged is kept as one.
 */
export async function runShard(plan: StudyPlan, bench: Bench, shard: Shard): Promise<ShardState | undefined> {
  await checkPlan(plan, bench);
  const outcomes = new Map<string, Outcome>();
  let looks = 0;
  for (;;) {
    const awaited = await deciding(plan, bench, shard, outcomes);
    const due = dueTrials(plan, outcomes, shard);
    if (due.length > 0) {
      looks = 0;
      if ((await runNext(due, bench, outcomes)) === "stopped") return undefined;
      continue;
    }
    const busy = await Promise.all(awaited.map((trial) => isBusy(trial, bench)));
    // Between two trials a process holds none for a moment: it is looked for twice.
    if (busy.some(Boolean)) looks = 0;
    else if (awaited.length === 0 || looks++ > 0) break;
    await rest(bench, between);
    if (bench.signal.aborted) return undefined;
  }
  const waiting = waitingSlots(plan, outcomes, shard).length;
  return { done: slotsOf(plan, shard).length - waiting, waiting };
}

/** Reads what others finished of the trials that decide a shard's rates; those that are still missing. */
async function deciding(
  plan: StudyPlan,
  bench: Bench,
  shard: Shard,
  outcomes: Map<string, Outcome>,
): Promise<Trial[]> {
  const cells = new Set(waitingSlots(plan, outcomes, shard).map(({ cell }) => cell));
  const missing: Trial[] = [];
  for (const cell of cells)
    for (const rate of cell.learningRates)
      for (const trial of tuningTrials(cell, plan.seeds, rate)) {
        if (outcomes.has(trial.label)) continue;
        const outcome = await finished(trial, bench);
        if (outcome) outcomes.set(trial.label, outcome);
        else missing.push(trial);
      }
  return missing;
}

async function checkPlan(plan: StudyPlan, bench: Bench): Promise<void> {
  checkSeeds(plan.seeds);
  for (const cell of plan.cells) cell.check(await bench.dataset(cell.dataset));
}

/** Does the first trial that no other process is at, or waits a moment: what is due changes with each that is done, as rates are chosen and others have gone on meanwhile. */
async function runNext(
  due: readonly Trial[],
  bench: Bench,
  outcomes: Map<string, Outcome>,
): Promise<"stopped" | "again"> {
  for (let looks = 0; !bench.signal.aborted; looks++) {
    for (const trial of due) {
      const outcome = await runTrial(trial, bench);
      if (outcome.kind === "stopped") return "stopped";
      if (outcome.kind === "busy") continue;
      outcomes.set(trial.label, outcome);
      return bench.signal.aborted ? "stopped" : "again";
    }
    await rest(bench, pause(looks));
  }
  return "stopped";
}

const rest = ({ signal }: Bench, milliseconds: number): Promise<void> =>
  setTimeout(milliseconds, undefined, { signal }).catch(() => {});

/** Milliseconds in which a process that goes from one trial to the next has taken that. */
const between = 2000;

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
