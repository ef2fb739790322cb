import * as tf from "@tensorflow/tfjs-core";
import * as random from "../engine/random.js";
import type { Tensor } from "../engine/tensor.js";
import { check, required } from "../errors.js";
import { checkShape } from "../loop/data.js";
import { checkFlat, type FeatureModel } from "../nn/features.js";
import { type Method, method, type TrainingConfig } from "../optim/method.js";
import { trainingPass, withStatistics } from "../optim/running-statistics.js";
import { checkTransformations, type Draws, type Transformations } from "./transformations.js";

/** Options of `featureRegression`. */
export interface FeatureRegressionConfig extends TrainingConfig {
  features: FeatureModel;
  transformations: Transformations;
  /** Shape of one example. */
  shape: readonly number[];
  /** Iterations over which the probabilities of the transformations rise from 0. Default 0: full from the start. */
  ramp?: number;
}

/**
 * Training of a feature map without labels of the data: mean squared error of the parameters of random transformations (2510.00658). A network with batch
 * normalization is trained with the batch's moments; its running statistics are in the state's parameters, and averaged in `ema`, as the weights are.
 * @throws TangentLabError `invalid-argument` for options out of range, and, in training, for a network whose labels are not the transformations'.
 */
export function featureRegression(config: FeatureRegressionConfig): Method {
  required("config", config, "an object with features, transformations and shape");
  const { features, transformations, shape, ramp = 0 } = config;
  checkFlat("features", features);
  checkTransformations(transformations);
  checkShape(shape);
  check.number("ramp", ramp, (n) => n >= 0 && Number.isFinite(n), "a number of iterations >= 0");
  const regression = method({
    ...config,
    init: features.init,
    batch: (key, x, iteration) => {
      const count = x.length / shape.reduce((a, b) => a * b, 1);
      const strength = ramp === 0 ? 1 : Math.min(1, iteration / ramp);
      return {
        x: tf.tensor(x, [count, ...shape]) as Tensor,
        draws: transformations.draw(random.foldIn(key, 0), count, strength),
      };
    },
    loss: (_parameters, batch) => {
      const { x, draws } = batch as { x: Tensor; draws: Draws };
      const transformed = transformations.apply(x, draws);
      return (parameters) => {
        const { output, ...statistics } = trainingPass(features, parameters, transformed);
        const { labelNames } = transformations;
        check(
          output.labels.shape[1] === labelNames.length,
          "features",
          `${output.labels.shape[1]} labels`,
          `${labelNames.length} labels, one for each of ${labelNames.join(", ")}`,
        );
        return { loss: tf.mean(tf.square(tf.sub(output.labels, draws.labels))), aux: statistics };
      };
    },
  });
  return withStatistics(features, regression);
}
