import * as tf from "@tensorflow/tfjs-core";
import * as random from "../../src/engine/random.js";
import type { Tensor } from "../../src/engine/tensor.js";
import type * as tree from "../../src/engine/tree.js";
import type { Method } from "../../src/optim/index.js";

/** A whole training step, forward, backward, optimizer and average, on one fixed batch; and what another library needs to do the same. */
export interface Workload {
  readonly name: string;
  readonly title: string;
  readonly method: Method;
  /** Examples of the fixed batch, flat. */
  readonly x: Float32Array;
  /** Names and shapes of the parameters; the start is `start()`. */
  readonly structure: tree.Structure<tree.Tree>;
  start(): Tensor;
  /** For a peer: which of its models, its arguments, and further frozen weights by name. */
  readonly peer: { readonly case: string; readonly config: object; frozen(): { [name: string]: tree.Tree } };
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

/** The batch of every step of every participant. */
export const fixedBatch = (workload: Workload) => workload.method.batch(random.foldIn(key, 5), workload.x, 0);
