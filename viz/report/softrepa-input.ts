import type { Points } from "../spec.js";

export interface AgreementInput {
  overall: number;
  byAttribute: Readonly<Record<string, number>>;
}

export interface ArmInput {
  name: string;
  splits: Readonly<
    Record<
      string,
      {
        agreement: AgreementInput;
        dualScore: number;
        frechet: number;
        information: { bound: number; ceiling: number; accuracy: number };
      }
    >
  >;
  alignment: { probe: Readonly<Record<string, number>>; cknna: number } | null;
  editing: readonly { start: number; changed: number; kept: number; target: number; distance: number }[];
  trained: number;
  stepTime: number;
}

/** What the report of soft tokens reads. */
export interface SoftRepaInput {
  title: string;
  /** ISO 8601. */
  date: string;
  seconds: number;
  quick: boolean;
  dataset: string;
  shape: readonly number[];
  ceiling: Readonly<Record<string, AgreementInput>>;
  arms: readonly ArmInput[];
  examples: readonly {
    split: string;
    captions: readonly string[];
    images: Readonly<Record<string, Points>>;
    right: Readonly<Record<string, readonly boolean[]>>;
    real: Points;
  }[];
  strips: {
    source: readonly string[];
    target: readonly string[];
    frames: Readonly<Record<string, readonly Points[]>>;
  };
  attention: { captions: readonly string[]; images: Points; t: number; layers: readonly Points[] } | null;
  runs: readonly {
    name: string;
    losses: readonly { step: number; metrics: Readonly<Record<string, number>> }[];
    parameters: number;
    seconds: number;
    settings: Readonly<Record<string, unknown>>;
  }[];
  settings: Readonly<Record<string, unknown>>;
  machine: Readonly<Record<string, string>>;
  versions: Readonly<Record<string, string>>;
}
