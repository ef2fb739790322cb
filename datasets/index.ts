/**
 * What `import ... from "tangent-lab/datasets"` gives, the same as the namespace `datasets` of tangent-lab.
 * @module tangent-lab/datasets
 */

export { type ArrayFileOptions, arrayFile } from "./array-file.js";
export { fromArray } from "./arrays.js";
export { byName, type DatasetOptions, names } from "./by-name.js";
export {
  type Agreement,
  type Attributes,
  agreement,
  type CaptionedBatch,
  type CaptionedDataset,
  isCaptioned,
  readOutCeiling,
  type Split,
} from "./captioned.js";
export { type CaptionedFolderOptions, captionedFolder } from "./captioned-folder.js";
export { type CaptionedImagesOptions, captionedImages } from "./captioned-images.js";
export { type Cifar10Options, cifar10 } from "./cifar10.js";
export { type Cifar100Options, cifar100 } from "./cifar100.js";
export type { Label } from "./classes.js";
export type { BackgroundDraws, Batch, Dataset, Manifold } from "./dataset.js";
export type { DecodeOptions, ReadingOptions } from "./decoded.js";
export { type DigitsOptions, digits } from "./digits.js";
export { drawn, type Stroke } from "./drawn.js";
export { embed } from "./embed.js";
export { type EmojiOptions, type EmojiStyle, emoji, emojiStyles } from "./emoji.js";
export type { FactorBatch, FactorDataset } from "./factor-images.js";
export type { Factor } from "./factor-manifold.js";
export { type FashionOptions, fashion } from "./fashion.js";
export { flipped } from "./flipped.js";
export { type ImageFolderOptions, imageFolder } from "./image-folder.js";
export { type ImagesOptions, images } from "./images.js";
export { labelledBy } from "./labelled.js";
export { objects, type ScenesOptions } from "./objects.js";
export { pairs } from "./pairs.js";
export type { PictureSetOptions } from "./picture-set.js";
export { portraits } from "./portraits.js";
export { type ShapesOptions, shapes } from "./shapes.js";
export type { Progress } from "./stored.js";
export { circle, moons, sphere, spiral, swissRoll, torus } from "./toys.js";
