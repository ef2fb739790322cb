import * as tf from "@tensorflow/tfjs-core";
import { mfdDistance } from "../../consistency/mfd.js";
import { compile } from "../../engine/compile.js";
import type { Tensor } from "../../engine/tensor.js";
import type { CaseKind, Comparison } from "../case.js";
import { featuresOf } from "../networks.js";
import { corrupt } from "../reference.js";

/**
 * The feature network of the metadata's `blocks` with `weights.`, in inference mode: `feature.i` of `x`, the last of which are the labels; the manifold
 * feature `distance` of `x` and `y` per example, and the gradient of its mean, `grad_x`.
 */
export const featureNet: CaseKind = {
  kind: "feature_net",
  verify: async (file) => {
    const [x, y] = [file.images("x"), file.images("y")];
    const { model, parameters } = featuresOf(file, "weights.", x);
    const step = compile((parameters: Tensor, x: Tensor, y: Tensor) => {
      const { stages, labels } = model.apply(parameters, x);
      const mfd = mfdDistance({ model, parameters });
      const gradX = tf.grad((x: tf.Tensor) => tf.mean(mfd(x, y)))(x as tf.Tensor);
      return { features: [...stages, labels], distance: mfd(x, y), gradX };
    });
    const { features, distance: distances, gradX } = await step(parameters, x, y);
    const count = file.names("feature.").length;
    if (count !== features.length)
      throw corrupt(file.path, `${count} features, where its blocks make ${features.length}`);
    const comparisons = features.map((feature, i): Comparison => {
      // The labels, the last one, are stored with or without two positions of size 1.
      const last = i + 1 === count;
      const reference = last ? file.tensor(`feature.${i}`) : file.images(`feature.${i}`);
      const ours = last ? tf.reshape(feature, reference.shape) : feature;
      return { quantity: "feature", part: `${i}`, ours, reference, kind: "value" };
    });
    if (file.has("labels")) {
      const ours = features[count - 1]!;
      comparisons.push({ quantity: "labels", ours, reference: file.tensor("labels"), kind: "value" });
    }
    return [
      ...comparisons,
      { quantity: "distance", ours: distances, reference: file.tensor("distance"), kind: "value" },
      { quantity: "grad_x", ours: gradX, reference: file.images("grad_x"), kind: "gradient" },
    ];
  },
};
