import { check, required } from "../errors.js";
import { classification, classifier } from "../metrics/classifier.js";
import type { TrainingConfig } from "../optim/method.js";
import { checkData, type TrainingData } from "./data.js";
import { optimizerSettings } from "./denoiser.js";
import type { TrainedFeatures } from "./features.js";
import { imageShape } from "./networks.js";
import type { Run } from "./run.js";
import { keep, type RunOptions, train } from "./train.js";

export interface ClassifierTraining extends Omit<RunOptions, "steps">, TrainingConfig {
  /** Default 1000. */
  steps?: number;
  /** For legends. Default "classifier". */
  name?: string;
}

/**
 * Trains the classifier that judges images: its features are what Fréchet distances are taken in. Iterate over the run, or await it.
 * @throws TangentLabError `invalid-argument` for points, data without labels and options out of range; while it runs as `train`.
 */
export function trainClassifier(data: TrainingData, options: ClassifierTraining = {}): Run<TrainedFeatures> {
  checkData(data);
  required("options", options);
  const { name = "classifier", steps = 1000, ...rest } = options;
  const image = imageShape(data);
  const classes = data.numClasses;
  check(image !== undefined, "data.shape", data.shape, "[size, size, channels]: only images are classified");
  check(classes !== undefined, "data.numClasses", classes, "a dataset with labels");
  const model = classifier({ ...image, classes });
  return train({
    ...rest,
    steps,
    name,
    kind: "classifier",
    data,
    method: classification({ ...rest, model, shape: data.shape, classes }),
    settings: { ...optimizerSettings(options), network: model.structure.size },
    finish: (state, record) => ({ model, parameters: keep(state.ema), record }),
  });
}
