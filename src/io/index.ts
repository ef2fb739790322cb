export { type Checkpoint, type Checkpoints, checkpointFolder, type RunConfig } from "./checkpoint.js";
export type { ReadLimit } from "./limits.js";
export { encodePng, type Images, imageGrid } from "./png.js";
export { readSafetensors, type Safetensors, type StoredArray, writeSafetensors } from "./safetensors.js";
