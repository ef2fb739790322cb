import * as tf from "@tensorflow/tfjs-core";
import * as random from "../../src/engine/random.js";
import type { Tensor } from "../../src/engine/tensor.js";
import type * as tree from "../../src/engine/tree.js";
import type { Batch, Method, TrainState } from "../../src/optim/index.js";

/** A whole step, such as forward, backward, optimizer and average, from fixed numbers; and what another library needs to do the same. */
export interface Workload {
  readonly name: string;
  readonly title: string;
  /** Whether tfjs's own devices and torch.compile are given a turn: a large step takes the ones minutes, and the other minutes to compile. */
  readonly small?: boolean;
  /** Pure; the state's tensors are given up. */
  step(
    state: tree.Tree,
    batch: tree.Tree,
  ): { state: tree.Tree; metrics: { readonly [name: string]: Tensor } };
  /** The first state and what every step gets. The caller disposes both. */
  state(): tree.Tree;
  batch(): { readonly [name: string]: tree.Tree };
  /** Trained parameters. */
  readonly parameters: number;
  /** For a peer: which of its models, its arguments, and tensors by name, of which it gets "batch.<name>" besides. */
  readonly peer: { readonly case: string; readonly config: object; tensors(): { [name: string]: tree.Tree } };
}

interface Training extends Pick<Workload, "name" | "title" | "small"> {
  readonly method: Method;
  /** Examples of the batch, flat, and their labels. */
  readonly x: Float32Array;
  readonly labels?: Int32Array;
  /** The trained parameters' first values and their structure. */
  start(): Tensor;
  readonly structure: tree.Structure<tree.Tree>;
  readonly peer: { readonly case: string; readonly config: object; frozen?(): { [name: string]: tree.Tree } };
}

/** A training step as a workload; a peer gets "weights.<name>". */
export function training({
  name,
  title,
  small = false,
  method,
  x,
  labels,
  start,
  structure,
  peer,
}: Training): Workload {
  return {
    name,
    title,
    small,
    step: (state, batch) => method.step(state as TrainState, batch as Batch),
    state: () => {
      const parameters = start();
      const state = method.from(parameters);
      parameters.dispose();
      return state;
    },
    batch: () => method.batch(random.foldIn(key, 5), x, 0, labels),
    parameters: structure.size,
    peer: {
      ...peer,
      tensors: () => {
        const parameters = start();
        const weights = structure.unravel(parameters);
        parameters.dispose();
        return { weights, ...peer.frozen?.() };
      },
    },
  };
}

export const learningRate = 1e-3;
export const decay = 0.999;
export const sigmaData = 0.5;
export const key = random.key(1);

/** Initial weights with noise on top: layers that start as zero would make a comparison of first losses blind. */
export const start =
  (model: { init(key: random.Key): Tensor; structure: { size: number } }, deviation = 0.05): (() => Tensor) =>
  () =>
    tf.tidy(() =>
      tf.add(
        model.init(key),
        random.normal(random.foldIn(key, 7), model.structure.size).map((value) => deviation * value),
      ),
    );

/** Parameters in millions, for titles. */
export const millions = (structure: { size: number }): string => (structure.size / 1e6).toFixed(2);
