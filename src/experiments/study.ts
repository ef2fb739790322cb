import type { Dataset } from "../../datasets/index.js";
import type { Json } from "../io/checkpoint.js";
import type { MendedReport } from "./softrepa/mended-record.js";
import type { Trial, TrialResult } from "./trial.js";

/** One thing that is compared: done with every seed. */
export interface Cell {
  /** What is compared within: cells of other panels are drawn apart. */
  panel: string;
  /** The name in legends: pixel, MFD, ... */
  arm: string;
  /** Where on the study's axis, if it has one. */
  at?: number | string;
  dataset: string;
  /** The metric that settings are chosen by, and that targets are of. */
  metric: string;
  /** Of training, where cells differ in it: for readings after so many examples. */
  batchSize?: number;
  /** What decides it, for people. */
  settings: { readonly [name: string]: Json };
  /** To choose from, on the tuning seeds. One or none: nothing is tuned. */
  learningRates: readonly number[];
  /** Before any work: that the data have what the trials need. @throws TangentLabError `invalid-argument` naming the dataset. */
  check(data: Dataset): void;
  /** Why it cannot be done on this machine, which lacks what it needs beside the data; undefined where it can. Default: it can. */
  missing?(): string | undefined;
  /** What is done once for all trials that have it in common, by what decides it: its steps, for the progress. */
  shared(seed: number): { readonly key: string; readonly steps: number }[];
  /** With a seed, and a rate of `learningRates`: to choose rates by, or to report. */
  trial(seed: number, learningRate: number | undefined, purpose: "tune" | "report"): Trial;
}

/** All that is done in a study. */
export interface StudyPlan {
  /** Settings are chosen on the seeds of `tune` and reported on those of `report`; none is in both. */
  seeds: { tune: readonly number[]; report: readonly number[] };
  /** The arm that the others are compared with, at the same place of the same panel. */
  reference: string;
  /** Values of the deciding metric: how many steps each arm takes to them; of all panels, or by their names. Default none. */
  targets?: readonly number[] | { readonly [panel: string]: readonly number[] };
  /** Where else the deciding metric is read: after so many steps, or examples (steps times `batchSize`). Default none. */
  readings?: { readonly steps?: readonly number[]; readonly examples?: readonly number[] };
  cells: readonly Cell[];
}

/** A reproducible study: a question, and the trials that answer it. */
export interface Study {
  name: string;
  title: string;
  /** What is asked, in a sentence or two, for the report. */
  question: string;
  /** What `at` means. */
  axis?: string;
  /**
   * What the report shows, the most important first: names of the trials' measures, `metric` for the deciding one, `steps` for those to each target, `readings` for
   * those of the plan; or all that the trials have.
   */
  measures: readonly string[] | "all";
  /** `quick`: small enough for continuous integration; its numbers say nothing. */
  plan(quick: boolean): StudyPlan;
  /** Its own part of the report, from the results of each cell, a result for each reported seed. Default none. */
  details?(cells: readonly { readonly results: readonly TrialResult[] }[]): MendedReport;
}
