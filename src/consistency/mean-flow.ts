import * as tf from "@tensorflow/tfjs-core";
import { drawCondition } from "../diffusion/condition.js";
import { perExample } from "../diffusion/edm.js";
import type { LogNormal } from "../diffusion/times.js";
import * as random from "../engine/random.js";
import type { Tensor } from "../engine/tensor.js";
import { check, required } from "../errors.js";
import { checkShape } from "../loop/data.js";
import { type Condition, flatten, type Model, type TimeNetwork } from "../nn/network.js";
import { jvp } from "../optim/jvp.js";
import { type Method, method, type TrainingConfig } from "../optim/method.js";
import type { DrawTimes } from "./times.js";

// MeanFlow (Geng et al., 2505.13447). Its variables are those of flow matching: z = (1 - t) x0 + t e with t in [0, 1], velocity v = e - x0; they are EDM's with
// z = x / (1 + sigma) and t = sigma / (1 + sigma). The values for CIFAR-10 are those of the paper's appendix A and the authors' settings (py-meanflow, cifar10_v0).

/** The mean over the times from r to t of the velocity along the trajectory through z at t: (z [batch, ...], r [batch], t [batch]) -> like z. */
export type AverageVelocity = (z: Tensor, r: Tensor, t: Tensor) => Tensor;

/** Where the trajectory through z at t is at r: z - (t - r) u(z, r, t). */
export const flowMap = (u: AverageVelocity, z: Tensor, r: Tensor, t: Tensor): Tensor =>
  tf.sub(z, tf.mul(u(z, r, t), perExample(tf.sub(t, r), z)));

/** The consistency function of an average velocity, in EDM's variables: x at noise level sigma [batch] to its trajectory's start. At sigma = 0 it is x. */
export function trajectoryStart(u: AverageVelocity, x: Tensor, sigma: Tensor): Tensor {
  const scale = tf.add(sigma, 1);
  return flowMap(u, tf.div(x, perExample(scale, x)), tf.zerosLike(sigma), tf.div(sigma, scale));
}

/**
 * The identity that defines the average velocity without an integral: u = v - (t - r) du/dt, where du/dt = v ∂u/∂z + ∂u/∂t is the derivative along the
 * trajectory, with r fixed, by a Jacobian-vector product. Gives u and what it should be by its own derivative; at r = t that is v.
 */
export function meanFlowTarget(
  u: AverageVelocity,
  z: Tensor,
  r: Tensor,
  t: Tensor,
  velocity: Tensor,
): { value: Tensor; target: Tensor } {
  const { value, tangent } = jvp((z, t) => u(z!, r, t!), [z, t], [velocity, tf.onesLike(t)]);
  return { value, target: tf.sub(velocity, tf.mul(tangent, perExample(tf.sub(t, r), z))) };
}

/** The weight 1 / (|error|^2 + 1e-3)^power of each example [batch]: at power 1/2 about an unsquared distance, at 0 the squared one. */
export function adaptiveWeight(error: Tensor, power: number): Tensor {
  const squares = tf.sum(tf.reshape(tf.square(error), [error.shape[0]!, -1]), 1);
  return tf.pow(tf.add(squares, 1e-3), -power);
}

/** How MeanFlow's pairs of times r <= t are drawn. */
export interface MeanFlowTimes {
  /** The logit of both times is normal. Default mean -0.4, standard deviation 1, as for ImageNet; for CIFAR-10 -2 and 2 were published. */
  time?: LogNormal;
  /** Share of pairs with r < t, in [0, 1]; the others are flow matching, r = t. Default 0.25, as for ImageNet; for CIFAR-10 0.75. */
  apart?: number;
}

/** Two times each, the later one t. @throws TangentLabError `invalid-argument` for options out of range. */
export function meanFlowTimes({ time = { mean: -0.4, std: 1 }, apart = 0.25 }: MeanFlowTimes): DrawTimes {
  check(Number.isFinite(time?.mean), "time.mean", time?.mean, "a finite number");
  check.positive("time.std", time.std);
  check.number("apart", apart, (share) => share >= 0 && share <= 1, "a number in [0, 1]");
  return (key, count) => {
    const keys = random.split(key, 3) as [random.Key, random.Key, random.Key];
    const draw = (key: random.Key): Float32Array =>
      random.normal(key, count).map((z) => 1 / (1 + Math.exp(-(time.mean + time.std * z))));
    const [a, b, chance] = [draw(keys[0]), draw(keys[1]), random.uniform(keys[2], count)];
    const t = a.map((value, i) => Math.max(value, b[i]!));
    return { t, r: t.map((value, i) => (chance[i]! < apart ? Math.min(a[i]!, b[i]!) : value)) };
  };
}

