import { existsSync } from "node:fs";
import { join } from "node:path";
import * as v from "valibot";
import type { Dataset } from "../../datasets/index.js";
import { ect } from "../consistency/ect.js";
import * as consistency from "../consistency/index.js";
import type { Loss } from "../consistency/losses.js";
import type { ConsistencyTraining } from "../consistency/train.js";
import type { TrainedDenoiser } from "../diffusion/trained.js";
import { check } from "../errors.js";
import type { Json } from "../io/checkpoint.js";
import { writeFileAtomically } from "../io/files.js";
import { type ArrayRecord, type MetricsRecord, probeMean, type RunRecord } from "../loop/record.js";
import { arraySchema, metricsSchema } from "../loop/record-schema.js";
import type { TrainedFeatures } from "../metrics/features.js";
import { readFinished } from "./finished.js";
import { type LossPlan, lossOf, ofVersion01 } from "./loss.js";
import {
  type DenoiserPlan,
  type FeaturesPlan,
  prepareDenoiser,
  prepareFeatures,
  prepareJudge,
  type Stage,
  stageOptions,
  type Workplace,
} from "./prepare.js";
import { trainingName } from "./weights.js";

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
  /** Of Easy Consistency Tuning. */
  stages: number;
  /** Decay of the averaged parameters. */
  ema: number;
};

export type RecordingPlan = {
  /** Times that quality and tangents are recorded, besides the start. */
  recordings: number;
  /** Samples that are measured, a multiple of 64. */
  count: number;
  /** Examples whose tangents are probed, at each noise level. */
  examples: number;
};

/** Everything that decides one run of a study; JSON. */
export type Trial = {
  dataset: string;
  seed: number;
  start: StartPlan;
  loss: LossPlan;
  training: TrainingPlan;
  recording: RecordingPlan;
};

/** What is kept of a finished run: what the statistics and charts of a study need. */
export interface TrialRecord {
  trial: Trial;
  engine: string;
  /** Of consistency training, without what came before. */
  seconds: number;
  losses: MetricsRecord[];
  curve: MetricsRecord[];
  /** Means over the probes whose tangent has a length; null where none has, and `cosine` at the first recording. */
  tangents: { step: number; parallel: number | null; cosine: number | null; distance: number }[];
  /** Parallel share of a random direction. */
  chance: number;
  /** From the end of training. */
  samples: ArrayRecord;
}

const mean = v.nullable(v.number());

const recordSchema = v.object({
  ...{ trial: v.looseObject({}), engine: v.string(), seconds: v.number(), chance: v.number() },
  ...{ losses: v.array(metricsSchema), samples: arraySchema },
  curve: v.pipe(v.array(metricsSchema), v.minLength(1)),
  tangents: v.array(v.object({ step: v.number(), parallel: mean, cosine: mean, distance: v.number() })),
}) as v.GenericSchema<unknown, unknown> as v.GenericSchema<unknown, TrialRecord>;

/** What a finished trial left; undefined where there is none. @throws TangentLabError `corrupt-file`. */
export const readTrial = (path: string): Promise<TrialRecord | undefined> => readFinished(path, recordSchema);

/** Distances of all runs are measured with the same classifier; none trains with it. */
const judgeSeed = 0;

/** A workplace with what the trials of a study share. */
export interface Bench extends Workplace {
  dataset(name: string): Promise<Dataset>;
  /** What was prepared already, by what decides it. */
  prepared: Map<string, Promise<unknown>>;
  /** Hears of steps that need not be done, because a run is finished. */
  skip(steps: number): void;
}

/**
 * Runs a trial, or continues it from its checkpoint, or reads what it left when it was finished before: `<name>.json` beside the checkpoint's
 * folder `<name>`. Undefined where it was stopped.
 */
