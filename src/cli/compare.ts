import { join } from "node:path";
import type { Dataset } from "../../datasets/index.js";
import * as random from "../engine/random.js";
import {
  type DenoiserPlan,
  type FeaturesPlan,
  prepareDenoiser,
  prepareFeatures,
  prepareJudge,
  type Stage,
  stageOptions,
  type Workplace,
} from "../experiments/prepare.js";
import { alignedLoss } from "../manifold/aligned.js";
import { type ConsistencyTraining, trainConsistency } from "../training/consistency.js";
import { draw, type TrainingData } from "../training/data.js";
import type { TrainedDenoiser } from "../training/denoiser.js";
import type { TrainedFeatures } from "../training/features.js";
import { arrayRecord, type ComparisonRecord, type Headline, type RunRecord } from "../training/record.js";

/** One comparison: what is trained before, and for how long the two consistency models are. */
type Plan = {
  denoiser: DenoiserPlan;
  features: FeaturesPlan;
  /** Of images: the classifier that measures. */
  judge: Stage | null;
  consistency: Stage & {
    stages: number;
    /** Features that enter MFD. The deepest alone ([-1]) is the flattest along a manifold; all together see more of an image. */
    layers: "all" | number[];
  };
  /** Times that samples and tangents are recorded, besides the start. */
  recordings: number;
};

/** The experiment's settings. Under 5 minutes for both on 2 cores, and with --quick under one. */
export const plans: Record<"points" | "images", Record<"full" | "quick", Plan>> = {
  points: {
    full: {
      denoiser: { steps: 3000, batchSize: 128, learningRate: 2e-3 },
      features: { steps: 2000, batchSize: 128, learningRate: 1e-3, probability: 0.5 },
      judge: null,
      consistency: { steps: 6000, batchSize: 16, learningRate: 1e-3, stages: 8, layers: [-1] },
      recordings: 12,
    },
    quick: {
      denoiser: { steps: 600, batchSize: 128, learningRate: 2e-3 },
      features: { steps: 500, batchSize: 128, learningRate: 1e-3, probability: 0.5 },
      judge: null,
      consistency: { steps: 1000, batchSize: 16, learningRate: 1e-3, stages: 4, layers: [-1] },
      recordings: 6,
    },
  },
  images: {
    full: {
      denoiser: { steps: 2500, batchSize: 16, learningRate: 2e-3 },
      features: { steps: 2000, batchSize: 32, learningRate: 1e-3, probability: 0.5 },
      judge: { steps: 600, batchSize: 32, learningRate: 2e-3 },
      consistency: { steps: 1500, batchSize: 16, learningRate: 1e-3, stages: 4, layers: "all" },
      recordings: 8,
    },
    quick: {
      denoiser: { steps: 250, batchSize: 16, learningRate: 2e-3 },
      features: { steps: 200, batchSize: 32, learningRate: 1e-3, probability: 0.5 },
      judge: { steps: 150, batchSize: 32, learningRate: 2e-3 },
      consistency: { steps: 100, batchSize: 16, learningRate: 1e-3, stages: 3, layers: "all" },
      recordings: 2,
    },
  },
};

export interface CompareOptions {
  quick: boolean;
  seed: number;
  /** Of the two consistency models; default that of the plan. */
  batchSize?: number | undefined;
  /** Each training's checkpoint is a folder in its folder. */
  place: Workplace;
}

/**
 * The experiment: a denoiser, a feature network and, from the same denoiser, two consistency models that differ only in their loss, pixels
 * against manifold features. Ends early where it is stopped: then the comparison is not complete, and undefined.
 */
