import type { Dataset } from "../../datasets/index.js";
import { ect } from "../consistency/ect.js";
import { asLoss } from "../consistency/losses.js";
import type { ConsistencyTraining } from "../consistency/train.js";
import { applyTo } from "../diffusion/denoise.js";
import { generate } from "../diffusion/generate.js";
import type { TrainedDenoiser } from "../diffusion/trained.js";
import * as random from "../engine/random.js";
import * as tree from "../engine/tree.js";
import { draw } from "../loop/data.js";
import { denoisingFrechet } from "../metrics/denoising.js";
import { networkFeatures, type TrainedFeatures } from "../metrics/features.js";
import { frechetDistance } from "../metrics/frechet.js";
import { gradientNoise } from "../metrics/gradient-noise.js";
import { kernelDistance } from "../metrics/kernel-distance.js";
import { laplacianPatches } from "../metrics/laplacian-patches.js";
import { pairedDistance } from "../metrics/paired-distance.js";
import { precisionRecall } from "../metrics/precision-recall.js";

/** What is measured, with what. */
export interface EndConfig {
  model: TrainedDenoiser;
  /** Whose own end points the model should reach from the same noise. */
  teacher: TrainedDenoiser;
  data: Dataset;
  judge: TrainedFeatures;
  /** Those that the model was trained with: the gradient noise is of their objective and loss. */
  options: Pick<ConsistencyTraining, "objective" | "loss" | "steps" | "batchSize">;
  /** Of noises and examples: the same for all models that are compared. */
  seed: number;
}

/** Samples and examples of the distances between sets. */
const count = 8192;
/** Of what takes the pairs of them, or many evaluations of the teacher. */
const few = 1024;

/**
 * All that can be said of a consistency model of images when its training is over, in the judge's features unless said: `frechet1` and `frechet2` (one step and
 * two), `frechetFloor` (data against other data), `kernelDistance`, `precision`, `recall`, `laplacian` (sliced Wasserstein distance of Laplacian patches, times
 * 1000, of pixels), `denoising 0.2` and so on, `paired` (to the teacher's end point from the same noise), and `gradientNoise` (in examples).
 */
export async function measuresAtEnd(config: EndConfig): Promise<Record<string, number>> {
  const { model, teacher, data, judge, seed } = config;
  const { shape } = data;
  const extract = networkFeatures(judge);
  const keys = random.split(random.foldIn(random.key(seed), 5), 4);
  const clean = draw(data, keys[0]!, count).x;
  const { values: reference, dim } = await extract(clean, shape);
  const { values: others } = await extract(draw(data, keys[1]!, count).x, shape);
  const one = (await generate(model, { count, seed })).values;
  const two = (await generate(model, { count, seed, steps: 2 })).values;
  const { values: samples } = await extract(one, shape);
  const { values: inTwo } = await extract(two, shape);
  const size = shape.reduce((a, b) => a * b, 1);
  const some = samples.subarray(0, few * dim);
  const { precision, recall } = precisionRecall(some, reference.subarray(0, few * dim), { dim });
  const ends = (await generate(teacher, { count: few, seed, sampler: "heun" })).values;
  const starts = (await generate(model, { count: few, seed })).values;
  const denoising = await denoisingFrechet({
    denoise: applyTo(model, { labels: undefined, batchSize: 64 }),
    clean: clean.subarray(0, few * 2 * size),
    shape,
    features: extract,
    key: keys[2]!,
    resamples: 2,
  });
  const paired = await pairedDistance(starts, ends, {
    shape,
    features: extract,
    key: keys[3]!,
    resamples: 2,
  });
  return {
    frechet1: frechetDistance(samples, reference, { dim }),
    frechet2: frechetDistance(inTwo, reference, { dim }),
    frechetFloor: frechetDistance(others, reference, { dim }),
    kernelDistance: kernelDistance(some, reference.subarray(0, few * dim), { dim }),
    precision,
    recall,
    laplacian: 1000 * laplacianPatches(one, clean, { shape }).mean,
    ...Object.fromEntries(denoising.map(({ sigma, frechet }) => [`denoising ${sigma}`, frechet.estimate])),
    paired: paired.distance.estimate,
    gradientNoise: await noiseOf(config, keys[3]!),
  };
}

/** The gradient noise scale of a model's own objective and loss, at its averaged parameters. */
async function noiseOf({ model, data, options }: EndConfig, key: random.Key): Promise<number> {
  const { objective = ect(), loss, steps, batchSize } = options;
  const method = objective.method({
    denoiser: model.denoiser,
    shape: data.shape,
    loss: asLoss(loss!),
    classes: undefined,
    iterations: steps!,
    teacher: undefined,
  });
  const state = method.from(model.parameters);
  const { scale } = await gradientNoise(method, state, {
    sample: (each, n) => data.sample(each, n),
    ...(batchSize && { batchSize }),
    key,
    iteration: steps! - 1,
  });
  tree.dispose(state);
  return scale.estimate;
}
