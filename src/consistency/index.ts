export * from "./continuous.js";
export * from "./curriculum.js";
export * from "./discrete.js";
export * from "./ect.js";
export * from "./losses.js";
export * from "./lpips.js";
export {
  type AverageVelocity,
  type MeanFlowConfig,
  type MeanFlowModel,
  type MeanFlowTimes,
  meanFlow,
  meanFlowModel,
} from "./mean-flow.js";
export * from "./objectives.js";
export * from "./perceptual.js";
export * from "./processes.js";
export * from "./sampling.js";
export * from "./tangents.js";
export * from "./times.js";
