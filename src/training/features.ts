import type { Tensor } from "../engine/tensor.js";
import { check, required } from "../errors.js";
import { featureRegression } from "../manifold/training.js";
import type { Transformations } from "../manifold/transformations.js";
import { checkFlat, type FeatureModel } from "../nn/features.js";
import type { TrainingConfig } from "../optim/method.js";
import { checkData, type TrainingData } from "./data.js";
import { optimizerSettings } from "./denoiser.js";
import { defaultFeatures, defaultTransformations } from "./networks.js";
import type { RunRecord } from "./record.js";
import type { Run } from "./run.js";
import { keep, type RunOptions, train } from "./train.js";

/** A trained network with features: `alignedLoss(features.model, features.parameters)`. */
export interface TrainedFeatures {
  readonly model: FeatureModel;
  /** Average over training [Q]. */
  readonly parameters: Tensor;
  readonly record: RunRecord;
}

export interface FeatureTraining extends Omit<RunOptions, "steps">, TrainingConfig {
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
export function trainFeatureNetwork(data: TrainingData, options: FeatureTraining = {}): Run<TrainedFeatures> {
  checkData(data);
  required("options", options);
  const { name = "features", steps = 2000, ramp = steps / 8, ...rest } = options;
  const transformations = options.transformations ?? defaultTransformations(data);
  check(
    typeof transformations?.draw === "function" && Array.isArray(transformations.labelNames),
    "transformations",
    transformations,
    "imageTransformations(...) or pointTransformations(...)",
  );
  const model = options.model ?? defaultFeatures(data, transformations.labelNames.length);
  checkFlat("model", model);
  return train({
    ...rest,
    steps,
    name,
    kind: "features",
    data,
    method: featureRegression({ ...rest, features: model, transformations, shape: data.shape, ramp }),
    settings: {
      labels: [...transformations.labelNames],
      ramp,
      ...optimizerSettings(options),
      network: model.structure.size,
    },
    finish: (state, record) => ({ model, parameters: keep(state.ema), record }),
  });
}
