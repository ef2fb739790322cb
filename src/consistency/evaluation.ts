import * as tf from "@tensorflow/tfjs-core";
import { drawCondition } from "../diffusion/condition.js";
import { checkDenoiser } from "../diffusion/denoising.js";
import type { Denoiser } from "../diffusion/edm.js";
import { checkSamplingTimes, sample } from "../diffusion/multistep.js";
import { compile } from "../engine/compile.js";
import * as random from "../engine/random.js";
import type { Tensor } from "../engine/tensor.js";
import * as tree from "../engine/tree.js";
import { check, required } from "../errors.js";
import { checkData, draw, exampleSize, type TrainingData } from "../loop/data.js";
import { arrayRecord } from "../loop/record.js";
import { nextTurn } from "../loop/run.js";
import type { Observer } from "../loop/train.js";
import { classifierFeatures } from "../metrics/features.js";
import { type Gaussian, gaussian, gaussianFrechet } from "../metrics/frechet.js";
import { manifoldDistance } from "../metrics/manifold-distance.js";
import { energyDistance } from "../metrics/mmd.js";
import { slicedWasserstein } from "../metrics/sliced-wasserstein.js";
import { checkFeatures, type FeatureNetwork } from "../nn/features.js";
import type { Condition } from "../nn/network.js";

/** What `evaluation` measures, on what and how often. */
export interface EvaluationConfig {
  data: TrainingData;
  denoiser: Denoiser;
  /** Steps between two evaluations. */
  every: number;
  /** Samples that are measured, against as many examples; a multiple of `shown`. */
  count: number;
  /** Samples that are recorded. */
  shown: number;
  seed: number;
  /** Times of the sampler. Default one step from 80. */
  times?: readonly number[];
  /** Samples are of random classes out of so many, where the network has classes. */
  classes?: number | undefined;
  /** A classifier of these images: adds the Fréchet distance in its features. */
  judge?: FeatureNetwork | undefined;
}

/**
 * Draws samples with the averaged parameters, always from the same noise, and measures them against the same examples: `slicedWasserstein`,
 * of points `energyDistance`, on known manifolds `manifoldDistance`, with a judge `frechet`.
 * @throws TangentLabError `invalid-argument` for options out of range.
 */
export function evaluation(config: EvaluationConfig): Observer {
  required("config", config, "an object with data, denoiser, every, count, shown and seed");
  const { data, denoiser, every, count, shown, seed, times, judge, classes } = config;
  check.only("evaluation", config, [
    ...["data", "denoiser", "every", "count", "shown", "seed", "times", "classes", "judge"],
  ]);
  checkData(data);
  checkDenoiser(denoiser, data.shape);
  check.count("every", every);
  check.count("shown", shown);
  if (times !== undefined) checkSamplingTimes(times);
  if (classes !== undefined) check.count("classes", classes);
  if (judge !== undefined) checkFeatures("judge", judge);
  check(
    Number.isInteger(count) && count >= 2 && count % shown === 0,
    "count",
    count,
    `a multiple of shown, which is ${shown}`,
  );
  const dim = exampleSize(data);
  const [dataKey, noiseKey] = random.split(random.foldIn(random.key(seed), 2));
  const reference = draw(data, dataKey, count).x;
  const draws = random.normal(noiseKey, count * dim * (times?.length ?? 1));
  const labels =
    classes === undefined ? undefined : random.integers(random.foldIn(noiseKey, 1), count, classes);
  const sampler = compile((parameters: Tensor, noises: Tensor[], condition: Condition) =>
    sample(denoiser, parameters, noises, times, { condition }),
  );
  const features =
    judge && compile((parameters: Tensor, x: Tensor) => classifierFeatures(judge.model, parameters, x));

  /** In chunks of `shown`, so that one compiled graph serves for all. */
  const inChunks = async (of: (from: number) => Promise<Tensor>): Promise<Float32Array> => {
    const parts: Float32Array[] = [];
    for (let from = 0; from < count; from += shown) {
      const part = await of(from);
      parts.push(part.dataSync().slice() as Float32Array);
      part.dispose();
      await nextTurn();
    }
    return concatenate(parts);
  };
  const chunk = (values: Float32Array, from: number): Tensor =>
    tf.tensor(values.slice(from * dim, (from + shown) * dim), [shown, ...data.shape]);
  const judged = (x: Float32Array): Promise<Float32Array> =>
    inChunks(async (from) => {
      const images = chunk(x, from);
      const result = await features!(judge!.parameters, images);
      images.dispose();
      return result;
    });
  let target: Gaussian | undefined;

  return {
    every,
    observe: async ({ ema }) => {
      const samples = await inChunks(async (from) => {
        const noises = (times ?? [80]).map((_, i) => chunk(draws.subarray(i * count * dim), from));
        const condition = drawCondition({}, noiseKey, shown, labels?.subarray(from, from + shown), classes);
        const result = await sampler(ema, noises, condition);
        tree.dispose([noises, condition]);
        return result;
      });
      const curve: Record<string, number> = {
        slicedWasserstein: slicedWasserstein(samples, reference, { dim, seed }),
      };
      // Distances of whole images say little, and all pairs of them take long.
      if (data.shape.length === 1) curve.energyDistance = energyDistance(samples, reference, { dim });
      await nextTurn();
      if (data.manifold) curve.manifoldDistance = manifoldDistance(samples, data.manifold);
      if (judge) {
        const width = async (x: Float32Array): Promise<Gaussian> => {
          const rows = await judged(x);
          return gaussian(rows, { dim: rows.length / count });
        };
        target ??= await width(reference);
        curve.frechet = gaussianFrechet(await width(samples), target);
      }
      return { curve, samples: arrayRecord(samples.slice(0, shown * dim), [shown, ...data.shape]) };
    },
  };
}

function concatenate(parts: readonly Float32Array[]): Float32Array {
  const out = new Float32Array(parts.reduce((sum, part) => sum + part.length, 0));
  let offset = 0;
  for (const part of parts) {
    out.set(part, offset);
    offset += part.length;
  }
  return out;
}
