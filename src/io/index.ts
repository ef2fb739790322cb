export { type DecodedImage, decodeImage } from "./decode-image.js";
export {
  appendJsonLine,
  readBytes,
  readJsonLines,
  restoreFolder,
  writeFileAtomically,
  writeFolderAtomically,
} from "./files.js";
export { fingerprintOf } from "./fingerprint.js";
export { imageExtensions } from "./image-kind.js";
export type { ReadLimit } from "./limits.js";
export { decodeNpy, type NpyArray, readNpy, readNpz } from "./npy.js";
export { encodePng, type Images, imageGrid } from "./png.js";
export { type Raster, resample } from "./resample.js";
export { rasterizeSquare, resvg } from "./resvg.js";
export {
  decodeSafetensors,
  encodeSafetensors,
  readSafetensors,
  type Safetensors,
  type StoredArray,
  writeSafetensors,
} from "./safetensors.js";
export { updateSection } from "./sections.js";
