import { join } from "node:path";
import type { Dataset } from "../../datasets/index.js";
import * as random from "../engine/random.js";
import { alignedLoss } from "../manifold/aligned.js";
import { unet } from "../nn/unet.js";
import { cosine } from "../optim/schedules.js";
import { trainClassifier } from "../training/classifier.js";
import { type ConsistencyTraining, trainConsistency } from "../training/consistency.js";
import { draw, type TrainingData } from "../training/data.js";
import { type TrainedDenoiser, trainDenoiser } from "../training/denoiser.js";
import { type TrainedFeatures, trainFeatureNetwork } from "../training/features.js";
import { defaultTransformations } from "../training/networks.js";
import { arrayRecord, type ComparisonRecord, type Headline, type RunRecord } from "../training/record.js";
import type { Run } from "../training/run.js";
import type { RunOptions } from "../training/train.js";

/** Length and batch of one training. */
type Stage = {
  steps: number;
  batchSize: number;
  /** Falls to 0 along half a cosine. */
  learningRate: number;
};

/** One comparison: what is trained before, and for how long the two consistency models are. */
type Plan = {
  denoiser: Stage;
  features: Stage & {
    /** Probability of each transformation. */
    probability: number;
  };
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
  /** Folder of the checkpoints, one for each training. */
  checkpoints: string;
  resume: boolean;
  signal: AbortSignal;
  /** Trains a run to its end and shows its progress. */
  follow<Result>(run: Run<Result>, label: { label: string; metric: string }): Promise<Result>;
}

/**
 * The experiment: a denoiser, a feature network and, from the same denoiser, two consistency models that differ only in their loss, pixels
 * against manifold features. Ends early where it is stopped: then the comparison is not complete, and undefined.
 */
export async function compare(data: Dataset, options: CompareOptions): Promise<ComparisonRecord | undefined> {
  const images = data.shape.length === 3;
  const plan = plans[images ? "images" : "points"][options.quick ? "quick" : "full"];
  const { signal, follow } = options;
  const stage = (
    { steps, batchSize, learningRate }: Stage,
    name: string,
  ): RunOptions & {
    learningRate: (iteration: number) => number;
  } => ({
    steps,
    batchSize,
    learningRate: cosine(learningRate, steps),
    seed: options.seed,
    checkpoint: join(options.checkpoints, data.name, name),
    resume: options.resume,
    signal,
  });
  const label = (name: string): string => `${data.name}: ${name}`.padEnd(24);

  const start = await follow(trainDenoiser(data, { ...stage(plan.denoiser, "denoiser"), ...network(data) }), {
    label: label("denoiser"),
    metric: "loss",
  });
  if (signal.aborted) return undefined;
  const transformations = defaultTransformations(data, plan.features);
  const features = await follow(
    trainFeatureNetwork(data, { ...stage(plan.features, "features"), transformations }),
    { label: label("features"), metric: "loss" },
  );
  if (signal.aborted) return undefined;
  const judge = plan.judge
    ? await follow(trainClassifier(data, stage(plan.judge, "classifier")), {
        label: label("classifier"),
        metric: "accuracy",
      })
    : undefined;
  if (signal.aborted) return undefined;

  const shared: ConsistencyTraining = {
    from: start,
    stages: plan.consistency.stages,
    recording: { every: Math.ceil(plan.consistency.steps / plan.recordings), ...(judge && { judge }) },
  };
  const consistency = { ...plan.consistency, batchSize: options.batchSize ?? plan.consistency.batchSize };
  const metric = images ? "frechet" : "slicedWasserstein";
  const losses = {
    pixel: "pseudo-huber",
    MFD: alignedLoss(features.model, features.parameters, { layers: plan.consistency.layers }),
  } as const;
  const runs: RunRecord[] = [];
  for (const [name, distance] of Object.entries(losses)) {
    const run = trainConsistency(data, { ...shared, ...stage(consistency, name), name, distance });
    runs.push((await follow(run, { label: label(name), metric })).record);
    if (signal.aborted) return undefined;
  }
  return {
    dataset: data.name,
    shape: [...data.shape],
    manifoldDim: data.manifold?.dim ?? null,
    reference: reference(data, options.seed),
    preparation: records([start, features, judge]),
    runs,
  };
}

/** Smaller than the default for images, so that all of it fits into minutes. */
const network = (data: TrainingData): { network?: ReturnType<typeof unet> } =>
  data.shape.length === 3
    ? { network: unet({ size: data.shape[0]!, inChannels: data.shape[2]!, channels: 16 }) }
    : {};

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
      value: versus(last, (run) => mean(run.probes.at(-1)!.cosine ?? [])),
      detail:
        "Cosine of a probe's tangent to that of the recording before, mean over the probes at the end of training.",
    },
    {
      label: `${title}, ${last.dataset}`,
      value: versus(last, (run) => run.curve.at(-1)!.metrics[quality]!),
      detail: "One-step samples against data at the end of training; lower is better.",
    },
  ];
}

const mean = (values: readonly number[]): number =>
  values.reduce((sum, value) => sum + value, 0) / values.length;
