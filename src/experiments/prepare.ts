import { basename, dirname, join } from "node:path";
import { setTimeout } from "node:timers/promises";
import * as diffusion from "../diffusion/index.js";
import type { TrainedDenoiser } from "../diffusion/trained.js";
import * as random from "../engine/random.js";
import { TangentLabError } from "../errors.js";
import { checkpointFiles, type Json } from "../io/checkpoint.js";
import { removeFolder } from "../io/files.js";
import { lockUnlessHeld } from "../io/lock.js";
import { classesOf, draw, imageShape, type TrainingData } from "../loop/data.js";
import type { Run } from "../loop/run.js";
import type { RunOptions } from "../loop/train.js";
import { calibrateStatistics } from "../manifold/held-out.js";
import { type ImageGroup, imageTransformations } from "../manifold/images.js";
import * as manifold from "../manifold/index.js";
import { type PointGroup, pointTransformations } from "../manifold/points.js";
import { defaultFeatures } from "../manifold/train.js";
import type { Transformations } from "../manifold/transformations.js";
import { trainClassifier } from "../metrics/classifier.js";
import type { TrainedFeatures } from "../metrics/features.js";
import { convFeatures, type FeatureModel } from "../nn/features.js";
import { flatten } from "../nn/network.js";
import { unet } from "../nn/unet.js";
import { asSchedule, cosine, type Schedule } from "../optim/schedules.js";
import { trainingName, type WeightsCache } from "./weights.js";

/** Length and batch of one training. */
export type Stage = {
  steps: number;
  batchSize: number;
  learningRate: number;
  /** Whether the rate falls to 0 along half a cosine, or stays. Default "cosine". */
  schedule?: "cosine" | "constant";
};

export type DenoiserPlan = Stage & {
  /** Of images: channels of the U-Net at full resolution, a multiple of 8. */
  channels?: number;
  /** Gives the network the examples' classes. Default false. */
  classConditional?: boolean;
};

export type FeaturesPlan = Stage & {
  /** Of images: VGG with batch normalization, as published, scaled to them, or three small convolutions. Default "vgg". */
  network?: "vgg" | "small";
  /**
   * On transformations (true), to tell the data's classes ("classes"), or as drawn (false), with the running statistics that 600 batches give: what the training
   * adds is told from it. Default true.
   */
  trained?: boolean | "classes";
  /** Probability of each transformation. */
  probability: number;
  /** Groups of transformations that are regressed. Default all that fit the data. */
  groups?: string[];
};

/** Trains a run to its end, or until it is stopped, and shows its progress. */
export type Follow = <Result>(run: Run<Result>, label: { label: string; metric: string }) => Promise<Result>;

/** Where trainings leave their checkpoints, and how they are followed and stopped. */
export interface Workplace {
  /** Folder of the checkpoints; a training's is named after it. */
  folder: string;
  /** Continue from checkpoints that are there. */
  resume: boolean;
  /** Finished trainings to copy from and to; undefined: none. */
  cache: WeightsCache | undefined;
  signal: AbortSignal;
  /** What another process is preparing is not waited for: `Held` is thrown. Default false. */
  leave?: boolean;
  follow: Follow;
}

/** What a training of this stage has in common with all others. */
export const stageOptions = (
  { steps, batchSize, learningRate, schedule = "cosine" }: Stage,
  { resume, signal }: Workplace,
  seed: number,
  checkpoint: string,
): RunOptions & { learningRate: Schedule } => ({
  steps,
  batchSize,
  learningRate: schedule === "cosine" ? cosine(learningRate, steps) : asSchedule(learningRate),
  seed,
  checkpoint,
  resume,
  signal,
});

/** The denoiser that consistency models start from; of images a U-Net smaller than the default. */
export async function prepareDenoiser(
  data: TrainingData,
  plan: DenoiserPlan,
  seed: number,
  place: Workplace,
): Promise<TrainedDenoiser> {
  const image = imageShape(data);
  const { channels = 16, classConditional = false } = plan;
  const classes = classesOf(data, { classConditional });
  const network =
    image &&
    unet({ ...{ size: image.size, inChannels: image.channels, channels }, ...(classes && { classes }) });
  return prepare({ data, plan, seed, place, name: "denoiser", metric: "loss" }, (options) =>
    diffusion.train(data, { ...options, classConditional, ...(network && { network }) }),
  );
}