export async function runTrial(trial: Trial, label: string, bench: Bench): Promise<TrialRecord | undefined> {
  const data = await bench.dataset(trial.dataset);
  const { name, path } = await placeOf(trial, bench);
  const before = await readTrial(path);
  if (before) {
    bench.skip(trial.training.steps);
    return before;
  }

  const parts = await prepareTrial(trial, data, bench);
  if (!parts) return undefined;
  const { denoiser, judge, loss } = parts;
  const { start, training, recording, seed } = trial;
  const options: ConsistencyTraining = {
    ...stageOptions(training, bench, seed, join(bench.folder, name)),
    ...{ from: denoiser, loss, objective: ect({ stages: training.stages }), ema: training.ema, name: label },
    recording: {
      every: Math.ceil(training.steps / recording.recordings),
      ...{ count: recording.count, shown: 64, examples: recording.examples },
      ...(judge && { judge }),
    },
  };
  const { record } = await bench.follow(consistency.train(data, options), { label, metric: metricOf(start) });
  if (bench.signal.aborted) return undefined;
  const result = summary(trial, record);
  await writeFileAtomically(path, `${JSON.stringify(result)}\n`);
  return result;
}

/** Whether a trial was run to its end before. */
export async function isFinished(trial: Trial, bench: Pick<Bench, "dataset" | "folder">): Promise<boolean> {
  const { path } = await placeOf(trial, bench);
  return existsSync(path);
}

/** Name of a trial's checkpoint, and the file of what is kept of it. */
async function placeOf(
  trial: Trial,
  { dataset, folder }: Pick<Bench, "dataset" | "folder">,
): Promise<{ name: string; path: string }> {
  const data = await dataset(trial.dataset);
  const name = await trainingName(`${trial.dataset}-seed-${trial.seed}`, data, trialSettings(trial));
  return { name, path: join(folder, `${name}.json`) };
}

/** What names a trial: as version 0.1 wrote it, so that what it finished is found. */
export const trialSettings = ({ dataset, seed, start, loss, ...rest }: Trial): Json =>
  ({ dataset, seed, start, objective: ofVersion01(loss), ...rest }) as Json;

interface Parts {
  denoiser: TrainedDenoiser;
  judge: TrainedFeatures | undefined;
  loss: Loss;
}

/** What a trial starts from and is measured with, trained once for all trials that have it in common. Undefined where it was stopped. */
async function prepareTrial(trial: Trial, data: Dataset, bench: Bench): Promise<Parts | undefined> {
  const { start, loss, dataset } = trial;
  const seed = start.seed ?? trial.seed;
  const once = <T>(what: Json, make: () => Promise<T>): Promise<T> => {
    const key = JSON.stringify([dataset, what]);
    if (!bench.prepared.has(key)) bench.prepared.set(key, make());
    return bench.prepared.get(key) as Promise<T>;
  };
  const classifier = (classifierSeed: number): Promise<TrainedFeatures> => {
    const plan = start.judge;
    check(plan !== null, "judge", null, "a classifier: distances in its features need one");
    return once(["classifier", plan, classifierSeed], () => prepareJudge(data, plan, classifierSeed, bench));
  };
  const denoiser = await once(["denoiser", start.denoiser, seed], () =>
    prepareDenoiser(data, start.denoiser, seed, bench),
  );
  if (bench.signal.aborted) return undefined;
  const judge = start.judge ? await classifier(judgeSeed) : undefined;
  if (bench.signal.aborted) return undefined;
  const plan = { ...start.features, ...(loss.groups && { groups: loss.groups }) };
  const chosen = await lossOf(loss, {
    features: () => once(["features", plan, seed], () => prepareFeatures(data, plan, seed, bench)),
    classifier: () => classifier(seed === judgeSeed ? judgeSeed + 1 : seed),
  });
  return bench.signal.aborted ? undefined : { denoiser, judge, loss: chosen };
}

/** The metric that decides between settings. */
export const metricOf = ({ judge }: StartPlan): string => (judge ? "frechet" : "slicedWasserstein");

function summary(trial: Trial, record: RunRecord): TrialRecord {
  return {
    ...{ trial, engine: record.engine, seconds: record.seconds },
    ...{ losses: record.losses, curve: record.curve },
    tangents: record.probes.map(({ step, parallel, cosine, distance }) => ({
      step,
      parallel: probeMean(parallel),
      cosine: cosine && probeMean(cosine),
      distance: distance.reduce((sum, value) => sum + value, 0) / distance.length,
    })),
    chance: record.probeSet!.chance,
    samples: record.samples.at(-1)!.samples,
  };
}
