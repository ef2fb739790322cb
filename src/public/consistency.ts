export * from "../consistency/index.js";
export {
  type ConsistencyRecording,
  type ConsistencyTraining,
  type DistanceName,
  trainConsistency as train,
} from "../training/consistency.js";
export { type DenoiseOptions, denoise } from "../training/denoise.js";
export {
  type Generated,
  type GenerateOptions,
  generate,
  type SamplerName,
} from "../training/generate.js";
export { loadDenoiser, saveDenoiser } from "../training/model-file.js";
export type { ObjectiveName, ObjectiveOptions } from "../training/objectives.js";
export { type PretrainedOptions, pretrained } from "../training/pretrained.js";
