import * as tf from "@tensorflow/tfjs-core";
import { compile } from "../engine/compile.js";
import type { Tensor } from "../engine/tensor.js";
import type { FeatureModel } from "../nn/features.js";
import { classifierFeatures } from "./classifier.js";
import { countImages, type FeatureExtractor } from "./features.js";

/**
 * Features by a feature network of this library, such as a trained classifier: its last stage, of images the means over positions.
 *
 * `networkFeatures(judge.model, judge.parameters)`
 * @param parameters [Q]
 * @throws TangentLabError in use `invalid-argument` for images that do not fit the network or are not finite.
 */
export function networkFeatures(model: FeatureModel, parameters: Tensor, batchSize = 64): FeatureExtractor {
  const compiled = compile((parameters: Tensor, x: Tensor) => classifierFeatures(model, parameters, x));
  return async (images, shape) => {
    const count = countImages("images", images, shape);
    const length = images.length / count;
    const parts: Float32Array[] = [];
    for (let from = 0; from < count; from += batchSize) {
      const part = images.slice(from * length, (from + batchSize) * length);
      const x: Tensor = tf.tensor(part, [part.length / length, ...shape]);
      const rows = await compiled(parameters, x);
      parts.push(rows.dataSync().slice() as Float32Array);
      rows.dispose();
      x.dispose();
    }
    const dim = parts.reduce((sum, part) => sum + part.length, 0) / count;
    const values = new Float32Array(count * dim);
    for (const [i, part] of parts.entries()) values.set(part, i * batchSize * dim);
    return { values, dim };
  };
}
