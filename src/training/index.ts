export type { TrainingData } from "./data.js";
export { type EvaluationConfig, evaluation } from "./evaluation.js";
export { type ProbesConfig, tangentProbes } from "./probes.js";
export * from "./record.js";
export { Run, type TrainingEvent } from "./run.js";
export { type Observer, type RunOptions, type TrainOptions, train } from "./train.js";
