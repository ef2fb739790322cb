import * as tf from "@tensorflow/tfjs-core";
import { compile } from "../engine/compile.js";
import type { Tensor } from "../engine/tensor.js";
import { check, required } from "../errors.js";
import { countExamples } from "../loop/data.js";
import type { RunRecord } from "../loop/record.js";
import { checkFeatures, checkFlat, type FeatureModel, type FeatureNetwork } from "../nn/features.js";

/** Features of images: rows of `dim` numbers. */
export interface Features {
  readonly values: Float32Array;
  readonly dim: number;
}

/** Any network that turns images [count, height, width, channels] in [-1, 1], of shape [height, width, channels] each, into rows of features. */
export type FeatureExtractor = (images: Float32Array, shape: readonly number[]) => Promise<Features>;

/** A trained network with features: a classifier, or the one of MFD. */
export interface TrainedFeatures extends FeatureNetwork {
  readonly record: RunRecord;
}

/**
 * Features for a Fréchet distance: the last stage, of images its means over positions. x [batch, h, w, c] or [batch, dim] -> [batch, k], 64 of the
 * classifier above.
 */
export function classifierFeatures(model: FeatureModel, parameters: Tensor, x: Tensor): Tensor {
  checkFlat("model", model);
  required("parameters", parameters, "a tensor");
  const { stages } = model.apply(parameters, x);
  const last = stages[stages.length - 1]!;
  return last.rank === 4 ? tf.mean(last, [1, 2]) : last;
}

/**
 * Features by a feature network of this library, such as a trained classifier: its last stage, of images the means over positions.
 *
 * `networkFeatures(judge)`
 * @throws TangentLabError when used, `invalid-argument` for images that do not fit the network or are not finite.
 */
export function networkFeatures(features: FeatureNetwork, batchSize = 64): FeatureExtractor {
  checkFeatures("features", features);
  check.count("batchSize", batchSize);
  const { model, parameters } = features;
  const compiled = compile((parameters: Tensor, x: Tensor) => classifierFeatures(model, parameters, x));
  return async (images, shape) => {
    const count = countExamples("images", images, shape);
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
