import type { Reader } from "../reader.js";
import { arrays } from "./arrays.js";
import { datasets } from "./datasets.js";
import { images } from "./images.js";
import { models } from "./models.js";
import { onnx } from "./onnx.js";
import { packedPictures } from "./pictures.js";
import { references } from "./references.js";
import { runs } from "./runs.js";

/** Every way in for files. One that is missing here is not fuzzed. */
export const readers: readonly Reader[] = [
  ...arrays,
  ...images,
  ...datasets,
  ...packedPictures,
  ...onnx,
  ...models,
  ...runs,
  ...references,
];
