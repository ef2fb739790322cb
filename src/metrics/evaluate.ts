import { applyTo } from "../diffusion/denoise.js";
import { type GenerateOptions, generate } from "../diffusion/generate.js";
import { checkTrained, type TrainedDenoiser } from "../diffusion/trained.js";
import * as random from "../engine/random.js";
import { check } from "../errors.js";
import { checkData, draw, type TrainingData } from "../loop/data.js";
import { checkFeatures, type FeatureNetwork } from "../nn/features.js";
import { bootstrap, type Interval } from "./bootstrap.js";
import { trainClassifier } from "./classifier.js";
import { type DenoisingDistance, denoisingFrechet } from "./denoising.js";
import type { FeatureExtractor } from "./features.js";
import { networkFeatures } from "./features.js";
import { frechetDistance } from "./frechet.js";
import { kernelDistance } from "./kernel-distance.js";
import { precisionRecall } from "./precision-recall.js";

/** Options of `evaluate`. */
export interface EvaluateOptions extends Omit<GenerateOptions, "count" | "labels"> {
  /**
   * In whose features distances are taken: a trained network (`trainClassifier(data)`), or any (`onnxFeatures({ model: "inception.onnx", ... })`
   * makes `frechet` the FID). Default for points their coordinates, for images with classes a classifier that is trained first: give one where you
   * measure several models.
   */
  features?: FeatureNetwork | FeatureExtractor;
  /** Samples, and examples of the data that they are compared with. At least 8; Fréchet distances depend on it. Default 512. */
  count?: number;
  /** Noise levels of the denoising samples. Default 0.2, 0.4 and 0.8. */
  sigmas?: readonly number[];
  /** Of the bootstrap. Each takes milliseconds in tens of features and seconds in an Inception's 2048: fewer there. At least 2, default 200. */
  resamples?: number;
}

/** Each with its 95% interval by the bootstrap: over samples and examples, not over trainings. */
export interface Evaluation {
  /** Fréchet distance of the samples to the data. */
  readonly frechet: Interval;
  /** Kernel distance (KID), unbiased. */
  readonly kernelDistance: Interval;
  /** Share of samples that lie where data are. */
  readonly precision: Interval;
  /** Share of data that lie where samples are. */
  readonly recall: Interval;
  /** Per noise level the Fréchet distance of f(x0 + sigma e, sigma) to the same x0 ("dFID"). */
  readonly denoising: readonly DenoisingDistance[];
}

/**
 * Measures a trained denoiser or consistency model: its samples, drawn as `generate` does, and its denoising at several levels, against random examples. A
 * class-conditional model draws and denoises the examples' classes.
 *
 * `await evaluate(model, data, { features: await trainClassifier(data) })`
 * @throws TangentLabError `invalid-argument` for options out of range and images with neither features nor classes.
 */
export async function evaluate(
  model: TrainedDenoiser,
  data: TrainingData,
  options: EvaluateOptions = {},
): Promise<Evaluation> {
  check.only("evaluate", options, [
    ...["features", "count", "sigmas", "resamples"],
    ...["seed", "sampler", "steps", "times", "churn", "batchSize"],
  ]);
  const { features, count = 512, sigmas, resamples = 200, seed = 0, batchSize = 64, ...sampling } = options;
  checkTrained("model", model);
  checkData(data);
  check.count("count", count, 8);
  const { shape } = model.record;
  check(`${data.shape}` === `${shape}`, "data.shape", data.shape, `[${shape}], as the model's`);
  const keys = random.split(random.foldIn(random.key(seed), 4), 3);
  const { x: clean, labels: known } = draw(data, keys[0], count);
  const isConditional = typeof model.record.settings.classes === "number";
  check(
    !isConditional || known !== undefined,
    "data",
    "no labels",
    "examples with classes, as the model has",
  );
  const labels = isConditional ? known : undefined;
  const extract = await extractor(features, data, seed);
  const { values } = await generate(model, {
    ...sampling,
    count,
    seed,
    batchSize,
    ...(labels && { labels }),
  });
  const { values: samples, dim } = await extract(values, shape);
  const { values: reference } = await extract(clean, shape);
  const interval = (statistic: (x: Float32Array, y: Float32Array) => number): Interval =>
    bootstrap(statistic as (...sets: Float32Array[]) => number, [samples, reference], {
      key: keys[1],
      dim,
      resamples,
    });
  return {
    frechet: interval((x, y) => frechetDistance(x, y, { dim })),
    kernelDistance: interval((x, y) => kernelDistance(x, y, { dim })),
    precision: interval((x, y) => precisionRecall(x, y, { dim }).precision),
    recall: interval((x, y) => precisionRecall(x, y, { dim }).recall),
    denoising: await denoisingFrechet({
      denoise: applyTo(model, { labels, batchSize }),
      clean,
      shape,
      features: extract,
      key: keys[2],
      resamples,
      ...(sigmas !== undefined && { sigmas }),
    }),
  };
}

async function extractor(
  features: FeatureNetwork | FeatureExtractor | undefined,
  data: TrainingData,
  seed: number,
): Promise<FeatureExtractor> {
  if (typeof features === "function") return features;
  if (features !== undefined) {
    checkFeatures("features", features);
    return networkFeatures(features);
  }
  const [dim] = data.shape;
  if (data.shape.length === 1) return async (values) => ({ values, dim: dim! });
  const allowed = "for images without classes a network: onnxFeatures(...)";
  check(data.numClasses !== undefined, "features", features, allowed);
  return networkFeatures(await trainClassifier(data, { seed }));
}
