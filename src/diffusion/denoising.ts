import * as tf from "@tensorflow/tfjs-core";
import * as random from "../engine/random.js";
import type { Tensor } from "../engine/tensor.js";
import { check, required } from "../errors.js";
import { type Method, method, type TrainingConfig } from "../optim/method.js";
import { type Augmentation, checkAugmentation } from "./augment.js";
import { drawCondition } from "./condition.js";
import { addNoise, type Denoiser } from "./edm.js";
import { checkLogNormal, type LogNormal, logNormal } from "./times.js";

/** Options of `denoising`. */
export interface DenoisingConfig extends TrainingConfig {
  denoiser: Denoiser;
  /** Shape of one example. */
  shape: readonly number[];
  /** Distribution of the noise level. Default ln t ~ N(-1.2, 1.2^2). */
  time?: LogNormal;
  /** Number of the data's classes, for a network with class labels. Default: without classes. */
  classes?: number | undefined;
  /** Random changes of examples, of which the network is told. Default none. */
  augment?: Augmentation | undefined;
}

/** Checks that training has a denoiser and the shape of its examples. @throws TangentLabError `invalid-argument` naming what is missing. */
export function checkDenoiser(denoiser: Denoiser, shape: readonly number[]): void {
  const applies = typeof denoiser?.apply === "function" && denoiser.structure !== undefined;
  check(applies, "denoiser", denoiser, "denoiser(network) or trigflow(network)");
  const isShape =
    Array.isArray(shape) && shape.length > 0 && shape.every((d) => Number.isInteger(d) && d >= 1);
  check(isShape, "shape", shape, "[dim] or [height, width, channels]");
}

/**
 * Denoiser training (EDM, 2206.00364): mean over batch and dimensions of lambda(t) (D(x0 + t e, t) - x0)^2.
 * @throws TangentLabError `invalid-argument` for a missing denoiser or shape, and, in a batch, `invalid-data` for missing labels of a model with classes.
 */
export function denoising(config: DenoisingConfig): Method {
  required("config", config, "an object with denoiser and shape");
  const { denoiser, shape, classes, augment, time = { mean: -1.2, std: 1.2 } } = config;
  checkDenoiser(denoiser, shape);
  checkLogNormal(time);
  if (classes !== undefined) check.count("classes", classes);
  if (augment !== undefined) checkAugmentation(augment, denoiser);
  return method({
    ...config,
    init: denoiser.init,
    batch: (key, x, _iteration, labels) => {
      const [noiseKey, timeKey] = random.split(key, 2);
      const count = x.length / shape.reduce((a, b) => a * b, 1);
      const draws = augment?.draw(random.foldIn(key, 3), count, 1);
      const condition = drawCondition(denoiser, random.foldIn(key, 2), count, labels, classes);
      return {
        x: tf.tensor(x, [count, ...shape]) as Tensor,
        noise: tf.tensor(random.normal(noiseKey, x.length), [count, ...shape]) as Tensor,
        t: tf.tensor1d(logNormal(timeKey, count, time)) as Tensor,
        condition,
        ...(draws && { draws }),
      };
    },
    loss: (_parameters, { x: clean, noise, t, condition: drawn, draws }) => {
      const x = draws ? augment!.apply(clean, draws) : clean;
      const condition = draws ? { ...drawn, augmentLabels: draws.labels } : drawn;
      const noisy = addNoise(x, noise, t);
      const weight = denoisingWeight(t, denoiser.sigmaData);
      return (parameters) => {
        const error = tf.sub(denoiser.apply(parameters, noisy, t, condition), x);
        const squares = tf.mean(tf.reshape(tf.square(error), [x.shape[0]!, -1]), 1);
        return { loss: tf.mean(tf.mul(squares, weight)), aux: {} };
      };
    },
  });
}

/** EDM's lambda(t) = (t^2 + s^2) / (t s)^2 (2206.00364, table 1), [batch] like t: all levels start with the same loss, about 1. */
export const denoisingWeight = (t: Tensor, sigmaData: number): Tensor =>
  tf.div(tf.add(tf.square(t), sigmaData ** 2), tf.square(tf.mul(t, sigmaData)));
