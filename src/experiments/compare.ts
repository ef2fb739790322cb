import { join } from "node:path";
import type { Dataset } from "../../datasets/index.js";
import { saveDenoiser } from "../diffusion/model-file.js";
import type { TrainedDenoiser } from "../diffusion/trained.js";
import * as random from "../engine/random.js";
import type { Json } from "../io/checkpoint.js";
import { draw, type TrainingData } from "../loop/data.js";
import { arrayRecord, probeMean, type RunRecord } from "../loop/record.js";
import type { TrainedFeatures } from "../metrics/features.js";
import type { ComparisonRecord, Headline } from "./compare-record.js";
import {
  type ConsistencyPlan,
  type RecordingPlan,
  type StartPlan,
  type TrainedPlan,
  type TrainingPlan,
  trainPlan,
} from "./consistency.js";
import type { LossPlan } from "./loss.js";
import type { FeaturesPlan, Workplace } from "./prepare.js";
import { stepsTo } from "./statistics.js";
import { imageArms, pointArms, together } from "./studies/arms.js";
import { imageTraining } from "./studies/settings.js";
import type { Bench } from "./trial.js";
import { trainingName } from "./weights.js";

/** One consistency model of a comparison. */
type Arm = {
  loss: LossPlan;
  learningRate: number;
  /** What MFD's features have of their own; default: nothing. */
  features?: Partial<FeaturesPlan>;
};

/** One comparison: what is trained before, and then the consistency models, which differ only in their loss. */
type Plan = Omit<StartPlan, "seed"> & {
  consistency: Omit<TrainingPlan, "learningRate">;
  recording: RecordingPlan;
  arms: Record<string, Arm>;
};

const armsOfPoints = (steps: number): Plan["arms"] => ({
  pixel: { loss: pointArms.pixel, learningRate: 1e-3 },
  MFD: { loss: pointArms.MFD, learningRate: 1e-3 },
  "pixel + MFD": { loss: together(pointArms, { ramp: steps / 5 }), learningRate: 1e-3 },
});

const pointPlans: Record<"full" | "quick", Plan> = {
  full: {
    denoiser: { steps: 3000, batchSize: 128, learningRate: 2e-3 },
    features: { steps: 2000, batchSize: 128, learningRate: 1e-3, probability: 0.5 },
    judge: null,
    consistency: { steps: 5000, batchSize: 16, q: 2, stages: 8, ema: 0.999 },
    recording: { every: 313, count: 512, examples: 8 },
    arms: armsOfPoints(5000),
  },
  quick: {
    denoiser: { steps: 600, batchSize: 128, learningRate: 2e-3 },
    features: { steps: 500, batchSize: 128, learningRate: 1e-3, probability: 0.5 },
    judge: null,
    consistency: { steps: 1000, batchSize: 16, q: 2, stages: 4, ema: 0.999 },
    recording: { every: 167, count: 512, examples: 8 },
    arms: armsOfPoints(1000),
  },
};

/** At the rate that the study of convergence chose for each loss. The same network untrained says how much of MFD's gain any features give. */
const armsOfImages: Plan["arms"] = {
  pixel: { loss: imageArms.pixel, learningRate: 1e-3 },
  MFD: { loss: imageArms.MFD, learningRate: 1e-3 },
  "MFD untrained": {
    loss: imageArms.MFD,
    learningRate: 1e-3,
    features: { trained: false },
  },
};

const { learningRates: _, ...training } = imageTraining(false);

const imagePlans: Record<"full" | "quick", Plan> = {
  full: {
    denoiser: { steps: 3000, batchSize: 16, learningRate: 2e-3 },
    features: { steps: 2000, batchSize: 32, learningRate: 1e-3, probability: 0.15 },
    judge: { steps: 800, batchSize: 32, learningRate: 2e-3 },
    consistency: { ...training, steps: 2000 },
    recording: { every: 250, count: 1024, examples: 5 },
    arms: armsOfImages,
  },
  quick: {
    denoiser: { steps: 350, batchSize: 16, learningRate: 2e-3 },
    features: { steps: 100, batchSize: 32, learningRate: 1e-3, probability: 0.15 },
    judge: { steps: 400, batchSize: 32, learningRate: 2e-3 },
    consistency: { ...training, steps: 100, ema: { decay: 0.95, warmup: false } },
    recording: { every: 25, count: 256, examples: 5 },
    arms: armsOfImages,
  },
};

/**
 * The experiment's settings. Four minutes for points and images on 2 cores, and with --quick under one. Images train as in the study of convergence, but for
 * fewer steps, from a denoiser and with features and a judge that were trained for less long.
 */
export const plans = { points: pointPlans, images: imagePlans };

const planFor = ({ shape }: Dataset): keyof typeof plans => (shape.length === 1 ? "points" : "images");

export interface CompareOptions {
  quick: boolean;
  seed: number;
  /** Of the consistency models; default that of the plan. */
  batchSize?: number | undefined;
  /** Whether the models are given the examples' classes. */
  classConditional: boolean;
  /** Each training's checkpoint is a folder in its folder. */
  place: Workplace;
  /** Folder for the trained consistency models, as files for `tangent-lab sample` and `loadDenoiser`. */
  models: string;
}

