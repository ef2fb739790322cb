import type { Dataset } from "../../datasets/index.js";
import { ect } from "../consistency/ect.js";
import * as consistency from "../consistency/index.js";
import type { Loss } from "../consistency/losses.js";
import { scd } from "../consistency/scm.js";
import type { ConsistencyTraining } from "../consistency/train.js";
import type { TrainedDenoiser } from "../diffusion/trained.js";
import { check } from "../errors.js";
import type { Json } from "../io/checkpoint.js";
import { type ArrayRecord, probeMean, type RunRecord } from "../loop/record.js";
import type { TrainedFeatures } from "../metrics/features.js";
import type { EmaConfig } from "../optim/ema.js";
import { imagenetMissing } from "./imagenet.js";
import { type LossPlan, lossOf, networkOf } from "./loss.js";
import { measuresAtEnd } from "./measures.js";
import {
  type DenoiserPlan,
  type FeaturesPlan,
  prepareDenoiser,
  prepareFeatures,
  prepareJudge,
  type Stage,
  stageOptions,
} from "./prepare.js";
import type { Cell } from "./study.js";
import { type Bench, once, type Trial, type TrialResult } from "./trial.js";

/** What consistency models start from and are measured with. */
export type StartPlan = {
  denoiser: DenoiserPlan;
  features: FeaturesPlan;
  /** Of images: the classifier that measures; always the same, so that distances of all runs can be compared. */
  judge: Stage | null;
  /** Seed of denoiser and features; null: the run's own. */
  seed: number | null;
};

/** Training of one consistency model. */
export type TrainingPlan = Stage & {
  /** Easy Consistency Tuning, or sCM's distillation of the start's denoiser in continuous time. Default "ect". */
  objective?: "ect" | "scd";
  /** Of Easy Consistency Tuning. Published for CIFAR-10 is q = 256 in one stage. */
  q: number;
  stages: number;
  /** Of the averaged parameters. */
  ema: number | { decay: number; warmup: boolean };
};

export type RecordingPlan = {
  /** Steps between two recordings of quality and tangents. */
  every: number;
  /** Samples that are measured, a multiple of 64. */
  count: number;
  /** Examples whose tangents are probed, at each noise level. */
  examples: number;
  /** Whether all that is known is measured at the end, see `measuresAtEnd`; of images. Default false. */
  final?: boolean;
  /** From which the gradient noise scale is measured at each recording. Default 0: it is not. */
  noiseBatches?: number;
};

/** Everything that decides one consistency training of a study; JSON. */
export type ConsistencyPlan = {
  dataset: string;
  seed: number;
  start: StartPlan;
  loss: LossPlan;
  training: TrainingPlan;
  recording: RecordingPlan;
};

/** Distances of all runs are measured with the same classifier; none trains with it. */
const judgeSeed = 0;

/** The noises and examples of all measurements: those of every arm and seed are the same. */
const measuringSeed = 1000;

/** Samples that are kept. */
const shown = 64;

/** A consistency training as a trial. @param label for its progress. */
export const consistencyTrial = (plan: ConsistencyPlan, label: string): Trial => ({
  name: `${plan.dataset}-seed-${plan.seed}`,
  label,
  dataset: plan.dataset,
  settings: plan as unknown as Json,
  steps: plan.training.steps,
  run: async (data, bench, checkpoint) => {
    const trained = await trainPlan(plan, { name: label, label }, data, bench, checkpoint);
    if (!trained) return undefined;
    const { model, judge } = trained;
    const final =
      plan.recording.final && judge
        ? await measuresAtEnd({ ...trained, judge, data, seed: measuringSeed })
        : {};
    return bench.signal.aborted ? undefined : resultOf(model.record, final);
  },
});

/** A trained consistency model, and what it started from and was measured with. */
export interface TrainedPlan {
  model: TrainedDenoiser;
  /** The denoiser that it started from, whose own end points it should reach from the same noise. */
  teacher: TrainedDenoiser;
  judge: TrainedFeatures | undefined;
  /** Of MFD; undefined where the loss has none. */
  features: TrainedFeatures | undefined;
  options: ConsistencyTraining;
}