/** A network as an average velocity, on a flat vector of parameters. */
export interface MeanFlowModel
  extends Pick<Model<[x: Tensor], Tensor>, "structure" | "init" | "drawMasks" | "settings"> {
  /** The average velocity, see `AverageVelocity`. */
  velocity(parameters: Tensor, z: Tensor, r: Tensor, t: Tensor, condition?: Condition): Tensor;
  /** `trajectoryStart`: (x [batch, ...], sigma [batch]) -> like x, as a denoiser or a consistency model. */
  apply(parameters: Tensor, x: Tensor, sigma: Tensor, condition?: Condition): Tensor;
}

/**
 * A network as MeanFlow's average velocity u(z, r, t) (2505.13447), z [batch, ...], r and t [batch] in [0, 1].
 * @throws TangentLabError `invalid-argument` for a network that does not take intervals.
 */
export function meanFlowModel(network: TimeNetwork): MeanFlowModel {
  const { structure, init, apply, drawMasks, settings } = flatten(network);
  const takes = (settings as { interval?: boolean } | undefined)?.interval === true;
  check(
    takes,
    "network",
    "one without intervals",
    "unet({ ..., interval: true }) or mlp({ ..., interval: true })",
  );
  const velocity: MeanFlowModel["velocity"] = (parameters, z, r, t, condition) =>
    apply(parameters, z, t, { ...condition, interval: tf.sub(t, r) });
  return {
    structure,
    init,
    velocity,
    ...(drawMasks && { drawMasks }),
    ...(settings && { settings }),
    apply: (parameters, x, sigma, condition) =>
      trajectoryStart((z, r, t) => velocity(parameters, z, r, t, condition), x, sigma),
  };
}

/** Options of `meanFlow`. */
export interface MeanFlowConfig extends TrainingConfig, MeanFlowTimes {
  model: MeanFlowModel;
  /** Shape of one example. */
  shape: readonly number[];
  /** Of the adaptive weight, in [0, 2]. Default 1; for CIFAR-10 0.75 was published. */
  power?: number;
  /** Number of the data's classes, for a network with class labels. Default: without classes. */
  classes?: number | undefined;
}

/**
 * MeanFlow (2505.13447): the mean over the batch of weight |u(z, r, t) - stopgrad(v - (t - r) du/dt)|^2, from data, with no teacher and no curriculum. One step
 * of its `flowMap` from t = 1 to 0 makes a sample. Only for r = 0 does a pair lead to the data: in between, flowMap's results are noisy. A distance in features
 * of data, such as the manifold feature distance, does not apply to them. A method, not an objective of `consistency.train`: its network takes two times, not a
 * denoiser's noise level, and its loss is of velocities, not of outputs. Train it by `loop.train`. Metrics: loss, distance (mean norm of the difference),
 * gradientNorm.
 * @throws TangentLabError `invalid-argument` for options out of range.
 */
export function meanFlow(config: MeanFlowConfig): Method {
  const { model, shape, power = 1, classes } = required("config", config, "an object with model and shape");
  check(typeof model?.velocity === "function", "model", model, "meanFlowModel(a network)");
  checkShape(shape);
  check.number("power", power, (p) => p >= 0 && p <= 2, "a number in [0, 2]");
  if (classes !== undefined) check.count("classes", classes);
  const times = meanFlowTimes(config);
  const size = shape.reduce((a, b) => a * b, 1);
  return method({
    ...config,
    init: model.init,
    batch: (key, x, iteration, labels) => {
      const [noiseKey, timeKey] = random.split(key, 2) as [random.Key, random.Key];
      const count = x.length / size;
      const { t, r } = times(timeKey, count, iteration);
      return {
        x: tf.tensor(x, [count, ...shape]) as Tensor,
        noise: tf.tensor(random.normal(noiseKey, x.length), [count, ...shape]) as Tensor,
        t: tf.tensor1d(t) as Tensor,
        r: tf.tensor1d(r) as Tensor,
        condition: drawCondition(model, random.foldIn(key, 2), count, labels, classes),
      };
    },
    loss: (parameters, { x, noise, t, r, condition }) => {
      const u =
        (parameters: Tensor): AverageVelocity =>
        (z, r, t) =>
          model.velocity(parameters, z, r, t, condition as Condition);
      const velocity = tf.sub(noise, x);
      const z = tf.add(x, tf.mul(velocity, perExample(t, x)));
      const { value, target } = meanFlowTarget(u(parameters), z, r, t, velocity);
      const weight = adaptiveWeight(tf.sub(value, target), power);
      return (parameters) => {
        const error = tf.reshape(tf.sub(u(parameters)(z, r, t), target), [x.shape[0]!, -1]);
        const squares = tf.sum(tf.square(error), 1);
        return {
          loss: tf.mean(tf.mul(squares, weight)),
          aux: { distance: tf.mean(tf.sqrt(tf.maximum(squares, 1e-12))) },
        };
      };
    },
  });
}
