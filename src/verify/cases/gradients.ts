import * as tf from "@tensorflow/tfjs-core";
import { compile } from "../../engine/compile.js";
import type { Tensor } from "../../engine/tensor.js";
import type { Condition, Model } from "../../nn/network.js";
import { exportPublished } from "../../nn/published.js";
import type { Comparison } from "../case.js";
import { corrupt, type Reference } from "../reference.js";

/**
 * A network of images and times against a file: its output of `x`, the times and, where given, `class_labels` and `augment_labels`; for the sum of the output
 * times `cotangent`: `grad_x` and `grad.<parameter>`.
 * @param names Of the times and of the output in the file.
 */
export async function valueAndGradients(
  file: Reference,
  model: Pick<
    Model<[x: Tensor, c: Tensor, condition?: Condition], Tensor>,
    "apply" | "structure" | "published"
  >,
  parameters: Tensor,
  names: { readonly time: string; readonly output: string },
): Promise<Comparison[]> {
  const [x, t, cotangent] = [file.images("x"), file.tensor(names.time), file.images("cotangent")];
  const condition = {
    ...(file.has("class_labels") && { classLabels: file.tensor("class_labels") }),
    ...(file.has("augment_labels") && { augmentLabels: file.tensor("augment_labels") }),
  };
  const step = compile(
    (parameters: Tensor, x: Tensor, t: Tensor, cotangent: Tensor, given: typeof condition) => {
      let output: tf.Tensor | undefined;
      const [gradParameters, gradX] = tf.grads((parameters: tf.Tensor, x: tf.Tensor) => {
        const value = model.apply(parameters, x, t, given);
        output = tf.keep(tf.clone(value as tf.Tensor)); // else disposed with what the gradient needed
        return tf.sum(tf.mul(value, cotangent));
      })([parameters as tf.Tensor, x as tf.Tensor]) as [Tensor, Tensor];
      return { output: output!, gradParameters, gradX };
    },
  );
  const { output, gradParameters, gradX } = await step(parameters, x, t, cotangent, condition);
  const comparisons: Comparison[] = [
    { quantity: names.output, ours: output, reference: file.images(names.output), kind: "value" },
    { quantity: "grad_x", ours: gradX, reference: file.images("grad_x"), kind: "gradient" },
  ];
  const gradients = exportPublished(model, gradParameters);
  const parts = file.names("grad.");
  if (parts.length === 0) throw corrupt(file.path, "it has no grad.<parameter>");
  for (const name of parts) {
    const gradient = gradients[name];
    if (!gradient) throw corrupt(file.path, `grad.${name} is the gradient of no parameter`);
    const ours = tf.tensor(gradient.data as Float32Array, gradient.shape as number[]);
    const reference = file.tensor(`grad.${name}`);
    comparisons.push({ quantity: "grad", part: name, ours, reference, kind: "gradient" });
  }
  return comparisons;
}
