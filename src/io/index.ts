export {
  appendJsonLine,
  readBytes,
  readJsonLines,
  restoreFolder,
  writeFileAtomically,
  writeFolderAtomically,
} from "./files.js";
export { encodePng, type Images, imageGrid } from "./png.js";
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
