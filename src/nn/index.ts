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
/** The parts of networks as functions, with hand-written gradients where that makes a compiled step smaller. */
export * as functional from "./functional.js";
/** Initial weights of the parts of networks, from a key. */
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
export { type Unet2dConfig, unet2d } from "./unet2d.js";
export { scaledVggBlocks, type VggBlocks, type VggFeaturesConfig, vggBlocks, vggFeatures } from "./vgg.js";
