// What a training run leaves behind: plain data, JSON both ways, no tensors and no functions. Everything that draws reads only this.

import type { Json } from "../io/checkpoint.js";

export type { Json } from "../io/checkpoint.js";

/** Numbers with a shape, row-major; the first axis counts the items. Values are rounded to 4 significant digits. */
export interface ArrayRecord {
  shape: number[];
  values: number[];
}

/** One row of a curve: the step after which it was read and the numbers by name, e.g. `loss`, `slicedWasserstein`. */
export interface MetricsRecord {
  /** Steps done when this was measured; 0 is before training. */
  step: number;
  metrics: Record<string, number>;
}

/** Samples drawn from the same noise at several times of training: item i at one step continues item i at the step before. */
export interface SamplesRecord {
  step: number;
  /** [count, ...example shape]; images in [-1, 1]. */
  samples: ArrayRecord;
}

/** What stays the same for all recordings of a run's probes: fixed triples (x0, noise, t). */
export interface ProbeSetRecord {
  /** Noise level t of each probe. */
  times: number[];
  /** Clean data x0, [probes, ...example shape]. */
  clean: ArrayRecord;
  /** Network input x_t = x0 + t noise, [probes, ...example shape]. */
  noisy: ArrayRecord;
  /** Examples of the data, to draw behind: [count, ...example shape]. Not in records of version 0.1. */
  data?: ArrayRecord;
  /** How the tangent space was found: `exact` for a known manifold, `local-pca` from neighbours in the data. */
  tangentSpace: "exact" | "local-pca";
  /** Share of a random direction's squared norm that is parallel: manifold dimension / ambient dimension. */
  chance: number;
}

/** The probes' outputs and tangents after some step. */
export interface ProbesRecord {
  step: number;
  /** f(x_t, t), [probes, ...example shape]. */
  outputs: ArrayRecord;
  /** Direction in which the run's own loss moves each output, [probes, ...example shape]; unit norm. */
  tangents: ArrayRecord;
  /**
   * Per probe: share of the tangent's squared norm in the tangent space at the data nearest to f; the normal share is 1 - parallel. NaN, as the normal
   * share and the cosine, where a tangent has no length.
   */
  parallel: number[];
  /** Per probe: share in the normal space, `1 - parallel`. */
  normal: number[];
  /** Per probe: cosine between this tangent and the one of the previous recording; null in the first recording. */
  cosine: number[] | null;
  /** Per probe: Euclidean distance from f to the manifold, where that is known, else to the nearest data example. */
  distance: number[];
}

/** One training run. */
export interface RunRecord {
  /** For legends: "pixel", "MFD", "denoiser", "features". */
  name: string;
  /** What was trained. */
  kind: "denoiser" | "features" | "consistency" | "classifier" | "flow" | "soft-tokens" | "dual-encoder";
  /** The dataset's name. */
  dataset: string;
  /** Shape of one example: [dim] or [height, width, channels]. */
  shape: number[];
  /** Everything that decides the run: steps, batchSize, seed, objective, distance, network sizes, ... */
  settings: { [name: string]: Json };
  /** Where it was computed: "onnx", "tensorflow", "wasm" or "cpu". */
  engine: string;
  /** Trainable numbers. */
  parameters: number;
  /** Wall-clock seconds of training so far. */
  seconds: number;
  /** The training loss, averaged since the previous row. */
  losses: MetricsRecord[];
  /** Quality over training, e.g. `slicedWasserstein`, `mmd`, `frechet`, `manifoldDistance`: lower is better for all. */
  curve: MetricsRecord[];
  samples: SamplesRecord[];
  probeSet: ProbeSetRecord | null;
  probes: ProbesRecord[];
}

/** What a run records after one step; a run's record is all its rows. */
export interface RecordRow {
  step: number;
  /** The training loss and the step's other metrics, averaged since the previous row. */
  losses?: Record<string, number>;
  /** Quality at this step. */
  curve?: Record<string, number>;
  samples?: ArrayRecord;
  probes?: Omit<ProbesRecord, "step">;
}

/** Adds a row to a run's record. */
export function addRow(record: RunRecord, { step, losses, curve, samples, probes }: RecordRow): void {
  if (losses) record.losses.push({ step, metrics: losses });
  if (curve) record.curve.push({ step, metrics: curve });
  if (samples) record.samples.push({ step, samples });
  if (probes)
    record.probes.push({
      step,
      ...probes,
      parallel: numbers(probes.parallel),
      normal: numbers(probes.normal),
      cosine: probes.cosine && numbers(probes.cosine),
    });
}

/** Mean over the probes whose tangent is not zero; null if all are zero. */
export function probeMean(values: readonly number[]): number | null {
  const measured = values.filter((value) => !Number.isNaN(value));
  return measured.length === 0 ? null : measured.reduce((sum, value) => sum + value, 0) / measured.length;
}

/** JSON writes NaN as null. */
const numbers = (values: readonly (number | null)[]): number[] => values.map((value) => value ?? Number.NaN);

/** An array as plain numbers, rounded to 4 significant digits: enough to draw, and JSON stays small. */
export const arrayRecord = (values: Float32Array, shape: readonly number[]): ArrayRecord => ({
  shape: [...shape],
  values: Array.from(values, (value) => Number(value.toPrecision(4))),
});
