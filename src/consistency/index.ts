export { type SampleConfig, sample, samplingTimes, twoStep } from "../diffusion/multistep.js";
export { type CdOptions, cd } from "./cd.js";
export { type ContinuousConfig, continuous } from "./continuous.js";
export { type CtOptions, ct } from "./ct.js";
export {
  type Curriculum,
  type CurriculumConfig,
  exponentialCurriculum,
  rootCurriculum,
} from "./curriculum.js";
export { type DiscreteConfig, discrete, inverseGap, uniformWeight } from "./discrete.js";
export { type EctOptions, ect } from "./ect.js";
export { type EvaluationConfig, evaluation } from "./evaluation.js";
export { type IctOptions, ict } from "./ict.js";
export {
  type ConsistencyLoss,
  type Distance,
  type Loss,
  type LossTerm,
  l1,
  l2,
  type PseudoHuberConfig,
  pseudoHuber,
} from "./losses.js";
export { type LpipsConfig, lpips } from "./lpips.js";
export {
  type AverageVelocity,
  type MeanFlowConfig,
  type MeanFlowModel,
  type MeanFlowTimes,
  meanFlow,
  meanFlowModel,
} from "./mean-flow.js";
export { type MfdDistanceOptions, type MfdOptions, mfd, mfdDistance } from "./mfd.js";
export type { Objective, ObjectiveConfig, Teacher } from "./objective.js";
export {
  classifierStandIn,
  efficientNetStages,
  type PerceptualConfig,
  perceptualLoss,
} from "./perceptual.js";
export { type ProbesConfig, type TangentProbes, tangentProbes } from "./probes.js";
export type { ProcessName } from "./processes.js";
export { type ScdOptions, type SctOptions, scd, sct } from "./scm.js";
export { drawProbes, type ProbeConfig, type Probes, type Tangents, tangents } from "./tangents.js";
export {
  continuousTimes,
  type DrawTimes,
  type EctSchedule,
  ectPairs,
  type LevelsConfig,
  levelTimes,
  type PairSchedule,
} from "./times.js";
export { type ConsistencyRecording, type ConsistencyTraining, train } from "./train.js";
