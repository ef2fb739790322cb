import { existsSync } from "node:fs";
import { check, TangentLabError } from "../errors.js";
import type { Stage } from "./prepare.js";
import { type Cell, type StudyPlan, trialOf } from "./study.js";
import { type Bench, isFinished, metricOf, runTrial, type TrialRecord } from "./trial.js";

/** The runs of one cell. */
export interface CellRuns {
  cell: Cell;
  /** Chosen on the tuning seeds, or the only one there was. */
  learningRate: number;
  /** What it was chosen from: the mean of the deciding metric at the end; null where a run diverged. */
  tuning: { learningRate: number; value: number | null; records: TrialRecord[] }[];
  /** One for each reported seed, in their order. */
  records: TrialRecord[];
}

/**
 * Before any work: that the data of every cell have what its runs need, which would else be found out when a denoiser is trained.
 * @throws TangentLabError `invalid-argument` naming the dataset: classes, where a classifier measures or the models are told them.
 */
export async function checkCells({ cells }: StudyPlan, bench: Pick<Bench, "dataset">): Promise<void> {
  for (const { dataset, start, loss } of cells) {
    const needed = start.judge !== null || start.denoiser.classConditional || loss.name === "perceptual";
    if (!needed) continue;
    const { numClasses } = await bench.dataset(dataset);
    check((numClasses ?? 0) >= 2, "dataset", dataset, "a dataset with classes, two or more");
  }
}

/**
 * Runs a plan cell by cell: where there is a choice of learning rates, all of them on the tuning seeds, then the one with the least final metric on the
 * reported seeds. What was finished before is read and not run again. Undefined where it was stopped.
 */
export async function runStudy(plan: StudyPlan, bench: Bench): Promise<CellRuns[] | undefined> {
  const { tune, report } = plan.seeds;
  check(report.length >= 2, "seeds", report, "two or more, so that there are intervals");
  check(
    !report.some((seed) => tune.includes(seed)),
    "seeds",
    plan.seeds,
    "reported seeds that are not tuned on",
  );
  await checkCells(plan, bench);
  const runs: CellRuns[] = [];
  for (const cell of plan.cells) {
    const result = await runCell(cell, plan, bench);
    if (!result) return undefined;
    runs.push(result);
  }
  return runs;
}

async function runCell(cell: Cell, { seeds }: StudyPlan, bench: Bench): Promise<CellRuns | undefined> {
  const rates = cell.training.learningRates;
  const metric = metricOf(cell.start);
  const run = async (list: readonly number[], rate: number): Promise<TrialRecord[] | undefined> => {
    const records: TrialRecord[] = [];
    for (const seed of list) {
      const record = await runTrial(trialOf(cell, seed, rate), labelOf(cell, seed, rate), bench);
      if (!record) return undefined;
      records.push(record);
    }
    return records;
  };

  const tuning: CellRuns["tuning"] = [];
  if (rates.length > 1) {
    for (const learningRate of rates) {
      try {
        const records = await run(seeds.tune, learningRate);
        if (!records) return undefined;
        tuning.push({ learningRate, value: finalMean(records, metric), records });
      } catch (error) {
        if (!(error instanceof TangentLabError) || error.code !== "not-finite") throw error;
        tuning.push({ learningRate, value: null, records: [] });
      }
    }
  }
  const best = tuning.reduce(
    (a, b) => ((b.value ?? Number.POSITIVE_INFINITY) < (a.value ?? Number.POSITIVE_INFINITY) ? b : a),
    tuning[0]!,
  );
  const learningRate = best?.learningRate ?? rates[0]!;
  const records = await run(seeds.report, learningRate);
  return records && { cell, learningRate, tuning, records };
}

/** What the plan trains, preparations with it, in steps: for a progress bar. */
export function plannedSteps({ cells, seeds }: StudyPlan): number {
  const preparations = new Map<string, number>();
  let sum = 0;
  for (const cell of cells) {
    const { start, training, loss, dataset } = cell;
    const tuned = training.learningRates.length > 1 ? seeds.tune : [];
    sum += training.steps * (training.learningRates.length * tuned.length + seeds.report.length);
    for (const seed of [...tuned, ...seeds.report]) {
      const own = start.seed ?? seed;
      const add = (...key: unknown[]): number =>
        preparations.set(JSON.stringify(key), (key[0] as Stage).steps).size;
      add(start.denoiser, "denoiser", dataset, own);
      if (start.judge) add(start.judge, "judge", dataset);
      if (loss.name === "perceptual") add(start.judge!, "classifier", dataset, own);
      if (loss.name === "MFD") add(start.features, "features", dataset, own, loss.groups ?? null);
    }
  }
  return [...preparations.values()].reduce((total, steps) => total + steps, sum);
}

/** What of the plan was trained before, without preparations: of a reported seed at whichever rate. */
export async function finishedSteps(
  { cells, seeds }: StudyPlan,
  bench: Pick<Bench, "dataset" | "folder">,
): Promise<number> {
  if (!existsSync(bench.folder)) return 0;
  let sum = 0;
  for (const cell of cells) {
    const { learningRates, steps } = cell.training;
    const finished = async (seed: number): Promise<number> => {
      const each = learningRates.map((rate) => isFinished(trialOf(cell, seed, rate), bench));
      return (await Promise.all(each)).filter(Boolean).length;
    };
    if (learningRates.length > 1) for (const seed of seeds.tune) sum += steps * (await finished(seed));
    for (const seed of seeds.report) sum += steps * Math.min(1, await finished(seed));
  }
  return sum;
}

const labelOf = ({ panel, arm, at }: Cell, seed: number, rate: number): string =>
  `${panel}: ${arm}${at === undefined ? "" : ` at ${at}`}, rate ${rate}, seed ${seed}`;

const finalMean = (records: readonly TrialRecord[], metric: string): number =>
  records.reduce((sum, { curve }) => sum + curve.at(-1)!.metrics[metric]! / records.length, 0);
