import * as tf from "@tensorflow/tfjs-core";
import type { Tensor } from "../engine/tensor.js";
import { check, required } from "../errors.js";
import { type Condition, flatten, type Model, type TimeNetwork } from "../nn/network.js";
import type { ConsistencySchedule, DdpmSchedule } from "./schedule.js";

/**
 * An estimate of the clean data of x_t = x0 + t e: (x [batch, ...], t [batch], condition) -> like x; at t = 0 it is x itself. The same
 * function is a consistency function once it is trained as one.
 */
export interface Denoiser extends Model<[x: Tensor, t: Tensor, condition?: Condition], Tensor> {
  readonly sigmaData: number;
  /** The preconditioning of its network: `denoiser`, `trigflow`, or of published weights `consistencyFunction` and `ddpm`. */
  readonly preconditioning: "edm" | "trigflow" | "consistency" | "ddpm";
  /** The noise levels that published weights were trained at, where the preconditioning asks for them; JSON. */
  readonly schedule?: ConsistencySchedule | DdpmSchedule;
}

/** Options of `denoiser`. */
export interface DenoiserConfig {
  /** Standard deviation of the data. Default 0.5. */
  sigmaData?: number;
}

/**
 * A network inside EDM's preconditioning (2206.00364, eq. 7 and table 1), on a flat vector of parameters [P]: D(x, t) for x [batch, ...] at noise levels t
 * [batch].
 * @throws TangentLabError `invalid-argument` for sigmaData <= 0, and, when it is applied, for an output whose shape is not that of x.
 */
export function denoiser(network: TimeNetwork, config: DenoiserConfig = {}): Denoiser {
  const { sigmaData = 0.5 } = required("config", config);
  check.positive("sigmaData", sigmaData);
  const model = flatten(network);
  return {
    ...model,
    sigmaData,
    preconditioning: "edm",
    apply: (parameters, x, t, condition) =>
      precondition((x, c) => model.apply(parameters, x, c, condition), x, t, sigmaData),
  };
}

/**
 * EDM's preconditioning (Karras et al., 2206.00364, table 1) with s = sigmaData:
 * D(x, t) = s^2/(t^2 + s^2) x + t s/sqrt(t^2 + s^2) F(x/sqrt(t^2 + s^2), ln(t)/4). Levels t [batch] >= 0.
 */
export function precondition(
  F: (x: Tensor, c: Tensor) => Tensor,
  x: Tensor,
  t: Tensor,
  sigmaData: number,
): Tensor {
  const total = tf.add(tf.square(t), sigmaData ** 2);
  const inverse = tf.rsqrt(total);
  const skip = tf.div(sigmaData ** 2, total);
  const out = tf.mul(tf.mul(t, sigmaData), inverse);
  // The floor only keeps ln finite at t = 0, where F is multiplied by 0.
  const noise = tf.mul(tf.log(tf.maximum(t, 1e-5)), 0.25);
  const prediction = shapedLike(x, F(tf.mul(x, perExample(inverse, x)), noise));
  return tf.add(tf.mul(x, perExample(skip, x)), tf.mul(prediction, perExample(out, x)));
}

/**
 * A network's output for x. Throws if its shape is not that of x: one that broadcasts would silently be trained on.
 * @throws TangentLabError `invalid-argument` naming both shapes.
 */
export function shapedLike(x: Tensor, output: Tensor): Tensor {
  check(
    `${output.shape}` === `${x.shape}`,
    "network",
    output.shape,
    `an output of the input's shape [${x.shape}]`,
  );
  return output;
}

/** That there are a denoiser and its parameters. @throws TangentLabError `invalid-argument` naming what is missing. */
export function checkUsable(denoiser: Denoiser, parameters: Tensor): void {
  const applies = typeof denoiser?.apply === "function" && denoiser.structure !== undefined;
  check(applies, "denoiser", denoiser, "denoiser(network) or trigflow(network)");
  check(parameters instanceof tf.Tensor, "parameters", parameters, "a tensor [P], the denoiser's");
}

/** A vector [batch] in a shape that broadcasts over the examples of x: [batch, 1, ...]. */
export const perExample = (vector: Tensor, x: Tensor): Tensor =>
  tf.reshape(vector, [-1, ...x.shape.slice(1).map(() => 1)]);

/** x0 + t e, with levels t [batch]. */
export const addNoise = (x: Tensor, noise: Tensor, t: Tensor): Tensor =>
  tf.add(x, tf.mul(noise, perExample(t, x)));
