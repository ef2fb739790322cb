import * as tf from "@tensorflow/tfjs-core";
import { compile } from "../engine/compile.js";
import * as random from "../engine/random.js";
import type { Tensor } from "../engine/tensor.js";
import * as tree from "../engine/tree.js";
import { check, required } from "../errors.js";
import { countExamples } from "../loop/data.js";
import type { Condition } from "../nn/network.js";
import { conditions, type Generated } from "./generate.js";
import { checkTrained, type TrainedDenoiser } from "./trained.js";

/** Options of `denoise`. */
export interface DenoiseOptions {
  /** Noise level, > 0; 0.2, 0.4 and 0.8 are customary. */
  sigma: number;
  /** Of the noise: the same at every level. Default 0. */
  seed?: number;
  /** Class of each example, for a class-conditional model. */
  labels?: ArrayLike<number>;
  /** Examples computed at a time. Default 64. */
  batchSize?: number;
}

/**
 * "Denoising" samples of a trained denoiser or consistency model: f(x0 + sigma e, sigma) of clean examples x0, flat [count, ...shape]. How far
 * they are from the data is the dFID of a level: `metrics.evaluate`.
 * @throws TangentLabError `invalid-argument`; `invalid-data` for labels out of range.
 */
export async function denoise(
  model: TrainedDenoiser,
  clean: Float32Array,
  options: DenoiseOptions,
): Promise<Generated> {
  checkTrained("model", model);
  const { sigma, seed = 0, labels, batchSize = 64 } = required("options", options, "an object with sigma");
  check.only("denoise", options, ["sigma", "seed", "labels", "batchSize"]);
  check.positive("sigma", sigma);
  check.count("batchSize", batchSize);
  countExamples("clean", clean, model.record.shape);
  const noise = random.normal(random.key(seed), clean.length);
  const noisy = clean.map((value, i) => value + sigma * noise[i]!);
  const values = await applyTo(model, { labels, batchSize })(noisy, sigma);
  return { shape: [values.length / size(model), ...model.record.shape], values };
}

/** f(x, sigma) of a trained model, compiled, batch by batch: x flat [count, ...shape]. */
export function applyTo(
  model: TrainedDenoiser,
  { labels, batchSize }: { labels: ArrayLike<number> | undefined; batchSize: number },
): (x: Float32Array, sigma: number) => Promise<Float32Array> {
  const { denoiser, parameters, record } = model;
  const compiled = compile(
    (parameters: Tensor, x: Tensor, t: Tensor, condition: Condition) =>
      denoiser.apply(parameters, x, t, condition),
    { constants: [0] },
  );
  const length = size(model);
  return async (x, sigma) => {
    const count = countExamples("x", x, record.shape);
    const conditionOf = conditions(model, labels, count);
    const values = new Float32Array(x.length);
    for (let from = 0; from < count; from += batchSize) {
      const to = Math.min(from + batchSize, count);
      const inputs: Tensor[] = [
        tf.tensor(x.slice(from * length, to * length), [to - from, ...record.shape]),
        tf.fill([to - from], sigma),
      ];
      const condition = conditionOf(from, to);
      const result = await compiled(parameters, inputs[0]!, inputs[1]!, condition);
      values.set(result.dataSync() as Float32Array, from * length);
      tree.dispose([inputs, condition, result]);
    }
    return values;
  };
}

const size = ({ record }: TrainedDenoiser): number => record.shape.reduce((a, b) => a * b, 1);
