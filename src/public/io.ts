export { readSafetensors, type Safetensors, type StoredArray, writeSafetensors } from "../io/safetensors.js";
