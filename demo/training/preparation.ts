import type { Dataset } from "../../datasets/dataset.js";
import { denoising } from "../../src/diffusion/denoising.js";
import { type Denoiser, denoiser } from "../../src/diffusion/edm.js";
import { compile } from "../../src/engine/compile.js";
import * as random from "../../src/engine/random.js";
import type { Tensor } from "../../src/engine/tensor.js";
import * as tree from "../../src/engine/tree.js";
import { pointTransformations } from "../../src/manifold/points.js";
import { featureRegression } from "../../src/manifold/training.js";
import { type FeatureModel, mlpFeatures } from "../../src/nn/features.js";
import { mlp } from "../../src/nn/mlp.js";
import { flatten } from "../../src/nn/network.js";
import type { Method } from "../../src/optim/method.js";
import { cosine } from "../../src/optim/schedules.js";

/** What both consistency models start from, and the feature map that one of them is trained with. */
export interface Preparation {
  readonly denoiser: Denoiser;
  /** Trained parameters [P]. */
  readonly start: Tensor;
  readonly features: FeatureModel;
  /** Trained parameters [Q]. */
  readonly featureParameters: Tensor;
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

/** Keys of a seed, by use. */
const Use = { denoiser: 0, features: 1 } as const;

/**
 * Trains the denoiser, and the feature map of the manifold feature distance: it regresses how much noise was added to a point, so that its level sets lie
 * around the manifold like height lines. Resolves to undefined if it was stopped.
 */
export async function prepare(
  data: Dataset,
  seed: number,
  onProgress: OnProgress,
): Promise<Preparation | undefined> {
  const base = random.key(seed);
  const model = denoiser(mlp({ dim: 2, width: 64, depth: 3 }), { sigmaData: 0.5 });
  const shared = { shape: [2], ema: plan.ema };
  const start = await fit("denoiser", random.foldIn(base, Use.denoiser), data, onProgress, (rate) =>
    denoising({ ...shared, denoiser: model, learningRate: rate }),
  );
  if (!start) return undefined;
  const transformations = pointTransformations({ dim: 2, groups: ["noise"], noiseMax: 0.7 });
  const features = flatten(mlpFeatures({ dim: 2, labels: transformations.labelNames.length, width: 64 }));
  const featureParameters = await fit(
    "features",
    random.foldIn(base, Use.features),
    data,
    onProgress,
    (rate) => featureRegression({ ...shared, features, transformations, learningRate: rate }),
  );
  return featureParameters && { denoiser: model, start, features, featureParameters };
}

/** Trains a method with a rate that falls to 0, and gives its average parameters. */
async function fit(
  phase: Phase,
  key: random.Key,
  data: Dataset,
  onProgress: OnProgress,
  make: (rate: ReturnType<typeof cosine>) => Method,
): Promise<Tensor | undefined> {
  const { steps, learningRate } = plan[phase];
  const method = make(cosine(learningRate, steps));
  const step = compile(method.step, { donate: true });
  let state = method.init(random.foldIn(key, steps));
  for (let i = 0; i < steps; i++) {
    if (i % 25 === 0 && !(await onProgress(phase, i, steps))) {
      tree.dispose(state);
      return undefined;
    }
    const [dataKey, methodKey] = random.split(random.foldIn(key, i)) as [random.Key, random.Key];
    const batch = method.batch(methodKey, data.sample(dataKey, plan.batchSize).x, i);
    const next = await step(state, batch);
    tree.dispose(batch);
    tree.dispose(next.metrics);
    state = next.state;
  }
  const { ema, ...rest } = state;
  tree.dispose(rest);
  return ema;
}
