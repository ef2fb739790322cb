export { type EdmAugmentationConfig, edmAugmentation } from "./augmentation.js";
export {
  type FeatureSpaceConfig,
  type Layers,
  type Rows,
  toFeatureSpace,
} from "./feature-space.js";
export { calibrateStatistics, heldOutR2, type TransformedConfig } from "./held-out.js";
export {
  type ImageGroup,
  type ImageTransformationsConfig,
  imageGroups,
  imageTransformations,
} from "./images.js";
export {
  type PointGroup,
  type PointTransformationsConfig,
  pointGroups,
  pointTransformations,
} from "./points.js";
export { type FeatureRegressionConfig, featureRegression } from "./regression.js";
export {
  type DirectionCosine,
  directionCosine,
  localTangentBasis,
  type NeighbourConfig,
  splitAtManifold,
  splitByNeighbours,
  type TangentSplit,
} from "./split.js";
export { defaultFeatures, defaultTransformations, type FeatureTraining, train } from "./train.js";
export type { Draws, Transformations, TransformationsConfig } from "./transformations.js";
