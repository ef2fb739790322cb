export { type EfficientNetConfig, efficientNetLite0 } from "./efficient-net.js";
export {
  type ConvFeaturesConfig,
  convFeatures,
  type FeatureModel,
  type FeatureNetwork,
  type Features,
  type MlpFeaturesConfig,
  mlpFeatures,
} from "./features.js";
export * as functional from "./functional.js";
export * as initializers from "./initializers.js";
export { type MlpConfig, mlp } from "./mlp.js";
export {
  type Condition,
  flatten,
  type Masks,
  type Model,
  type Network,
  type TimeNetwork,
} from "./network.js";
export { networkFrom } from "./network-from.js";
export { exportPublished, importPublished, type Published, type PublishedLayout } from "./published.js";
export { type ResnetFeaturesConfig, resnetFeatures } from "./resnet.js";
export { ddpmpp, ncsnpp, publishedConfig, type SongUnetConfig, songUnet } from "./song-unet.js";
export { type UnetConfig, unet } from "./unet.js";
export { scaledVggBlocks, type VggBlocks, type VggFeaturesConfig, vggBlocks, vggFeatures } from "./vgg.js";
