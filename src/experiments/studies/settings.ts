import type { Cell, StudyPlan } from "../study.js";
import type { RecordingPlan, StartPlan } from "../trial.js";

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
  features: { steps: quick ? 60 : 3000, batchSize: 32, learningRate: 1e-3, probability: 0.5 },
  judge: { steps: quick ? 60 : 1000, batchSize: 32, learningRate: 2e-3 },
  seed: 0,
});

/** The same with features as they were drawn, to tell what their training adds: one step at next to no rate. */
export const untrained = (start: StartPlan): StartPlan => ({
  ...start,
  features: { ...start.features, steps: 1, learningRate: 1e-9 },
});

/**
 * How consistency models on images are trained where nothing is tuned: with one rate for all losses, which the study of convergence chose on digits for the
 * pixel loss and for pixel and MFD together.
 */
export const imageTraining: Cell["training"] = {
  ...{ steps: 800, batchSize: 16, stages: 4, ema: 0.999 },
  learningRates: [24e-3],
};

export const toyTraining = (quick: boolean): Cell["training"] => ({
  ...{ steps: quick ? 200 : 4000, batchSize: 16, stages: quick ? 2 : 8, ema: 0.999 },
  learningRates: [1e-3],
});

export const recording = (quick: boolean, examples: number): RecordingPlan => ({
  recordings: quick ? 4 : 16,
  count: quick ? 256 : 2048,
  examples,
});

/** Settings are chosen on seed 0, and one more in full, and reported on three others. */
export const seeds = (quick: boolean): StudyPlan["seeds"] => ({
  tune: quick ? [0] : [0, 1],
  report: [10, 11, 12],
});
