import type { LossPlan } from "./loss.js";
import type { RecordingPlan, StartPlan, TrainingPlan, Trial } from "./trial.js";

/** One thing that is compared: trained with every seed. */
export type Cell = {
  /** What is compared within: runs of other panels are drawn apart. */
  panel: string;
  /** The name in legends: pixel, MFD, ... */
  arm: string;
  /** Where on the study's axis, if it has one. */
  at?: number | string;
  dataset: string;
  start: StartPlan;
  loss: LossPlan;
  /** Learning rates to choose from, on the tuning seeds. One: nothing is tuned. */
  training: Omit<TrainingPlan, "learningRate"> & { learningRates: number[] };
  recording: RecordingPlan;
};

/** All that is trained in a study; JSON. */
export type StudyPlan = {
  /** Settings are chosen on the seeds of `tune` and reported on those of `report`; none is in both. */
  seeds: { tune: number[]; report: number[] };
  /** The arm that the others are compared with, at the same place of the same panel. */
  reference: string;
  cells: Cell[];
};

/** A reproducible study: a question and the runs that answer it. */
export interface Study {
  name: string;
  title: string;
  /** What is asked, in a sentence or two, for the report. */
  question: string;
  /** What `at` means. */
  axis?: string;
  /** What the report shows, the most important first: names of metrics, `parallel`, `direction`, `steps` (to the target). */
  measures: readonly string[];
  /** `quick`: small enough for continuous integration; its numbers say nothing. */
  plan(quick: boolean): StudyPlan;
}

/** The trial of a cell with a seed and a learning rate. */
export function trialOf(cell: Cell, seed: number, learningRate: number): Trial {
  const { learningRates: _, ...training } = cell.training;
  const { dataset, start, loss, recording } = cell;
  return { dataset, seed, start, loss, training: { ...training, learningRate }, recording };
}
