import type { Dataset } from "../../datasets/dataset.js";
import { denoising } from "../../src/diffusion/denoising.js";
import { type Denoiser, denoiser } from "../../src/diffusion/edm.js";
import type { Tensor } from "../../src/engine/tensor.js";
import { keep, train } from "../../src/loop/train.js";
import { pointTransformations } from "../../src/manifold/points.js";
import { featureRegression } from "../../src/manifold/regression.js";
import { type FeatureNetwork, mlpFeatures } from "../../src/nn/features.js";
import { mlp } from "../../src/nn/mlp.js";
import { flatten } from "../../src/nn/network.js";
import type { Method } from "../../src/optim/method.js";
import { cosine } from "../../src/optim/schedules.js";

/** What both consistency models start from, and the feature map that one of them is trained with. */
export interface Preparation {
  readonly denoiser: Denoiser;
  /** Trained parameters [P]. */
  readonly start: Tensor;
  readonly features: FeatureNetwork;
}

/** Small enough for a second or two in a browser. */
const plan = {
  denoiser: { steps: 600, learningRate: 2e-3 },
  features: { steps: 1000, learningRate: 5e-3 },
  batchSize: 128,
  ema: 0.99,
} as const;

export type Phase = "denoiser" | "features";

/** Called now and then; resolves to false to stop. */
export type OnProgress = (phase: Phase, done: number, total: number) => Promise<boolean>;

/**
 * Trains the denoiser, and the feature map of the manifold feature distance: it regresses how much noise was added to a point. Its level sets lie around the
 * manifold like contour lines. Resolves to undefined if it was stopped.
 */
export async function prepare(
  data: Dataset,
  seed: number,
  onProgress: OnProgress,
): Promise<Preparation | undefined> {
  const model = denoiser(mlp({ dim: 2, width: 64, depth: 3 }), { sigmaData: 0.5 });
  const shared = { shape: [2], ema: plan.ema };
  const start = await fit("denoiser", seed, data, onProgress, (rate) =>
    denoising({ ...shared, denoiser: model, learningRate: rate }),
  );
  if (!start) return undefined;
  const transformations = pointTransformations({ dim: 2, groups: ["noise"], noiseMax: 0.7 });
  const network = flatten(mlpFeatures({ dim: 2, labels: transformations.labelNames.length, width: 64 }));
  const parameters = await fit("features", seed, data, onProgress, (rate) =>
    featureRegression({ ...shared, features: network, transformations, learningRate: rate }),
  );
  return parameters && { denoiser: model, start, features: { model: network, parameters } };
}

/** Trains a method with a rate that falls to 0, and gives its average parameters. */
async function fit(
  phase: Phase,
  seed: number,
  data: Dataset,
  onProgress: OnProgress,
  make: (rate: ReturnType<typeof cosine>) => Method,
): Promise<Tensor | undefined> {
  const { steps, learningRate } = plan[phase];
  const run = train({
    name: phase,
    kind: phase,
    data,
    seed,
    steps,
    batchSize: plan.batchSize,
    eventEvery: 25,
    method: make(cosine(learningRate, steps)),
    finish: ({ ema }) => keep(ema),
  });
  if (!(await onProgress(phase, 0, steps))) return undefined;
  for await (const { step } of run) if (!(await onProgress(phase, step, steps))) return undefined;
  return run.result;
}
