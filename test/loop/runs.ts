import * as diffusion from "../../src/diffusion/index.js";
import type { DenoiserTraining } from "../../src/diffusion/train.js";
import type { TrainedDenoiser } from "../../src/diffusion/trained.js";
import * as random from "../../src/engine/random.js";
import type { TrainingData } from "../../src/loop/data.js";
import type { Run } from "../../src/loop/run.js";
import { mlp } from "../../src/nn/mlp.js";

/** Points on the unit circle. */
export const circle: TrainingData = {
  name: "circle",
  shape: [2],
  sample: (key, count) => {
    const angles = random.uniform(key, count, -Math.PI, Math.PI);
    const x = new Float32Array(2 * count);
    angles.forEach((angle, i) => {
      x.set([Math.cos(angle), Math.sin(angle)], 2 * i);
    });
    return { x };
  },
  manifold: {
    ambientDim: 2,
    dim: 1,
    project: (points) =>
      points.map((value, i) => value / Math.hypot(points[i - (i % 2)]!, points[i - (i % 2) + 1]!)),
    tangentBasis: (points) => points.map((_, i) => (i % 2 === 0 ? -points[i + 1]! : points[i - 1]!)),
  },
};

export const network = mlp({ dim: 2, width: 16, depth: 2 });

/** A small denoiser on the circle: 40 steps, an event every 5. */
export const smallRun = (options: DenoiserTraining = {}): Run<TrainedDenoiser> =>
  diffusion.train(circle, { network, steps: 40, batchSize: 8, seed: 3, eventEvery: 5, ...options });

/** A denoiser on the circle that writes a checkpoint after each of its many steps. */
export const longRun = (options: DenoiserTraining = {}): Run<TrainedDenoiser> =>
  smallRun({ steps: 100, eventEvery: 1, checkpointEvery: 1, ...options });
