import * as tf from "@tensorflow/tfjs-core";
import * as v from "valibot";
import { compile } from "../../engine/compile.js";
import type { Tensor } from "../../engine/tensor.js";
import type { Schema } from "../../io/json.js";
import { contrastiveLoss } from "../../softrepa/contrastive-loss.js";
import type { CaseKind, Comparison } from "../case.js";
import { corrupt } from "../reference.js";

const [text, number]: [Schema<string>, Schema<number>] = [v.string(), v.number()];

/**
 * SoftREPA's loss of `errors` [images, captions], each image's own caption the one of its number, with the metadata's temperature and scale, or its `logits`
 * "linear": `loss` and `grad_errors`; with `_dweight<w>` behind the names that with a weight of w on the positive pairs.
 */
export const contrastive: CaseKind = {
  kind: "contrastive",
  verify: async (file) => {
    const errors = file.tensor("errors");
    if (errors.rank !== 2 || errors.shape[0]! > errors.shape[1]!) {
      throw corrupt(
        file.path,
        `errors is of shape [${errors.shape}], not [images, as many captions or more]`,
      );
    }
    const [count, captions] = errors.shape as [number, number];
    const own = tf.range(0, count, 1, "int32") as tf.Tensor1D;
    const positives = tf.oneHot(own, captions, 1, 0, "float32") as Tensor;
    const linear = file.metadata("logits") !== undefined && file.json("logits", text) === "linear";
    const settings = {
      temperature: file.json("temperature", number),
      ...(linear ? { logits: "linear" as const } : { scale: file.json("scale", number) }),
    };
    const names = file.names("loss");
    if (names.length === 0) throw corrupt(file.path, "it has no loss");
    const comparisons: Comparison[] = [];
    for (const suffix of names) {
      const [, weight] = /^_dweight([\d.]+)$/.exec(suffix) ?? [];
      if (suffix !== "" && weight === undefined) {
        throw corrupt(file.path, `loss${suffix} is neither loss nor loss_dweight<weight>`);
      }
      const positiveWeight = Number(weight ?? 0);
      const step = compile((errors: Tensor, positives: Tensor) =>
        tf.valueAndGrad(
          (errors: tf.Tensor) =>
            contrastiveLoss(errors, positives, { ...settings, positiveWeight }).loss as tf.Scalar,
        )(errors as tf.Tensor),
      );
      const { value, grad } = await step(errors, positives);
      const names = [`loss${suffix}`, `grad_errors${suffix}`] as const;
      comparisons.push(
        {
          quantity: names[0],
          ours: value.dataSync(),
          reference: file.tensor(names[0]).dataSync(),
          kind: "value",
        },
        { quantity: names[1], ours: grad, reference: file.tensor(names[1]), kind: "gradient" },
      );
    }
    return comparisons;
  },
};