/**
 * Trains what a plan says, or goes on where it was stopped, with its checkpoint in the folder `checkpoint`. Undefined where it was stopped.
 * @param names the run's for legends, and the progress's.
 */
export async function trainPlan(
  plan: ConsistencyPlan,
  { name, label }: { name: string; label: string },
  data: Dataset,
  bench: Bench,
  checkpoint: string,
): Promise<TrainedPlan | undefined> {
  const parts = await prepareParts(plan, data, bench);
  if (!parts) return undefined;
  const { denoiser, judge, loss, features } = parts;
  const { start, training, recording, seed } = plan;
  const { every, count, examples, noiseBatches = 0 } = recording;
  const options: ConsistencyTraining = {
    ...stageOptions(training, bench, seed, checkpoint),
    from: denoiser,
    loss,
    objective: training.objective === "scd" ? scd() : ect({ q: training.q, stages: training.stages }),
    ema: training.ema satisfies number | EmaConfig,
    name,
    recording: { every, count, shown, examples, seed: measuringSeed, noiseBatches, ...(judge && { judge }) },
  };
  const model = await bench.follow(consistency.train(data, options), { label, metric: metricOf(start) });
  return bench.signal.aborted ? undefined : { model, teacher: denoiser, judge, features, options };
}

interface Parts {
  denoiser: TrainedDenoiser;
  judge: TrainedFeatures | undefined;
  features: TrainedFeatures | undefined;
  loss: Loss;
}

/** What a training starts from and is measured with, made once for all that have it in common. Undefined where it was stopped. */
async function prepareParts(plan: ConsistencyPlan, data: Dataset, bench: Bench): Promise<Parts | undefined> {
  const { start, loss, dataset } = plan;
  const seed = start.seed ?? plan.seed;
  const denoiser = await once(bench, [dataset, "denoiser", start.denoiser, seed], () =>
    prepareDenoiser(data, start.denoiser, seed, bench),
  );
  if (bench.signal.aborted) return undefined;
  const judge =
    start.judge &&
    (await once(bench, [dataset, "classifier", start.judge, judgeSeed], () =>
      prepareJudge(data, start.judge!, judgeSeed, bench),
    ));
  if (bench.signal.aborted) return undefined;
  const featuresPlan = { ...start.features, ...(loss.groups && { groups: loss.groups }) };
  let features: TrainedFeatures | undefined;
  const chosen = await lossOf(loss, async () => {
    features = await once(bench, [dataset, "features", featuresPlan, seed], () =>
      prepareFeatures(data, featuresPlan, seed, bench),
    );
    return features;
  });
  return bench.signal.aborted ? undefined : { denoiser, judge: judge ?? undefined, features, loss: chosen };
}

/** The metric that decides between settings. */
export const metricOf = ({ judge }: Pick<StartPlan, "judge">): string =>
  judge ? "frechet" : "slicedWasserstein";

/** What is kept of a training. */
function resultOf(record: RunRecord, final: Record<string, number>): TrialResult {
  const curves: TrialResult["curves"] = {
    parallel: record.probes.map(({ step, parallel }) => ({ step, value: probeMean(parallel) })),
    direction: record.probes.map(({ step, cosine }) => ({ step, value: cosine && probeMean(cosine) })),
  };
  for (const name of Object.keys(record.curve[0]!.metrics))
    curves[name] = record.curve.map(({ step, metrics }) => ({ step, value: metrics[name]! }));
  const last = Object.entries(curves).map(([name, rows]) => [name, rows.at(-1)!.value] as const);
  return {
    engine: record.engine,
    seconds: record.seconds,
    values: {
      ...Object.fromEntries(last.filter((entry): entry is [string, number] => entry[1] !== null)),
      ...secondHalf({ parallel: curves.parallel!, direction: curves.direction! }),
      ...noiseOf(curves),
      ...final,
    },
    curves,
    chance: record.probeSet!.chance,
    samples: someOf(record.samples.at(-1)!.samples),
  };
}

