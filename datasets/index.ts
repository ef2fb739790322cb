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
export type { Batch, Dataset, Manifold } from "./dataset.js";
export { type DigitsOptions, digits } from "./digits.js";
export { embed } from "./embed.js";
export { type EmojiOptions, type EmojiStyle, emoji, emojiStyles } from "./emoji.js";
export { objects, type ScenesOptions } from "./objects.js";
export { pairs } from "./pairs.js";
export { circle, moons, sphere, spiral, swissRoll, torus } from "./toys.js";
