import type { Reader } from "../reader.js";
import { arrays } from "./arrays.js";
import { datasets } from "./datasets.js";
import { images } from "./images.js";
import { onnx } from "./onnx.js";

/** Every way in for files. One that is missing here is not fuzzed. */
export const readers: readonly Reader[] = [...arrays, ...images, ...datasets, ...onnx];
