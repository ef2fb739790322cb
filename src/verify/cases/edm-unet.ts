import * as tf from "@tensorflow/tfjs-core";
import { compile } from "../../engine/compile.js";
import type { Tensor } from "../../engine/tensor.js";
import { exportPublished } from "../../nn/published.js";
import type { CaseKind, Comparison } from "../case.js";
import { denoiserOf } from "../networks.js";
import { corrupt } from "../reference.js";

/**
 * The preconditioned U-Net of the metadata's `config` with `weights.`: `denoised` of `x`, `sigma` and, where given, `class_labels` and
 * `augment_labels`; for the sum of `denoised` times `cotangent`: `grad_x` and `grad.<parameter>`.
 */
export const edmUnet: CaseKind = {
  kind: "edm_unet",
  verify: async (file) => {
    const { model, weights } = denoiserOf(file);
    const [x, sigma, cotangent] = [file.images("x"), file.tensor("sigma"), file.images("cotangent")];
    const condition = {
      ...(file.has("class_labels") && { classLabels: file.tensor("class_labels") }),
      ...(file.has("augment_labels") && { augmentLabels: file.tensor("augment_labels") }),
    };
    const step = compile(
      (parameters: Tensor, x: Tensor, sigma: Tensor, cotangent: Tensor, given: typeof condition) => {
        let denoised: tf.Tensor | undefined;
        const [gradParameters, gradX] = tf.grads((parameters: tf.Tensor, x: tf.Tensor) => {
          const output = model.apply(parameters, x, sigma, given);
          denoised = tf.keep(tf.clone(output as tf.Tensor)); // else disposed with what the gradient needed
          return tf.sum(tf.mul(output, cotangent));
        })([parameters as tf.Tensor, x as tf.Tensor]) as [Tensor, Tensor];
        return { denoised: denoised!, gradParameters, gradX };
      },
    );
    const { denoised, gradParameters, gradX } = await step(
      weights("weights."),
      x,
      sigma,
      cotangent,
      condition,
    );
    const comparisons: Comparison[] = [
      { quantity: "denoised", ours: denoised, reference: file.images("denoised"), kind: "value" },
      { quantity: "grad_x", ours: gradX, reference: file.images("grad_x"), kind: "gradient" },
    ];
    const gradients = exportPublished(model, gradParameters);
    const names = file.names("grad.");
    if (names.length === 0) throw corrupt(file.path, "it has no grad.<parameter>");
    for (const name of names) {
      const gradient = gradients[name];
      if (!gradient) throw corrupt(file.path, `grad.${name} is the gradient of no parameter`);
      const ours = tf.tensor(gradient.data as Float32Array, gradient.shape as number[]);
      const reference = file.tensor(`grad.${name}`);
      comparisons.push({ quantity: "grad", part: name, ours, reference, kind: "gradient" });
    }
    return comparisons;
  },
};
