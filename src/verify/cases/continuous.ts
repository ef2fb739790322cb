import * as tf from "@tensorflow/tfjs-core";
import { continuousParts, totalDerivative } from "../../consistency/continuous.js";
import { type Loss, l2 } from "../../consistency/losses.js";
import { mfd } from "../../consistency/mfd.js";
import { addNoise, type Denoiser } from "../../diffusion/edm.js";
import { velocity } from "../../diffusion/ode.js";
import { compile } from "../../engine/compile.js";
import type { Tensor } from "../../engine/tensor.js";
import { exportPublished } from "../../nn/published.js";
import { valueAndGrad } from "../../optim/gradient.js";
import { jvp } from "../../optim/jvp.js";
import type { CaseKind, Comparison } from "../case.js";
import { denoiserOf, featuresOf, type Loaded } from "../networks.js";
import { corrupt, type Reference } from "../reference.js";

type Point = { data: Tensor; noise: Tensor; t: Tensor };

/**
 * Continuous-time consistency distillation of the metadata's U-Net, weights `student.` and `teacher.`, at `data` + `t` `noise`: the teacher's `velocity`,
 * the student's derivative along it, `pixel_tangent`, and that of its features (network `blocks`, weights `feature_net.`), `feature_tangent`;
 * `pixel_loss`, `feature_loss` and some of their gradients, `pixel_grad.<parameter>`.
 */
export const continuousDistillation: CaseKind = {
  kind: "continuous_distillation",
  verify: async (file) => {
    const { model, weights } = denoiserOf(file);
    const [student, teacher] = [weights("student."), weights("teacher.")];
    const point: Point = { data: file.images("data"), noise: file.images("noise"), t: file.tensor("t") };
    const features = featuresOf(file, "feature_net.", point.data);
    return [
      ...(await tangents(file, model, student, teacher, point, features)),
      ...(await objective(file, "pixel", model, student, teacher, point, l2())),
      ...(await objective(file, "feature", model, student, teacher, point, mfd(features))),
    ];
  },
};

async function tangents(
  file: Reference,
  model: Denoiser,
  student: Tensor,
  teacher: Tensor,
  point: Point,
  features: Loaded<{ apply(p: Tensor, x: Tensor): { stages: readonly Tensor[]; labels: Tensor } }>,
): Promise<Comparison[]> {
  const derivatives = compile(
    (student: Tensor, teacher: Tensor, { data, noise, t }: Point, parameters: Tensor) => {
      const x = addNoise(data, noise, t);
      const slope = velocity((x, t) => model.apply(teacher, x, t), x, t);
      const { value, tangent } = totalDerivative((x, t) => model.apply(student, x, t), x, t, slope);
      const inFeatures = jvp(
        (f) => {
          const { stages, labels } = features.model.apply(parameters, f!);
          // As published: channels before positions, one feature after the other.
          const flat = [...stages, labels].map((feature) =>
            tf.reshape(feature.rank === 4 ? tf.transpose(feature, [0, 3, 1, 2]) : feature, [
              feature.shape[0]!,
              -1,
            ]),
          );
          return tf.concat(flat, 1) as Tensor;
        },
        [value],
        [tangent],
      );
      return { slope, tangent, inFeatures: inFeatures.tangent };
    },
  );
  const { slope, tangent, inFeatures } = await derivatives(student, teacher, point, features.parameters);
  return [
    { quantity: "velocity", ours: slope, reference: file.images("velocity"), kind: "value" },
    { quantity: "pixel_tangent", ours: tangent, reference: file.images("pixel_tangent"), kind: "gradient" },
    {
      quantity: "feature_tangent",
      ours: inFeatures,
      reference: file.tensor("feature_tangent"),
      kind: "gradient",
    },
  ];
}

async function objective(
  file: Reference,
  name: string,
  model: Denoiser,
  student: Tensor,
  teacher: Tensor,
  point: Point,
  loss: Loss,
): Promise<Comparison[]> {
  const parts = continuousParts({
    denoiser: model,
    shape: point.data.shape.slice(1),
    teacher: { denoiser: model, parameters: teacher },
    loss,
    process: "edm",
    normalization: normalization(file),
  });
  const step = compile(
    (parameters: Tensor, { data: x, noise, t }: Point, context: { [name: string]: Tensor }) => {
      const batch = { x, noise, t, warmup: tf.scalar(1) as Tensor, condition: {}, scalars: {} };
      const { loss, gradient } = valueAndGrad(parts.loss(parameters, batch, context), parameters);
      return { loss, gradient };
    },
  );
  const result = await step(student, point, { ...parts.context });
  const gradients = exportPublished(model, result.gradient);
  return [
    {
      quantity: `${name}_loss`,
      ours: result.loss.dataSync(),
      reference: file.tensor(`${name}_loss`).dataSync(),
      kind: "value",
    },
    ...file.names(`${name}_grad.`).map((parameter): Comparison => {
      const gradient = gradients[parameter];
      if (!gradient) throw corrupt(file.path, `${name}_grad.${parameter} is the gradient of no parameter`);
      return {
        quantity: `${name}_grad`,
        part: parameter,
        ours: tf.tensor(gradient.data as Float32Array, gradient.shape as number[]),
        reference: file.tensor(`${name}_grad.${parameter}`),
        kind: "gradient",
      };
    }),
  ];
}

/** "tangent divided by (rms norm + 0.1)" in the metadata's `note`. */
function normalization(file: Reference): number {
  const [, c] = /rms norm \+ ([\d.e-]+)\)/.exec(file.metadata("note") ?? "") ?? [];
  if (c === undefined || !(Number(c) > 0))
    throw corrupt(file.path, 'its metadata has no note "tangent divided by (rms norm + 0.1)"');
  return Number(c);
}
