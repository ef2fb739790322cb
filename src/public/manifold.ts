export * from "../manifold/index.js";
export { type FeatureTraining, type TrainedFeatures, trainFeatureNetwork } from "../training/features.js";
