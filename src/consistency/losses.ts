import * as tf from "@tensorflow/tfjs-core";
import type { Tensor } from "../engine/tensor.js";
import { check } from "../errors.js";
import type { Context } from "../optim/method.js";

/** A distance of corresponding examples: x, y [batch, ...] -> [batch]. Runs record the function's name. */
export type Distance = (x: Tensor, y: Tensor) => Tensor;

const named = (name: string, distance: Distance): Distance =>
  Object.defineProperty(distance, "name", { value: name });

const examples = (x: Tensor): Tensor => tf.reshape(x, [x.shape[0]!, -1]);

/** Sum of absolute differences of each example, [batch, ...] twice -> [batch]. */
export const l1 = (): Distance => named("l1", (x, y) => tf.sum(tf.abs(examples(tf.sub(x, y))), 1));

/** Sum of squared differences of each example, [batch, ...] twice -> [batch]. */
export const l2 = (): Distance => named("l2", (x, y) => tf.sum(tf.square(examples(tf.sub(x, y))), 1));

/** Options of `pseudoHuber`. */
export interface PseudoHuberConfig {
  /** Where it turns from quadratic to linear, as a multiple of sqrt(dimension). Default 0.00054. */
  c?: number;
}

/**
 * sqrt(|x - y|^2 + c^2) - c of each example, [batch, ...] twice -> [batch], with c scaled by sqrt(dimension) (Song and Dhariwal, 2310.14189).
 * @throws TangentLabError `invalid-argument` for c < 0.
 */
export function pseudoHuber(config: PseudoHuberConfig = {}): Distance {
  check.only("pseudoHuber", config, ["c"]);
  const { c = 0.00054 } = config;
  check.number("c", c, (at) => at >= 0 && Number.isFinite(at), "a finite number >= 0");
  return named(`pseudo-Huber(${c})`, (x, y) => {
    const difference = examples(tf.sub(x, y));
    const scaled = c * Math.sqrt(difference.shape[1]!);
    // The floor keeps the gradient finite for c = 0 at x = y.
    const squares = tf.maximum(tf.add(tf.sum(tf.square(difference), 1), scaled ** 2), 1e-16);
    return tf.sub(tf.sqrt(squares), scaled);
  });
}

/** A part of a loss as continuous-time objectives see it: two outputs infinitely close to each other differ by a tangent. */
export interface LossTerm {
  /** Where the tangent is taken and measured: outputs [batch, ...] -> features [batch, k]. Default the data's own space. */
  readonly embed?: (output: Tensor, context: Context) => Tensor;
  /** How it is measured there. */
  readonly distance: Distance;
  /** What the part is multiplied with. Default 1. */
  readonly weight?: (context: Context) => Tensor;
}

/** How a consistency model's output is drawn to its target. */
export interface ConsistencyLoss {
  readonly name: string;
  /** What else decides it, where that is not the default; runs record it, and `loss` where that is not the name. */
  readonly settings?: { readonly [name: string]: string | number | number[] };
  /** Frozen tensors it needs; training keeps them in its state and hands them back. */
  readonly context: Context;
  /**
   * Scalars that change over training, by the iteration; they come with the context. Where they are missing in it, the loss is as at the end of
   * training.
   */
  readonly scalars?: (iteration: number) => { readonly [name: string]: number };
  /**
   * `loss` [batch], whose gradient with respect to `output` trains the model, and `distance`, a scalar to follow. Both arguments
   * [batch, ...]; the target carries no gradient.
   */
  apply(output: Tensor, target: Tensor, context: Context): { loss: Tensor; distance: Tensor };
  /** The same for continuous-time objectives: the loss is the sum of its terms. */
  readonly terms: readonly LossTerm[];
}

/** A distance, applied: [batch]. @throws TangentLabError `invalid-argument` for one that gives something else, which would broadcast or fail far from here. */
export function measured(argument: string, distance: Distance, x: Tensor, y: Tensor): Tensor {
  const apart = distance(x, y);
  const [count] = x.shape;
  const isEach = apart instanceof tf.Tensor && `${apart.shape}` === `${count}`;
  const given = apart instanceof tf.Tensor ? `a tensor [${apart.shape}]` : apart;
  check(isEach, argument, given, `[${count}], one number for each example`);
  return apart;
}

/** What training takes: a loss, or a distance, which is one in the space of the data themselves. */
export type Loss = ConsistencyLoss | Distance;

/** The loss. @throws TangentLabError `invalid-argument` if it is not a loss. */
export function asLoss(loss: Loss): ConsistencyLoss {
  // Both `l2` and `l2()` are functions; a distance has two arguments.
  const isDistance = typeof loss === "function" && loss.length === 2;
  const isLoss = isDistance || (Array.isArray((loss as ConsistencyLoss)?.terms) && "apply" in loss);
  check(
    isLoss,
    "loss",
    loss,
    "a loss: l1(), l2(), pseudoHuber(), mfd(features), classifierStandIn(...), lpips(...)",
  );
  if (!isDistance) return loss as ConsistencyLoss;
  return {
    name: "pixel",
    settings: { loss: loss.name },
    context: {},
    apply: (output, target) => {
      const apart = measured("loss", loss, output, target);
      return { loss: apart, distance: tf.mean(apart) };
    },
    terms: [{ distance: loss }],
  };
}

/** A loss's scalars at an iteration as tensors; {} if it has none. The caller disposes them. */
export const scalarsAt = (loss: ConsistencyLoss, iteration: number): { [name: string]: Tensor } =>
  Object.fromEntries(
    Object.entries(loss.scalars?.(iteration) ?? {}).map(([name, value]) => [name, tf.scalar(value)]),
  );
