import * as tf from "@tensorflow/tfjs-core";
import { compile } from "../../engine/compile.js";
import type { Tensor } from "../../engine/tensor.js";
import { flatten } from "../../nn/network.js";
import { ofFile } from "../../nn/of-file.js";
import { exportPublished } from "../../nn/published.js";
import { fromDiffusers, jointTransformer } from "../../softrepa/joint-transformer.js";
import type { CaseKind, Comparison } from "../case.js";
import { configSchema, weightsOf, within } from "../networks.js";
import { corrupt } from "../reference.js";

/**
 * The joint-attention transformer of the metadata's `config` (diffusers' SD3Transformer2DModel) with `weights.`: `velocity` of `x`, `t` in [0, 1], `tokens`,
 * `pooled` and soft tokens `soft.i` of the first layers; for the sum of `velocity` times `cotangent`: `grad_x`, `grad_tokens`, `grad_pooled`,
 * `grad_soft.i` and `grad.<parameter>`.
 */
export const jointTransformerCase: CaseKind = {
  kind: "joint_transformer",
  verify: async (file) => {
    const settings = file.json("config", configSchema);
    const model = within(file, "config", () =>
      ofFile(settings, file.size, () => flatten(jointTransformer(fromDiffusers(settings)))),
    );
    const count = file.names("soft.").length;
    const soft = Array.from({ length: count }, (_, i) => file.tensor(`soft.${i}`));
    const [t, cotangent] = [file.tensor("t"), file.images("cotangent")];
    const inputs = [file.images("x"), file.tensor("tokens"), file.tensor("pooled"), ...soft];
    const step = compile((parameters: Tensor, inputs: readonly Tensor[], t: Tensor, cotangent: Tensor) => {
      let velocity: tf.Tensor | undefined;
      const [gradParameters, ...gradients] = tf.grads((parameters: tf.Tensor, ...inputs: tf.Tensor[]) => {
        const [x, tokens, pooled, ...softTokens] = inputs as [Tensor, Tensor, Tensor, ...Tensor[]];
        const output = model.apply(parameters, { x, t, text: { tokens, pooled }, softTokens });
        velocity = tf.keep(tf.clone(output as tf.Tensor)); // else disposed with what the gradient needed
        return tf.sum(tf.mul(output, cotangent));
      })([parameters, ...inputs] as tf.Tensor[]) as [Tensor, ...Tensor[]];
      return { velocity: velocity!, gradParameters, gradients };
    });
    const parameters = weightsOf(file, model, "weights.");
    const { velocity, gradParameters, gradients } = await step(parameters, inputs, t, cotangent);
    const names = ["grad_x", "grad_tokens", "grad_pooled", ...soft.map((_, i) => `grad_soft.${i}`)];
    const comparisons: Comparison[] = [
      { quantity: "velocity", ours: velocity, reference: file.images("velocity"), kind: "value" },
      ...gradients.map((ours, i): Comparison => {
        const name = names[i]!;
        const reference = i === 0 ? file.images(name) : file.tensor(name);
        return { quantity: name, ours, reference, kind: "gradient" };
      }),
    ];
    const published = exportPublished(model, gradParameters);
    for (const name of file.names("grad.")) {
      const gradient = published[name];
      if (!gradient) throw corrupt(file.path, `grad.${name} is the gradient of no parameter`);
      const ours = tf.tensor(gradient.data as Float32Array, gradient.shape as number[]);
      comparisons.push({
        quantity: "grad",
        part: name,
        ours,
        reference: file.tensor(`grad.${name}`),
        kind: "gradient",
      });
    }
    return comparisons;
  },
};
