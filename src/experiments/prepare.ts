import { join } from "node:path";
import * as diffusion from "../diffusion/index.js";
import type { TrainedDenoiser } from "../diffusion/trained.js";
import { TangentLabError } from "../errors.js";
import { checkpointFiles, type Json } from "../io/checkpoint.js";
import { removeFolder } from "../io/files.js";
import { classesOf, imageShape, type TrainingData } from "../loop/data.js";
import type { Run } from "../loop/run.js";
import type { RunOptions } from "../loop/train.js";
import { type ImageGroup, imageTransformations } from "../manifold/images.js";
import * as manifold from "../manifold/index.js";
import { type PointGroup, pointTransformations } from "../manifold/points.js";
import { trainClassifier } from "../metrics/classifier.js";
import type { TrainedFeatures } from "../metrics/features.js";
import { convFeatures } from "../nn/features.js";
import { flatten } from "../nn/network.js";
import { unet } from "../nn/unet.js";
import { cosine } from "../optim/schedules.js";
import { trainingName, type WeightsCache } from "./weights.js";

/** Length and batch of one training. */
export type Stage = {
  steps: number;
  batchSize: number;
  /** Falls to 0 along half a cosine. */
  learningRate: number;
};

export type DenoiserPlan = Stage & {
  /** Of images: channels of the U-Net at full resolution, a multiple of 8. */
  channels?: number;
  /** Gives the network the examples' classes. Default false. */
  classConditional?: boolean;
};

export type FeaturesPlan = Stage & {
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
  follow: Follow;
}

/** What a training of this stage has in common with all others. */
export const stageOptions = (
  { steps, batchSize, learningRate }: Stage,
  { resume, signal }: Workplace,
  seed: number,
  checkpoint: string,
): RunOptions & { learningRate: (iteration: number) => number } => ({
  ...{ steps, batchSize, learningRate: cosine(learningRate, steps), seed, checkpoint, resume, signal },
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
export function prepareFeatures(
  data: TrainingData,
  plan: FeaturesPlan,
  seed: number,
  place: Workplace,
): Promise<TrainedFeatures> {
  const { probability, groups } = plan;
  const image = imageShape(data);
  const transformations = image
    ? imageTransformations({ ...image, probability, ...(groups && { groups: groups as ImageGroup[] }) })
    : pointTransformations({
        dim: data.shape[0]!,
        probability,
        ...(groups && { groups: groups as PointGroup[] }),
      });
  // The small network and its ramp of the recorded results; `manifold.train` has the published ones by default.
  const model =
    image &&
    flatten(
      convFeatures({
        size: image.size,
        inChannels: image.channels,
        labels: transformations.labelNames.length,
      }),
    );
  return prepare({ data, plan, seed, place, name: "features", metric: "loss" }, (options) =>
    manifold.train(data, { ...options, transformations, ramp: plan.steps / 10, ...(model && { model }) }),
  );
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

interface Preparation {
  data: TrainingData;
  plan: Stage;
  seed: number;
  place: Workplace;
  name: string;
  metric: string;
}

/** Trains, continues or takes from the cache; a training that finished is kept there. */
async function prepare<Result>(
  { data, plan, seed, place, name, metric }: Preparation,
  make: (options: ReturnType<typeof stageOptions>) => Run<Result>,
): Promise<Result> {
  const id = await trainingName(`${data.name}-${name}`, data, { ...plan, seed } as Json);
  const checkpoint = join(place.folder, id);
  const options = stageOptions(plan, place, seed, checkpoint);
  const label = { label: `${data.name}: ${name}`, metric };
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
}