/** The feature network of MFD. */
export async function prepareFeatures(
  data: TrainingData,
  plan: FeaturesPlan,
  seed: number,
  place: Workplace,
): Promise<TrainedFeatures> {
  const { trained = true } = plan;
  if (trained === "classes") {
    const model = featureModel(data, plan, data.numClasses!); // which the cell has checked, before any work
    return prepare({ data, plan, seed, place, name: "features", metric: "accuracy" }, (options) =>
      trainClassifier(data, { ...options, model }),
    );
  }
  const transformations = transformationsOf(data, plan);
  const model = featureModel(data, plan, transformations.labelNames.length);
  if (trained)
    return prepare({ data, plan, seed, place, name: "features", metric: "loss" }, (options) =>
      manifold.train(data, { ...options, transformations, model }),
    );
  // One step at next to no rate: the network as it was drawn, with the record of a training.
  const untrained = { ...plan, steps: 1, learningRate: 1e-9 };
  const drawn = await prepare(
    { data, plan: untrained, seed, place, name: "features", metric: "loss" },
    (options) => manifold.train(data, { ...options, transformations, model }),
  );
  if (!model.train || place.signal.aborted) return drawn;
  const count = 4096;
  const key = random.foldIn(random.key(seed), 7);
  const examples = { shape: [count, ...data.shape], values: draw(data, random.foldIn(key, 0), count).x };
  const { batchSize } = plan;
  return {
    ...drawn,
    ...(await calibrateStatistics(drawn, { transformations, examples, key, batchSize })),
  };
}

/** What a feature network regresses. */
export function transformationsOf(data: TrainingData, plan: FeaturesPlan): Transformations {
  const { probability, groups } = plan;
  const image = imageShape(data);
  return image
    ? imageTransformations({ ...image, probability, ...(groups && { groups: groups as ImageGroup[] }) })
    : pointTransformations({
        dim: data.shape[0]!,
        probability,
        ...(groups && { groups: groups as PointGroup[] }),
      });
}

function featureModel(data: TrainingData, { network = "vgg" }: FeaturesPlan, labels: number): FeatureModel {
  const image = imageShape(data);
  return image && network === "small"
    ? flatten(convFeatures({ size: image.size, inChannels: image.channels, labels }))
    : defaultFeatures(data, labels);
}

/** The classifier whose features measure images. */
export const prepareJudge = (
  data: TrainingData,
  plan: Stage,
  seed: number,
  place: Workplace,
): Promise<TrainedFeatures> =>
  prepare({ data, plan, seed, place, name: "classifier", metric: "accuracy" }, (options) =>
    trainClassifier(data, options),
  );

export interface Preparation {
  data: TrainingData;
  /** With all that decides it. */
  plan: Stage;
  seed: number;
  place: Workplace;
  /** Follows the dataset's in the progress and in the checkpoint's name. */
  name: string;
  /** Shown in the progress. */
  metric: string;
}

/**
 * Trains, continues or takes from the cache; a training that finished is kept there. What another process is preparing in the same folder is waited for.
 */
export async function prepare<Result>(
  { data, plan, seed, place, name, metric }: Preparation,
  make: (options: ReturnType<typeof stageOptions>) => Run<Result>,
): Promise<Result> {
  const id = await trainingName(`${data.name}-${name}`, data, { ...plan, seed } as Json);
  const checkpoint = join(place.folder, id);
  const options = stageOptions(plan, place, seed, checkpoint);
  const label = { label: `${data.name}: ${name}`, metric };
  const work = async (): Promise<Result> => {
    if (await place.cache?.restore(id, checkpoint)) {
      try {
        return await place.follow(make({ ...options, resume: true }), label);
      } catch (error) {
        // Damaged, or of another configuration, which an old version or a copy by hand has put there.
        if (!(error instanceof TangentLabError)) throw error;
        if (error.code !== "corrupt-file" && error.argument !== "resume") throw error;
        await place.cache!.forget(id);
        await removeFolder(checkpoint, checkpointFiles);
      }
    }
    const result = await place.follow(make(options), label);
    if (!place.signal.aborted) await place.cache?.keep(id, checkpoint);
    return result;
  };
  return exclusively(checkpoint, place.signal, work, place.leave);
}

/** The lock of work whose checkpoints are a folder, or in one: beside it. */
export const lockOf = (folder: string): string => join(dirname(folder), `.${basename(folder)}.trial.lock`);

/** Another process is at what this one needs, which has something else to do meanwhile. */
export class Held extends Error {}

/**
 * Does work in a folder while no other process is at it there: waits for one that is.
 * @param leave Throws `Held` instead of waiting.
 * @throws AbortError where the wait was stopped.
 */
export async function exclusively<T>(
  folder: string,
  signal: AbortSignal,
  work: () => Promise<T>,
  leave = false,
): Promise<T> {
  for (let looks = 0; ; looks++) {
    const taken = await lockUnlessHeld(lockOf(folder), folder);
    if (typeof taken === "function") return work().finally(taken);
    if (leave) throw new Held(folder);
    await setTimeout(pause(looks), undefined, { signal });
  }
}

/**
 * Milliseconds until the next look at work that another process is at, after so many that found it there: a fifth of the time waited so far, from 50 on, because
 * trainings on points take a second, and 2000 at most.
 */
export const pause = (looks: number): number => Math.min(2000, 50 * 1.2 ** looks);
