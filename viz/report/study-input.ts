import type { Points } from "../spec.js";

/** A mean over seeds with its 95% interval; its ends are null where there is one seed. */
export interface IntervalInput {
  mean: number;
  low: number | null;
  high: number | null;
  count: number;
}

export interface OutcomeInput {
  /** One per reported seed; null where a target was not reached. */
  values: readonly (number | null)[];
  interval: IntervalInput | null;
  /** Against the reference with the same seeds: difference, of `steps` the ratio. */
  versus: IntervalInput | null;
}

/** One thing that was trained with every seed. */
export interface CellInput {
  arm: string;
  /** Where on the study's axis. */
  at: number | string | null;
  learningRate: number;
  tuning: readonly { learningRate: number; value: number | null }[];
  steps: number;
  batchSize: number;
  chance: number;
  curves: Readonly<Record<string, readonly { step: number; interval: IntervalInput }[]>>;
  outcomes: Readonly<Record<string, OutcomeInput>>;
  /** Of images: samples at the end, from one seed. */
  samples: Points | null;
  /** Mean of a run. */
  seconds: number;
}

/** What is compared with each other. */
export interface PanelInput {
  name: string;
  /** The metric that settings were chosen by. */
  metric: string;
  reference: string;
  /** By place on the axis. */
  targets: Readonly<Record<string, number>>;
  cells: readonly CellInput[];
}

/** A study's results; plain data. */
export interface StudyInput {
  title: string;
  question: string;
  /** ISO 8601. */
  date: string;
  seconds: number;
  quick: boolean;
  /** What `at` means. */
  axis: string | null;
  /** Curves to draw, in this order; `metric` is the panel's. */
  measures: readonly string[];
  seeds: { tune: readonly number[]; report: readonly number[] };
  panels: readonly PanelInput[];
  settings: Readonly<Record<string, unknown>>;
  machine: Readonly<Record<string, string>>;
  versions: Readonly<Record<string, string>>;
}
