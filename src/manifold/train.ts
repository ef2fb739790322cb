import { check } from "../errors.js";
import { checkpointFolder } from "../io/checkpoint.js";
import { checkData, imageShape, type TrainingData } from "../loop/data.js";
import type { Run } from "../loop/run.js";
import * as loop from "../loop/train.js";
import type { TrainedFeatures } from "../metrics/features.js";
import { checkFlat, type FeatureModel, mlpFeatures } from "../nn/features.js";
import { flatten } from "../nn/network.js";
import { scaledVggBlocks, vggFeatures } from "../nn/vgg.js";
import type { TrainingConfig } from "../optim/method.js";
import { imageTransformations } from "./images.js";
import { pointTransformations } from "./points.js";
import { featureRegression } from "./regression.js";
import { checkTransformations, type Transformations } from "./transformations.js";

/** Options of `train`. */
export interface FeatureTraining extends Omit<loop.RunOptions, "steps">, TrainingConfig {
  /** Default 2000. */
  steps?: number;
  /** What is regressed; decides what the features keep. Default all that fit the data. */
  transformations?: Transformations;
  /** Must have a label for each of the transformations'. Default an MLP for points and for images VGG scaled to them, `nn.scaledVggBlocks`. */
  model?: FeatureModel;
  /** Steps over which the probability of the transformations rises. Default an eighth of `steps`, as published. */
  ramp?: number;
  /** For legends. Default "features". */
  name?: string;
}

/**
 * Trains the feature network of the manifold feature distance (2510.00658), without labels. Iterate over the run, or await it.
 * @throws TangentLabError `invalid-argument` for options out of range; while it runs as `train`.
 */
export function train(data: TrainingData, options: FeatureTraining = {}): Run<TrainedFeatures> {
  checkData(data);
  check.only("manifold.train", options, [...loop.trainingOptions, "transformations", "model", "ramp"]);
  if (options.steps !== undefined) check.count("steps", options.steps); // before a ramp is made of them
  const { name = "features", steps = 2000, ramp = steps / 8, ...rest } = options;
  const { transformations = defaultTransformations(data) } = options;
  checkTransformations(transformations);
  const { model = defaultFeatures(data, transformations.labelNames.length) } = options;
  checkFlat("model", model);
  return loop.train({
    ...rest,
    steps,
    name,
    kind: "features",
    // Version 0.1 let it rise over a tenth; what differs is over after an eighth of the run.
    checkpoint: checkpointFolder(options.checkpoint, (saved) =>
      options.ramp === undefined && saved.ramp === steps / 10 ? { ...saved, ramp } : saved,
    ),
    data,
    method: featureRegression({ ...rest, features: model, transformations, shape: data.shape, ramp }),
    settings: {
      labels: [...transformations.labelNames],
      ramp,
      ...loop.optimizerSettings(options),
      network: model.structure.size,
    },
    finish: (state, record) => ({ model, parameters: loop.keep(state.ema), record }),
  });
}

/** The transformations that fit the data, each with the given probability in [0, 1]; default 0.15 for images (2510.00658) and 0.5 for points. */
export function defaultTransformations(
  data: TrainingData,
  chance: { probability?: number } = {},
): Transformations {
  checkData(data);
  const image = imageShape(data);
  return image
    ? imageTransformations({ ...image, ...chance })
    : pointTransformations({ dim: data.shape[0]!, ...chance });
}

/** The feature network that fits the data: of images VGG with batch normalization, as published (2510.00658), scaled to their size; of points an MLP. */
export function defaultFeatures(data: TrainingData, labels: number): FeatureModel {
  checkData(data);
  check.count("labels", labels);
  const image = imageShape(data);
  return flatten(
    image
      ? vggFeatures({
          size: image.size,
          inChannels: image.channels,
          labels,
          blocks: scaledVggBlocks(image.size),
        })
      : mlpFeatures({ dim: data.shape[0]!, labels }),
  );
}