export async function compare(data: Dataset, options: CompareOptions): Promise<ComparisonRecord | undefined> {
  const images = data.shape.length === 3;
  const plan = plans[images ? "images" : "points"][options.quick ? "quick" : "full"];
  const { place, seed } = options;
  const { signal, follow } = place;

  const start = await prepareDenoiser(data, plan.denoiser, seed, place);
  if (signal.aborted) return undefined;
  const features = await prepareFeatures(data, plan.features, seed, place);
  if (signal.aborted) return undefined;
  const judges = plan.judge !== null && data.numClasses !== undefined; // what classifies needs classes
  const judge = judges ? await prepareJudge(data, plan.judge!, seed, place) : undefined;
  if (signal.aborted) return undefined;

  const shared: ConsistencyTraining = {
    from: start,
    stages: plan.consistency.stages,
    recording: { every: Math.ceil(plan.consistency.steps / plan.recordings), ...(judge && { judge }) },
  };
  const consistency = { ...plan.consistency, batchSize: options.batchSize ?? plan.consistency.batchSize };
  const metric = judge ? "frechet" : "slicedWasserstein";
  const losses = {
    pixel: "pseudo-huber",
    MFD: alignedLoss(features.model, features.parameters, { layers: plan.consistency.layers }),
  } as const;
  const runs: RunRecord[] = [];
  for (const [name, distance] of Object.entries(losses)) {
    const common = stageOptions(consistency, place, seed, join(place.folder, `${data.name}-${name}`));
    const run = trainConsistency(data, { ...shared, ...common, name, distance });
    runs.push((await follow(run, { label: `${data.name}: ${name}`, metric })).record);
    if (signal.aborted) return undefined;
  }
  return {
    dataset: data.name,
    shape: [...data.shape],
    manifoldDim: data.manifold?.dim ?? null,
    reference: reference(data, seed),
    preparation: records([start, features, judge]),
    runs,
  };
}

const records = (trained: readonly (TrainedDenoiser | TrainedFeatures | undefined)[]): RunRecord[] =>
  trained.flatMap((model) => (model ? [model.record] : []));

/** Examples to draw beside the samples. */
function reference(data: TrainingData, seed: number): ComparisonRecord["reference"] {
  const count = data.shape.length === 3 ? 256 : 512;
  const { x } = draw(data, random.foldIn(random.key(seed), 4), count);
  return arrayRecord(x, [count, ...data.shape]);
}

/** The three numbers that matter: where the tangents point, how they keep their direction, and what comes of it. */
export function headlines(comparisons: readonly ComparisonRecord[]): Headline[] {
  const [first, last] = [comparisons[0]!, comparisons[comparisons.length - 1]!];
  const versus = ({ runs }: ComparisonRecord, of: (run: RunRecord) => number): string =>
    runs.map((run) => `${run.name} ${Number(of(run).toPrecision(3))}`).join(", ");
  const quality = "frechet" in last.runs[0]!.curve[0]!.metrics ? "frechet" : "slicedWasserstein";
  const title = quality === "frechet" ? "Fréchet distance" : "sliced Wasserstein distance";
  return [
    {
      label: `tangent along the manifold, ${first.dataset}`,
      value: versus(first, (run) => mean(run.probes.at(-1)!.parallel)),
      detail: `Share of the tangents' squared norm that is parallel to the manifold at the end of training; chance is ${first.runs[0]!.probeSet!.chance.toPrecision(2)}.`,
    },
    {
      label: `direction kept, ${last.dataset}`,
      value: versus(last, directionKept),
      detail:
        "Cosine of a probe's tangent to that of the recording before: mean over the probes and the second half of training.",
    },
    {
      label: `${title}, ${last.dataset}`,
      value: versus(last, (run) => run.curve.at(-1)!.metrics[quality]!),
      detail: "One-step samples against data at the end of training; lower is better.",
    },
  ];
}

/** Not at the very end, where the learning rate is 0 and every tangent keeps its direction. */
const directionKept = ({ probes }: RunRecord): number =>
  mean(probes.flatMap(({ step, cosine }) => (2 * step >= probes.at(-1)!.step ? (cosine ?? []) : [])));

const mean = (values: readonly number[]): number =>
  values.reduce((sum, value) => sum + value, 0) / values.length;
