export { encodePng, type Images, imageGrid } from "../io/png.js";
export { readSafetensors, type Safetensors, type StoredArray, writeSafetensors } from "../io/safetensors.js";
