import * as tf from "@tensorflow/tfjs-core";
import { compile } from "../../engine/compile.js";
import type { Tensor } from "../../engine/tensor.js";
import { distance } from "../../manifold/distance.js";
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
    const mfd = distance(model);
    const step = compile((parameters: Tensor, x: Tensor, y: Tensor) => {
      const { stages, labels } = model.apply(parameters, x);
      const gradX = tf.grad((x: tf.Tensor) => tf.mean(mfd(parameters, x, y)))(x as tf.Tensor);
      return { features: [...stages, labels], distance: mfd(parameters, x, y), gradX };
    });
    const { features, distance: distances, gradX } = await step(parameters, x, y);
    const count = file.names("feature.").length;
    if (count !== features.length)
      throw corrupt(file.path, `${count} features, where its blocks make ${features.length}`);
    const comparisons = features.map((feature, i): Comparison => {
      const reference = file.images(`feature.${i}`);
      const ours = tf.reshape(feature, i + 1 < count ? feature.shape : [feature.shape[0]!, 1, 1, -1]);
      return { quantity: "feature", part: `${i}`, ours, reference, kind: "value" };
    });
    const labels = features[count - 1]!;
    if (file.has("labels"))
      comparisons.push({ quantity: "labels", ours: labels, reference: file.tensor("labels"), kind: "value" });
    return [
      ...comparisons,
      { quantity: "distance", ours: distances, reference: file.tensor("distance"), kind: "value" },
      { quantity: "grad_x", ours: gradX, reference: file.images("grad_x"), kind: "gradient" },
    ];
  },
};
