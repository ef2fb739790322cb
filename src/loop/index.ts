export type { BackgroundDraws, CaptionedData, Draws, KnownManifold, TrainingData } from "./data.js";
export {
  type ArrayRecord,
  addRow,
  arrayRecord,
  type Json,
  type MetricsRecord,
  type ProbeSetRecord,
  type ProbesRecord,
  probeMean,
  type RecordRow,
  type RunRecord,
  type SamplesRecord,
} from "./record.js";
export { Run, type TrainingEvent } from "./run.js";
export { type Observer, type RunOptions, type TrainOptions, train } from "./train.js";