/**
 * The experiment: a denoiser, a feature network and, from the same denoiser, consistency models that differ only in their loss: pixels, manifold
 * features, both. Ends early where it is stopped: then the comparison is not complete, and undefined.
 */
export async function compare(data: Dataset, options: CompareOptions): Promise<ComparisonRecord | undefined> {
  const plan = plans[planFor(data)][options.quick ? "quick" : "full"];
  const { place, seed, classConditional, batchSize = plan.consistency.batchSize } = options;
  const start: StartPlan = {
    denoiser: { ...plan.denoiser, ...(classConditional && { classConditional }) },
    features: plan.features,
    judge: (data.numClasses ?? 0) >= 2 ? plan.judge : null, // what classifies needs classes
    seed,
  };
  const bench: Bench = { ...place, dataset: async () => data, prepared: new Map(), skip: () => {} };
  const trained: TrainedPlan[] = [];
  for (const [name, { loss, learningRate, features }] of Object.entries(plan.arms)) {
    const folder = `${data.name}-${name.replace(/\W+/g, "-")}`;
    const own: ConsistencyPlan = {
      dataset: data.name,
      seed,
      start: { ...start, features: { ...start.features, ...features } },
      loss,
      training: { ...plan.consistency, batchSize, learningRate },
      recording: plan.recording,
    };
    // Named by all that decides it: that of a run before this one, with other settings, is not taken for its own when it resumes.
    const checkpoint = join(place.folder, await trainingName(folder, data, own as unknown as Json));
    const label = { name, label: `${data.name}: ${name}` };
    const one = await trainPlan(own, label, data, bench, checkpoint);
    if (!one) return undefined;
    await saveDenoiser(join(options.models, `${folder}.safetensors`), one.model);
    trained.push(one);
  }
  const { teacher, judge } = trained[0]!;
  const features = trained.find((one) => one.features)?.features;
  return {
    dataset: data.name,
    shape: [...data.shape],
    manifoldDim: data.manifold?.dim ?? null,
    reference: reference(data, seed),
    preparation: records([teacher, features, judge]),
    runs: trained.map(({ model }) => model.record),
  };
}

const records = (trained: readonly (TrainedDenoiser | TrainedFeatures | undefined)[]): RunRecord[] =>
  trained.flatMap((model) => (model ? [model.record] : []));

/** The name of the metric that decides. */
const qualityOf = (judged: unknown): "frechet" | "slicedWasserstein" =>
  judged ? "frechet" : "slicedWasserstein";

/** Examples to draw beside the samples. */
function reference(data: TrainingData, seed: number): ComparisonRecord["reference"] {
  const count = data.shape.length === 3 ? 256 : 512;
  const { x } = draw(data, random.foldIn(random.key(seed), 4), count);
  return arrayRecord(x, [count, ...data.shape]);
}

/** The three numbers that matter: where the tangents point, how many steps a quality takes, and how good samples become. */
export function headlines(comparisons: readonly ComparisonRecord[]): Headline[] {
  const [first, last] = [comparisons[0]!, comparisons[comparisons.length - 1]!];
  const versus = ({ runs }: ComparisonRecord, of: (run: RunRecord) => string): string =>
    runs.map((run) => `${run.name} ${of(run)}`).join(", ");
  const reference = last.runs[0]!;
  const quality = qualityOf("frechet" in reference.curve[0]!.metrics);
  const title = quality === "frechet" ? "Fréchet distance" : "sliced Wasserstein distance";
  const final = ({ curve }: RunRecord): number => curve.at(-1)!.metrics[quality]!;
  const improved = final(reference) < reference.curve[0]!.metrics[quality]!;
  const steps = ({ curve }: RunRecord): string => {
    const rows = curve.map(({ step, metrics }) => ({ step, value: metrics[quality]! }));
    const reached = stepsTo(rows, final(reference));
    return reached === null ? `not within ${rows.at(-1)!.step}` : String(Math.round(reached));
  };
  return [
    {
      label: `parallel share of the tangents, ${first.dataset}`,
      value: versus(first, (run) => rounded(probeMean(run.probes.at(-1)!.parallel))),
      detail: `Share of the tangents' squared norm that is parallel to the manifold at the end of training; chance is ${first.runs[0]!.probeSet!.chance.toPrecision(2)}.`,
    },
    {
      label: `steps to ${reference.name}'s final ${title}, ${last.dataset}`,
      value: improved ? versus(last, steps) : `none: ${reference.name} ended no better than it started`,
      detail: `Until one-step samples are first at ${rounded(final(reference))}, interpolated between recordings.`,
    },
    {
      label: `${title}, ${last.dataset}`,
      value: versus(last, (run) => rounded(final(run))),
      detail: "One-step samples against data at the end of training; lower is better.",
    },
  ];
}

const rounded = (value: number | null): string =>
  value === null ? "none" : String(Number(value.toPrecision(3)));
