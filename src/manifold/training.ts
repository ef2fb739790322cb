import * as tf from "@tensorflow/tfjs-core";
import * as random from "../engine/random.js";
import type { Tensor } from "../engine/tensor.js";
import { check } from "../errors.js";
import type { FeatureModel } from "../nn/features.js";
import { type Method, method, type TrainingConfig } from "../optim/method.js";
import type { Draws, Transformations } from "./transformations.js";

export interface FeatureRegressionConfig extends TrainingConfig {
  features: FeatureModel;
  transformations: Transformations;
  /** Shape of one example. */
  shape: readonly number[];
  /** Iterations over which the probabilities of the transformations rise from 0. Default 0: full from the start. */
  ramp?: number;
}

/** Training of a feature map without labels of the data: mean squared error of the parameters of random transformations (2510.00658). */
export function featureRegression(config: FeatureRegressionConfig): Method {
  const { features, transformations, shape, ramp = 0 } = config;
  check(ramp >= 0, "ramp", ramp, "a number of iterations >= 0");
  return method({
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
        const { labels } = features.apply(parameters, transformed);
        return { loss: tf.mean(tf.square(tf.sub(labels, draws.labels))), aux: {} };
      };
    },
  });
}