/** The first 16 samples, to a hundredth: a file of a trial is small. */
function someOf({ shape: [count, ...example], values }: ArrayRecord): ArrayRecord {
  const kept = Math.min(16, count!);
  const some = values.slice(0, (values.length / count!) * kept);
  return { shape: [kept, ...example], values: some.map((value) => Math.round(100 * value) / 100) };
}

/** Means over the second half of training: of tangents a single recording says little. */
function secondHalf(curves: TrialResult["curves"]): Record<string, number> {
  return Object.fromEntries(
    Object.entries(curves).flatMap(([name, rows]) => {
      const end = rows.at(-1)!.step;
      const values = rows.flatMap(({ step, value }) => (step >= end / 2 && value !== null ? [value] : []));
      return values.length > 0 ? [[name, values.reduce((a, b) => a + b, 0) / values.length]] : [];
    }),
  );
}

/**
 * The gradient noise scale of the second half of training and its parts, where they were measured: the ratio of means, because of a single recording the mean gradient
 * may be next to nothing. NaN where even that cannot be told from 0.
 */
function noiseOf(curves: TrialResult["curves"]): Record<string, number> {
  const { gradientTrace, gradientSquaredNorm } = curves;
  if (!gradientTrace || !gradientSquaredNorm) return {};
  const parts = secondHalf({ gradientTrace, gradientSquaredNorm });
  const [trace, squaredNorm] = [parts.gradientTrace!, parts.gradientSquaredNorm!];
  return { ...parts, gradientNoise: squaredNorm > 0 ? trace / squaredNorm : Number.NaN };
}

/** One arm of a study of consistency trainings, as data. */
export type ConsistencyCell = {
  panel: string;
  arm: string;
  at?: number | string;
  dataset: string;
  start: StartPlan;
  loss: LossPlan;
  training: Omit<TrainingPlan, "learningRate"> & {
    learningRates: number[];
    /** Steps of the trainings that rates are chosen by; with a constant rate fewer may do. Default `steps`. */
    tuningSteps?: number;
  };
  recording: RecordingPlan;
};

/** Trained with every seed; where there is a choice of rates, first with each of them. */
export function consistencyCell(cell: ConsistencyCell): Cell {
  const { panel, arm, at, dataset, start, loss, recording } = cell;
  const { learningRates, tuningSteps, ...training } = cell.training;
  const shared = (stage: Stage, ...rest: unknown[]) => ({
    key: JSON.stringify([dataset, stage, ...rest]),
    steps: stage.steps,
  });
  return {
    panel,
    arm,
    ...(at !== undefined && { at }),
    dataset,
    metric: metricOf(start),
    batchSize: training.batchSize,
    settings: { start, loss, training: cell.training, recording } as unknown as Cell["settings"],
    learningRates,
    check: ({ numClasses = 0 }) => {
      const needed = start.judge || start.denoiser.classConditional || start.features.trained === "classes";
      check(!needed || numClasses >= 2, "dataset", dataset, "a dataset with classes, two or more");
    },
    ...(networkOf(loss) === "imagenet" && { missing: imagenetMissing }),
    shared: (seed) => [
      shared(start.denoiser, "denoiser", start.seed ?? seed),
      ...(start.judge ? [shared(start.judge, "judge")] : []),
      ...(networkOf(loss) === "features" && start.features.trained !== false
        ? [shared(start.features, "features", start.seed ?? seed, loss.groups ?? null)]
        : []),
    ],
    trial: (seed, learningRate, purpose) => {
      const tunes = purpose === "tune";
      const steps = (tunes && tuningSteps) || training.steps;
      const place = at === undefined ? "" : ` at ${at}`;
      return consistencyTrial(
        {
          dataset,
          seed,
          start,
          loss,
          training: { ...training, steps, learningRate: learningRate! },
          recording: tunes ? { ...recording, final: false } : recording,
        },
        `${panel}: ${arm}${place}, rate ${learningRate}, seed ${seed}`,
      );
    },
  };
}
