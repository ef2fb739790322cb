import type { ConsistencyCell, RecordingPlan, StartPlan } from "../consistency.js";
import type { LossPlan } from "../loss.js";
import type { StudyPlan } from "../study.js";
import { imageArms, pointArms } from "./arms.js";

/** What consistency models on toys start from: denoiser and features are cheap, every seed has its own. */
export const toyStart = (quick: boolean): StartPlan => ({
  denoiser: { steps: quick ? 300 : 2500, batchSize: 64, learningRate: 2e-3 },
  features: { steps: quick ? 200 : 1500, batchSize: 64, learningRate: 1e-3, probability: 0.5 },
  judge: null,
  seed: null,
});

/** What consistency models on images start from: one denoiser for all seeds, as published comparisons have it, because a good one takes minutes. */
export const imageStart = (quick: boolean): StartPlan => ({
  denoiser: { steps: quick ? 60 : 8000, batchSize: 16, learningRate: 2e-3, channels: quick ? 8 : 16 },
  features: { steps: quick ? 60 : 8000, batchSize: 32, learningRate: 1e-3, probability: 0.15 },
  judge: { steps: quick ? 60 : 4000, batchSize: 32, learningRate: 2e-3 },
  seed: 0,
});

/** The same with features that were not trained, to tell what their training adds. */
export const untrained = (start: StartPlan): StartPlan => ({
  ...start,
  features: { ...start.features, trained: false },
});

/**
 * How consistency models on images are trained: as Easy Consistency Tuning was on CIFAR-10 (2406.14548), the closest pairs from the first step on and a rate that
 * does not fall, with an average that forgets as much faster as these runs are shorter.
 */
export const imageTraining = (quick: boolean): ConsistencyCell["training"] => ({
  steps: quick ? 20 : 10_000,
  batchSize: quick ? 4 : 16,
  schedule: "constant",
  q: 256,
  stages: 1,
  ema: { decay: quick ? 0.9 : 0.999, warmup: false },
  learningRates: [5e-4],
});

export const imageRecording = (quick: boolean): RecordingPlan =>
  quick ? { every: 10, count: 64, examples: 1 } : { every: 500, count: 4096, examples: 5, final: true };

export const toyTraining = (quick: boolean): ConsistencyCell["training"] => ({
  steps: quick ? 200 : 4000,
  batchSize: 16,
  q: 2,
  stages: quick ? 2 : 8,
  ema: 0.999,
  learningRates: [1e-3],
});

export const toyRecording = (quick: boolean): RecordingPlan => ({
  every: quick ? 50 : 250,
  count: quick ? 256 : 2048,
  examples: 16,
});

/** How consistency models on one kind of data start, are trained and are recorded, and their two losses. */
export interface Kind extends Pick<ConsistencyCell, "start" | "training" | "recording"> {
  images: boolean;
  losses: { readonly pixel: LossPlan; readonly MFD: LossPlan };
}

/** Of points on curves. */
const points = (quick: boolean): Kind => ({
  images: false,
  losses: pointArms,
  start: toyStart(quick),
  training: toyTraining(quick),
  recording: toyRecording(quick),
});

/** Of pictures. */
const images = (quick: boolean): Kind => ({
  images: true,
  losses: imageArms,
  start: imageStart(quick),
  training: imageTraining(quick),
  recording: imageRecording(quick),
});

/** The data of studies that ask the same of points and of pictures, with their settings; quick: points only. */
export const pointsAndDigits = (quick: boolean): { dataset: string; kind: Kind }[] => [
  { dataset: "spiral-16d", kind: points(quick) },
  ...(quick ? [] : [{ dataset: "digits", kind: images(quick) }]),
];

/** Settings are chosen on seed 0, and one more in full, and reported on three others. */
export const seeds = (quick: boolean): StudyPlan["seeds"] => ({
  tune: quick ? [0] : [0, 1],
  report: [10, 11, 12],
});
