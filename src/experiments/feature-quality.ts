import { byName, type Dataset } from "../../datasets/index.js";
import { ect } from "../consistency/ect.js";
import * as consistency from "../consistency/index.js";
import { asLoss, pseudoHuber } from "../consistency/losses.js";
import { mfd } from "../consistency/mfd.js";
import { tangentProbes } from "../consistency/probes.js";
import type { TrainedDenoiser } from "../diffusion/trained.js";
import { currentDevice } from "../engine/device.js";
import * as random from "../engine/random.js";
import { check } from "../errors.js";
import type { Json } from "../io/checkpoint.js";
import { draw } from "../loop/data.js";
import { probeMean } from "../loop/record.js";
import { heldOutR2 } from "../manifold/held-out.js";
import type { TrainedFeatures } from "../metrics/features.js";
import type { TrainingPlan } from "./consistency.js";
import {
  type DenoiserPlan,
  type FeaturesPlan,
  prepare,
  prepareDenoiser,
  prepareFeatures,
  transformationsOf,
} from "./prepare.js";
import type { Cell } from "./study.js";
import { type Bench, once, type Trial, type TrialResult } from "./trial.js";

/** A feature network, looked at for what it knows and where it makes tangents point; JSON. */
export type FeatureQualityPlan = {
  dataset: string;
  /** A denoiser, and a consistency model trained from it with the pixel loss: at that model the tangents of all losses are taken. */
  denoiser: DenoiserPlan;
  training: TrainingPlan;
  /** null for the pixel loss, which has none. */
  features: FeaturesPlan | null;
  /** Examples whose tangents are taken, at each noise level. */
  probes: number;
  /** Examples whose labels are predicted; the network was not trained on them. */
  examples: number;
};

/** Noise levels of the tangents. */
const times = [0.05, 0.1, 0.25, 0.5, 1, 2.5, 7, 20];

/** Data that have a part which is not trained on. Others are drawn anew each time. */
const divided = ["digits", "fashion"];

const featureQualityTrial = (plan: FeatureQualityPlan, seed: number, label: string): Trial => ({
  name: `${plan.dataset}-features-seed-${seed}`,
  label,
  dataset: plan.dataset,
  settings: { ...plan, seed } as unknown as Json,
  steps: 0,
  run: async (data, bench) => {
    const model = await once(bench, [plan.dataset, plan.denoiser, plan.training, seed], () =>
      prepareModel(data, plan, seed, bench),
    );
    if (!model || bench.signal.aborted) return undefined;
    const features = plan.features && (await prepareFeatures(data, plan.features, seed, bench));
    if (bench.signal.aborted) return undefined;
    return measure(data, plan, seed, model, features);
  },
});

/** The model at which tangents are taken; undefined where its training was stopped. */
async function prepareModel(
  data: Dataset,
  { denoiser: from, training }: FeatureQualityPlan,
  seed: number,
  place: Bench,
): Promise<TrainedDenoiser | undefined> {
  const denoiser = await prepareDenoiser(data, from, seed, place);
  if (place.signal.aborted) return undefined;
  const { q, stages, ema } = training;
  const plan = { ...training, from };
  return prepare({ data, plan, seed, place, name: "pixel", metric: "loss" }, (options) =>
    consistency.train(data, {
      ...options,
      from: denoiser,
      objective: ect({ q, stages }),
      loss: pseudoHuber({ c: 0 }),
      ema,
      recording: false,
    }),
  );
}

async function measure(
  data: Dataset,
  { dataset, features: plan, training, probes, examples }: FeatureQualityPlan,
  seed: number,
  model: TrainedDenoiser,
  features: TrainedFeatures | null,
): Promise<TrialResult> {
  const started = performance.now();
  const loss = asLoss(features ? mfd(features) : pseudoHuber({ c: 0 }));
  const { q, stages, steps } = training;
  const look = tangentProbes({
    data,
    denoiser: model.denoiser,
    loss,
    pairs: ect({ q, stages }).pairs!(steps),
    iteration: steps - 1,
    every: 1,
    times,
    examples: probes,
    seed,
  });
  const { parameters } = model;
  const { probes: seen } = await look.observe({ parameters, context: loss.context }, { probes: [] });
  const share = (of: (i: number) => boolean): number =>
    probeMean(seen!.parallel.filter((_, i) => of(i))) ?? 0;
  const known: Record<string, number> = {};
  if (features && plan && plan.trained !== false) {
    const held = divided.includes(dataset) ? await byName(dataset, { split: "test" }) : data;
    const key = random.foldIn(random.key(seed), 8);
    const r2 = await heldOutR2(features, {
      transformations: transformationsOf(data, plan),
      examples: { shape: [examples, ...data.shape], values: draw(held, random.foldIn(key, 0), examples).x },
      key,
    });
    for (const [name, value] of Object.entries(r2)) if (Number.isFinite(value)) known[`R2 ${name}`] = value;
  }
  return {
    engine: await currentDevice(),
    seconds: (performance.now() - started) / 1000,
    values: {
      parallel: share(() => true),
      ...Object.fromEntries(
        times.map((t, j) => [`parallel at ${t}`, share((i) => i % times.length === j)] as const),
      ),
      ...known,
    },
    curves: {},
    chance: look.probeSet.chance,
    samples: null,
  };
}

/** One feature network, or none, with every seed. */
export const featureQualityCell = (panel: string, arm: string, plan: FeatureQualityPlan): Cell => ({
  panel,
  arm,
  dataset: plan.dataset,
  metric: "parallel",
  settings: plan as unknown as Cell["settings"],
  learningRates: [],
  check: ({ shape }) => check(shape.length === 3, "dataset", plan.dataset, "images"),
  shared: (seed) => {
    const of = (stage: { steps: number }, name: string) => ({
      key: JSON.stringify([plan.dataset, name, stage, seed]),
      steps: stage.steps,
    });
    const { denoiser, training, features } = plan;
    return [
      of(denoiser, "denoiser"),
      of(training, "pixel"),
      ...(features && features.trained !== false ? [of(features, "features")] : []),
    ];
  },
  trial: (seed) => featureQualityTrial(plan, seed, `${panel}: ${arm}, seed ${seed}`),
});
