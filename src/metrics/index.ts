export { cknna, type FeatureRows, linearProbe } from "./alignment.js";
export { type BootstrapConfig, bootstrap, type Interval } from "./bootstrap.js";
export {
  type ClassificationConfig,
  type ClassifierConfig,
  type ClassifierTraining,
  classification,
  classifier,
  trainClassifier,
} from "./classifier.js";
export { type DenoisingConfig, type DenoisingDistance, denoisingFrechet } from "./denoising.js";
export {
  type DualEncoder,
  type DualEncoderConfig,
  type DualEncoderTraining,
  dualEncoder,
  dualScore,
  oneHotWords,
  type PairingConfig,
  pairing,
  type TrainedDualEncoder,
  trainDualEncoder,
} from "./dual-encoder.js";
export { type EvaluateOptions, type Evaluation, evaluate } from "./evaluate.js";
export {
  classifierFeatures,
  type FeatureExtractor,
  type Features,
  networkFeatures,
  type TrainedFeatures,
} from "./features.js";
export { frechetDistance, type Gaussian, gaussian, gaussianFrechet } from "./frechet.js";
export { type GradientNoise, type GradientNoiseConfig, gradientNoise } from "./gradient-noise.js";
export {
  kernelDistance,
  kernelDistanceOfSubsets,
  type SubsetsConfig,
  type SubsetsDistance,
} from "./kernel-distance.js";
export {
  type LaplacianPatchesConfig,
  type LaplacianPatchesDistance,
  laplacianPatches,
} from "./laplacian-patches.js";
export {
  distancesToData,
  distancesToManifold,
  manifoldDistance,
  type Projection,
} from "./manifold-distance.js";
export { energyDistance, type MmdConfig, mmd } from "./mmd.js";
export { type OnnxFeaturesConfig, onnxFeatures } from "./onnx-features.js";
export { type PairedDistance, type PairedDistanceConfig, pairedDistance } from "./paired-distance.js";
export type { PointsConfig } from "./pairs.js";
export { type PrecisionRecall, type PrecisionRecallConfig, precisionRecall } from "./precision-recall.js";
export { type SlicedWassersteinConfig, slicedWasserstein } from "./sliced-wasserstein.js";
