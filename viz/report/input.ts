import type { Points } from "../spec.js";

/** What the report reads of one training run. */
export interface ReportRun {
  /** For legends: "pixel", "MFD", "denoiser". */
  name: string;
  settings: Readonly<Record<string, unknown>>;
  engine: string;
  /** Trainable numbers. */
  parameters: number;
  seconds: number;
  losses: readonly MetricsRow[];
  /** Quality over training; lower is better for all. */
  curve: readonly MetricsRow[];
  samples: readonly { step: number; samples: Points }[];
  probeSet: { times: readonly number[]; noisy: Points; tangentSpace: string; chance: number } | null;
  probes: readonly {
    step: number;
    outputs: Points;
    tangents: Points;
    parallel: readonly number[];
    cosine: readonly number[] | null;
    distance: readonly number[];
  }[];
}

export interface MetricsRow {
  step: number;
  metrics: Readonly<Record<string, number>>;
}

/** Runs on one dataset that differ only in their objective. */
export interface ReportComparison {
  dataset: string;
  /** Of one example: [dim] or [height, width, channels]. */
  shape: readonly number[];
  manifoldDim: number | null;
  /** Data to draw beside the samples. */
  reference: Points;
  preparation: readonly ReportRun[];
  runs: readonly ReportRun[];
}

/** Everything the report shows; plain data. */
export interface ReportInput {
  title: string;
  /** ISO 8601. */
  date: string;
  comparisons: readonly ReportComparison[];
  /** The few numbers that answer the report's question. */
  headlines: readonly { label: string; value: string; detail: string }[];
  /** A sentence under them, and a link to where more is. */
  more?: { text: string; link: string; href: string };
  settings: Readonly<Record<string, unknown>>;
  machine: Readonly<Record<string, string>>;
  /** Package name -> version. */
  versions: Readonly<Record<string, string>>;
  seconds: number;
}
