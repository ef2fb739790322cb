import * as tf from "@tensorflow/tfjs-core";
import * as v from "valibot";
import { type DiscreteBatch, discreteParts } from "../../consistency/discrete.js";
import { type Loss, pseudoHuber } from "../../consistency/losses.js";
import { mfd, mfdDistance } from "../../consistency/mfd.js";
import { tangents } from "../../consistency/tangents.js";
import type { Denoiser } from "../../diffusion/edm.js";
import { compile } from "../../engine/compile.js";
import type { Tensor } from "../../engine/tensor.js";
import type { Schema } from "../../io/json.js";
import type { FeatureNetwork } from "../../nn/features.js";
import { exportPublished } from "../../nn/published.js";
import { ema } from "../../optim/ema.js";
import { valueAndGrad } from "../../optim/gradient.js";
import { type Context, method } from "../../optim/method.js";
import { radam } from "../../optim/radam.js";
import type { CaseKind, Comparison } from "../case.js";
import { denoiserOf, featuresOf } from "../networks.js";
import { corrupt, type Reference } from "../reference.js";

/** Descriptions of losses, by name. */
const lossesSchema: Schema<Record<string, string>> = v.record(v.string(), v.string());

/**
 * Whole training steps from `weights.` on `data.i`, `noise.i`, `t.i`, `r.i`, for each of the losses that the metadata's `lambda` describes: `<loss>.loss.i`, the
 * mean manifold feature `distance.i`, the unit tangent at the first output `tangent.0`, the first gradient `grad.0.<parameter>`, weights after the
 * last step `final.<parameter>` and their average `ema.<parameter>`.
 */
export const ectSteps: CaseKind = {
  kind: "ect_steps",
  verify: async (file) => {
    const { model, weights } = denoiserOf(file);
    const start = weights("weights.");
    const batches = batchesOf(file);
    const features = featuresOf(file, "feature_net.", batches[0]!.x);
    const comparisons: Comparison[] = [];
    for (const [name, description] of Object.entries(file.json("lambda", lossesSchema))) {
      const loss = lossOf(file, description, features);
      comparisons.push(...(await run(file, name, model, start, batches, loss, features)));
    }
    if (comparisons.length === 0) throw corrupt(file.path, "its metadata's lambda names no loss");
    return comparisons;
  },
};

async function run(
  file: Reference,
  name: string,
  denoiser: Denoiser,
  start: Tensor,
  batches: readonly DiscreteBatch[],
  loss: Loss,
  features: FeatureNetwork,
): Promise<Comparison[]> {
  const shape = batches[0]!.x.shape.slice(1);
  const times = (): never => {
    throw new Error("times are given");
  };
  const parts = discreteParts({ denoiser, shape, loss, times, optimizer: radam() });
  const { from, step } = method(parts);
  const decay = numberIn(file, "ema", /^([\d.]+)$/);
  const learningRate = numberIn(file, "optimizer", /^RAdam lr=([\d.e-]+)$/);
  const between = mfdDistance(features);
  const probes = tangents(denoiser, mfd(features));
  const first = compile((parameters: Tensor, batch: DiscreteBatch, context: Context) => {
    const { gradient } = valueAndGrad(parts.loss(parameters, batch, context), parameters);
    const { tangent } = probes(parameters, { features: features.parameters }, batch);
    return { gradient, tangent };
  });
  const measured = compile((parameters: Tensor, batch: DiscreteBatch) => {
    const { output, target } = probes(parameters, { features: features.parameters }, batch);
    return tf.mean(between(output, target)) as Tensor;
  });
  const whole = compile(step);

  const comparisons: Comparison[] = [];
  const compare = (quantity: string, ours: Tensor, kind: Comparison["kind"], part: string): void => {
    const reference = file.tensor(`${name}.${quantity}.${part}`).dataSync();
    comparisons.push({ quantity: `${name}.${quantity}`, part, ours: ours.dataSync(), reference, kind });
  };
  const compareWeights = (quantity: string, ours: Tensor, kind: Comparison["kind"]): void => {
    const arrays = exportPublished(denoiser, ours);
    for (const parameter of file.names(`${name}.${quantity}.`)) {
      const array = arrays[parameter];
      if (!array) throw corrupt(file.path, `${name}.${quantity}.${parameter} is of no parameter`);
      const tensor = tf.tensor(array.data as Float32Array, array.shape as number[]);
      const reference = file.tensor(`${name}.${quantity}.${parameter}`);
      comparisons.push({ quantity: `${name}.${quantity}`, part: parameter, ours: tensor, reference, kind });
    }
  };

  let state = from(start);
  const { gradient, tangent } = await first(start, batches[0]!, state.context);
  comparisons.push({
    quantity: `${name}.tangent`,
    ours: tangent,
    reference: file.images(`${name}.tangent.0`),
    kind: "gradient",
  });
  compareWeights("grad.0", gradient, "gradient");
  let average = start;
  for (const [i, batch] of batches.entries()) {
    compare("distance", await measured(state.parameters, batch), kindAt(i), `${i}`);
    const next = await whole(state, { ...batch, learningRate: tf.scalar(learningRate) });
    compare("loss", next.metrics.loss, kindAt(i), `${i}`);
    state = next.state;
    average = ema(average, state.parameters, decay);
  }
  compareWeights("final", state.parameters, "optimizer");
  compareWeights("ema", average, "optimizer");
  return comparisons;
}

/** Only before the first step no optimizer is in it. */
const kindAt = (step: number): Comparison["kind"] => (step === 0 ? "value" : "optimizer");

function batchesOf(file: Reference): DiscreteBatch[] {
  const count = file.names("data.").length;
  if (count === 0) throw corrupt(file.path, "it has no data.0");
  return Array.from({ length: count }, (_, i) => ({
    x: file.images(`data.${i}`),
    noise: file.images(`noise.${i}`),
    t: file.tensor(`t.${i}`),
    r: file.tensor(`r.${i}`),
    condition: {},
    scalars: {},
  }));
}

/** "prox loss only", "c=0" or "pseudo-Huber + 1.0*prox": the proximal loss on the unit MFD tangent, the pseudo-Huber loss, or both. */
function lossOf(file: Reference, description: string, features: FeatureNetwork): Loss {
  const c = Number(/c=([\d.e-]+)/.exec(description)?.[1] ?? 0);
  const beside = pseudoHuber({ c });
  if (/^prox loss only$/.test(description)) return mfd(features);
  if (/^c=[\d.e-]+$/.test(description)) return beside;
  const lambda = Number(/pseudo-Huber.* \+ ([\d.e-]+)\*prox/.exec(description)?.[1]);
  if (!(lambda > 0)) throw corrupt(file.path, `its metadata's lambda: "${description}" is no known loss`);
  return mfd(features, { beside, lambda });
}

function numberIn(file: Reference, name: string, pattern: RegExp): number {
  const value = Number(pattern.exec(file.metadata(name) ?? "")?.[1]);
  if (!Number.isFinite(value)) throw corrupt(file.path, `its metadata's ${name} is not like ${pattern}`);
  return value;
}
