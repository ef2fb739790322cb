export { attributeNegatives, type DescribedCaptions } from "./attribute-negatives.js";
export {
  type ContrastiveConfig,
  contrastive,
} from "./contrastive.js";
export {
  type ContrastiveLossConfig,
  contrastiveLoss,
  infoNceBound,
  type LogitForm,
} from "./contrastive-loss.js";
export type { ContrastiveTraining } from "./contrastive-training.js";
export { type CaptionCorruption, corruptCaptions } from "./corrupt-captions.js";
export { type CrossUnetConfig, crossUnet } from "./cross-unet.js";
export type { EditConfig, GuidanceForm } from "./edit-config.js";
export { edit } from "./editing.js";
export { loadFlow, saveFlow } from "./flow-file.js";
export { type FlowMatchingConfig, flowMatching, type LogitNormal } from "./flow-matching.js";
export type { EncodedText, FrozenFlow } from "./frozen-flow.js";
export { type GenerateConfig, generate } from "./generate.js";
export type { ImageSizes } from "./image-size.js";
export { fromDiffusers, type JointTransformerConfig, jointTransformer } from "./joint-transformer.js";
export { flowLevels, type LevelsConfig } from "./levels.js";
export {
  captionVectors,
  type GroupedCaptions,
  type NearestConfig,
  nearestNegatives,
} from "./nearest-negatives.js";
export type { HardNegatives, NegativeConfig } from "./negatives.js";
export { pairErrors } from "./pair-errors.js";
export { type Embeddings, embeddedText, readEmbeddings } from "./text/embeddings.js";
export { type TextEncoderConfig, type TextSettings, textEncoder } from "./text/encoder.js";
export { trainVocabulary, type Vocabulary, type VocabularyConfig, vocabulary } from "./text/vocabulary.js";
export { textToImage } from "./text-to-image.js";
export {
  checkTokensFit,
  describeTokens,
  embedTokens,
  type LoadedTokens,
  loadTokens,
  publishedHosts,
  saveTokens,
  type TokenDescription,
  type TokenHost,
} from "./token-file.js";
export {
  type SoftTokens,
  type SoftTokensConfig,
  softTokens,
  type TokenEmbedder,
  type TokenStart,
} from "./tokens.js";
export { captionEncoder, type FlowTraining, type TrainedFlow, trainFlow } from "./train-flow.js";
export { type SoftTokenTraining, type TrainedTokens, trainTokens } from "./train-tokens.js";
export { type FlowTuning, tuneFlow } from "./tune-flow.js";
export type { Flow, Text, TextEncoder, TextToImage, VelocityInputs, VelocityNetwork } from "./types.js";
