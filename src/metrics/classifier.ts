import * as tf from "@tensorflow/tfjs-core";
import type { Tensor } from "../engine/tensor.js";
import { check, required, TangentLabError } from "../errors.js";
import { checkpointFolder } from "../io/checkpoint.js";
import { checkData, checkShape, imageShape, type TrainingData } from "../loop/data.js";
import type { Run } from "../loop/run.js";
import * as loop from "../loop/train.js";
import { checkFlat, convFeatures, type FeatureModel } from "../nn/features.js";
import { flatten } from "../nn/network.js";
import { type Method, method, type TrainingConfig } from "../optim/method.js";
import { trainingPass, withStatistics } from "../optim/running-statistics.js";
import type { TrainedFeatures } from "./features.js";

/** Options of `classifier`. */
export interface ClassifierConfig {
  /** Height and width of the images, a multiple of 8. */
  size: number;
  channels: number;
  classes: number;
}

/**
 * A small convolutional classifier of images [batch, size, size, channels], in whose features Fréchet distances are measured. Not the feature network of MFD:
 * what trains is not what judges.
 * @throws TangentLabError `invalid-argument` for options out of range.
 */
export function classifier(config: ClassifierConfig): FeatureModel {
  const { size, channels, classes } = required("config", config, "an object with size, channels and classes");
  check.only("classifier", config, ["size", "channels", "classes"]);
  check.count("channels", channels);
  check.count("classes", classes, 2);
  return flatten(
    convFeatures({ size, inChannels: channels, labels: classes, channels: [16, 32, 64], groups: 8 }),
  );
}

/** Options of `classification`. */
export interface ClassificationConfig extends TrainingConfig {
  model: FeatureModel;
  /** Shape of one image. */
  shape: readonly number[];
  classes: number;
}

/**
 * Training of a classifier: softmax cross-entropy with the dataset's labels. Metrics: loss, accuracy of the batch in [0, 1]. A network with batch normalization
 * is trained with the batch's moments; its running statistics are in the state's parameters, and averaged in `ema`, as the weights are.
 * @throws TangentLabError in a batch, `invalid-data` for examples without labels.
 */
export function classification(config: ClassificationConfig): Method {
  const { model, shape, classes, ...training } = required(
    "config",
    config,
    "an object with model, shape and classes",
  );
  checkFlat("model", model);
  checkShape(shape);
  check.count("classes", classes);
  const classifying = method({
    ...training,
    init: model.init,
    batch: (_key, x, _iteration, labels) => {
      const count = x.length / shape.reduce((a, b) => a * b, 1);
      if (!labels || labels.length !== count) {
        throw new TangentLabError("invalid-data", "a classifier needs a label for each example", {
          argument: "data",
          given: `${labels?.length ?? "no"} labels`,
          allowed: `${count} labels`,
        });
      }
      return {
        x: tf.tensor(x, [count, ...shape]) as Tensor,
        target: tf.tensor2d(oneHot(labels, classes), [count, classes]) as Tensor,
      };
    },
    loss: (_parameters, { x, target }) => {
      return (parameters) => {
        const { output, ...statistics } = trainingPass(model, parameters, x);
        const logits = output.labels;
        const asked = logits.shape[1] === classes;
        check(asked, "model", `${logits.shape[1]} labels`, `${classes} labels, one for each class`);
        const top = tf.max(logits, 1, true);
        const correct = tf.sum(tf.mul(tf.cast(tf.equal(logits, top), "float32"), target), 1);
        const logProbability = tf.sub(
          logits,
          tf.add(top, tf.log(tf.sum(tf.exp(tf.sub(logits, top)), 1, true))),
        );
        return {
          loss: tf.neg(tf.mean(tf.sum(tf.mul(logProbability, target), 1))),
          aux: { accuracy: tf.mean(correct), ...statistics },
        };
      };
    },
  });
  return withStatistics(model, classifying);
}

/** Options of `trainClassifier`. */
export interface ClassifierTraining extends Omit<loop.RunOptions, "steps">, TrainingConfig {
  /** Default 1000. */
  steps?: number;
  /** Must have a label for each class. Default `classifier`'s, which judges: no loss should train in what judges. */
  model?: FeatureModel;
  /** For legends. Default "classifier". */
  name?: string;
}

/**
 * Trains a classifier of images, by default the one that judges: Fréchet distances are measured in its features. Iterate over the run, or await it.
 * @throws TangentLabError `invalid-argument` for points, data without labels and options out of range; while it runs as `train`.
 */
export function trainClassifier(data: TrainingData, options: ClassifierTraining = {}): Run<TrainedFeatures> {
  checkData(data);
  check.only("trainClassifier", options, [...loop.trainingOptions, "model"]);
  const { name = "classifier", steps = 1000, ...rest } = options;
  const image = imageShape(data);
  const classes = data.numClasses;
  check(image !== undefined, "data.shape", data.shape, "[size, size, channels]: only images are classified");
  check(classes !== undefined, "data.numClasses", classes, "a dataset with labels");
  const { model = classifier({ ...image, classes }) } = options;
  checkFlat("model", model);
  return loop.train({
    ...rest,
    steps,
    name,
    kind: "classifier",
    checkpoint: checkpointFolder(options.checkpoint),
    data,
    method: classification({ ...rest, model, shape: data.shape, classes }),
    settings: { ...loop.optimizerSettings(options), network: model.structure.size },
    finish: (state, record) => ({ model, parameters: loop.keep(state.ema), record }),
  });
}

/** Rows that are 1 at the label and 0 elsewhere. */
function oneHot(labels: Int32Array, classes: number): Float32Array {
  const rows = new Float32Array(labels.length * classes);
  labels.forEach((label, i) => {
    rows[i * classes + label] = 1;
  });
  return rows;
}
