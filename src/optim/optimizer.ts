import * as tf from "@tensorflow/tfjs-core";
import type { Tensor } from "../engine/tensor.js";
import * as tree from "../engine/tree.js";

/**
 * Discounted sums of the gradients and of their squares, sum over k of beta^k g, in the structure of the parameters, and the count of updates made
 * (scalar, float32). The moments are (1 - beta) times the sums: a factor that all parameters share, so that it is applied to the step's size.
 */
export interface OptimizerState {
  readonly m: tree.Tree;
  readonly v: tree.Tree;
  readonly step: Tensor;
  readonly [name: string]: tree.Tree;
}

/** What one update gives. */
export interface Updated<P extends tree.Tree> {
  parameters: P;
  state: OptimizerState;
}

/** A pure update of a parameter tree; made of tfjs ops only, so that it can be part of a compiled step. */
export interface Optimizer {
  /** With its options, for records of runs: "AdamW(0.9, 0.999, 1e-8, 0.01)". */
  readonly name: string;
  /** The state before the first update. */
  init(parameters: tree.Tree): OptimizerState;
  /** `learningRate` is a scalar tensor where it changes from step to step. */
  update<P extends tree.Tree>(
    gradients: P,
    state: OptimizerState,
    parameters: P,
    learningRate: Tensor | number,
  ): Updated<P>;
}

/** What all optimizers of the Adam family share. Defaults are PyTorch's. */
export interface AdamConfig {
  /** Decay of the first moment, in [0, 1). Default 0.9. */
  beta1?: number;
  /** Decay of the second moment, in [0, 1). Default 0.999. */
  beta2?: number;
  /** Added to the root of the second moment. Default 1e-8. */
  epsilon?: number;
}

/** State before the first gradient. */
export function zeroState(parameters: tree.Tree): OptimizerState {
  const zeros = (): tree.Tree => tree.map((leaf) => tf.zeros(leaf.shape), parameters);
  return { m: zeros(), v: zeros(), step: tf.scalar(0) };
}

/** The sums after one more gradient: m = b1 m + g, v = b2 v + g^2. */
export function nextState(
  gradients: tree.Tree,
  state: OptimizerState,
  { beta1, beta2 }: Required<AdamConfig>,
): OptimizerState {
  const m = tree.map((m, g) => tf.add(tf.mul(m, beta1), g), state.m, gradients);
  const v = tree.map((v, g) => tf.add(tf.mul(v, beta2), tf.square(g)), state.v, gradients);
  return { m, v, step: tf.add(state.step, 1) };
}

/**
 * 1 - beta^step for the second moment. Written with tanh, because at the first steps of a beta near 1 the plain difference has lost
 * half of float32's digits: 1 - e^-u = 2 T / (1 + T), T = tanh(u / 2).
 */
export function biasCorrection(step: Tensor, beta: number): Tensor {
  const T = halfTanh(step, beta);
  return tf.div(tf.mul(T, 2), tf.add(T, 1));
}

/** tanh(u / 2), where beta^step = e^-u. */
export const halfTanh = (step: Tensor, beta: number): Tensor => tf.tanh(tf.mul(step, -Math.log(beta) / 2));
