import type { ArrayRecord, Json, RunRecord } from "../loop/record.js";

/** Runs on one dataset that differ only in their objective, from the same start. */
export interface ComparisonRecord {
  dataset: string;
  shape: number[];
  /** Intrinsic dimension of the manifold where known, else null. */
  manifoldDim: number | null;
  /** Data to draw beside the samples, [count, ...shape]. */
  reference: ArrayRecord;
  /** What the runs start from and are measured with: denoiser, feature network, classifier. */
  preparation: RunRecord[];
  /** The runs compared; the first is the one that others are compared with. */
  runs: RunRecord[];
}

/** One of the few numbers that answer the question of the report. */
export interface Headline {
  label: string;
  /** Ready to print, with unit: "0.48 -> 0.12". */
  value: string;
  /** One sentence: what is compared and on which data. */
  detail: string;
}

/** Everything the report shows. */
export interface ReportData {
  title: string;
  /** ISO 8601 date and time at the end of the experiment. */
  date: string;
  comparisons: ComparisonRecord[];
  headlines: Headline[];
  /** A sentence under them, and a link to where more is. */
  more: { text: string; link: string; href: string };
  /** The experiment's settings: quick, seed, steps, batch sizes, ... */
  settings: { [name: string]: Json };
  /** e.g. cpu, cores, memory, os, engine. */
  machine: Record<string, string>;
  /** Package name -> version. */
  versions: Record<string, string>;
  /** Wall-clock seconds of the whole experiment. */
  seconds: number;
}
