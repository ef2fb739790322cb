import * as random from "../engine/random.js";
import { draw, type TrainingData } from "../loop/data.js";
import type { Observer } from "../loop/train.js";
import { gradientNoise } from "../metrics/gradient-noise.js";
import type { Method } from "../optim/method.js";

/** What `noiseProbes` measures, and how often. */
export interface NoiseProbesConfig {
  data: TrainingData;
  method: Method;
  /** Steps between two measurements. */
  every: number;
  /** Of 16 examples, to measure from. */
  batches: number;
  /** Of the whole training: a method with a curriculum draws its batches as at the step that is next. */
  steps: number;
  /** Of the batches: always the same examples, noises and times. */
  seed: number;
}

/**
 * How much of a small batch's gradient is noise over training, at the parameters as they are trained, not at their average: `gradientNoise` in examples, NaN where
 * the mean gradient cannot be told from 0, and its parts `gradientTrace` and `gradientSquaredNorm`, as `metrics.gradientNoise` has them.
 */
export function noiseProbes({ data, method, every, batches, steps, seed }: NoiseProbesConfig): Observer {
  const key = random.foldIn(random.key(seed), 6);
  return {
    every,
    observe: async (state) => {
      const done = state.optimizer.step.dataSync()[0]!;
      const { scale, trace, squaredNorm } = await gradientNoise(method, state, {
        sample: (each, count) => draw(data, each, count),
        batches,
        key,
        iteration: Math.min(done, steps - 1),
      });
      return {
        curve: {
          gradientNoise: Number.isFinite(scale.estimate) ? scale.estimate : Number.NaN,
          gradientTrace: trace,
          gradientSquaredNorm: squaredNorm,
        },
      };
    },
  };
}
