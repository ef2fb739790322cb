export * from "../consistency/index.js";
export {
  type ConsistencyRecording,
  type ConsistencyTraining,
  type DistanceName,
  trainConsistency as train,
} from "../training/consistency.js";
