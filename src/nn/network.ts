import * as tf from "@tensorflow/tfjs-core";
import type { Key } from "../engine/random.js";
import * as random from "../engine/random.js";
import type { Tensor } from "../engine/tensor.js";
import * as tree from "../engine/tree.js";

/** A pure function with learned parameters; its configuration is bound when it is made. */
export interface Network<Inputs extends readonly Tensor[], Output> {
  /** Random initial parameters; the same key gives the same parameters. */
  init(key: Key): tree.Tree;
  apply(parameters: tree.Tree, ...inputs: Inputs): Output;
}

/** A network of a point or image and a noise condition: (x [batch, ...], c [batch]) -> like x. */
export type TimeNetwork = Network<[x: Tensor, c: Tensor], Tensor>;

/** A network whose parameters are one flat vector [P], as training, optimizers and checkpoints have them. */
export interface Model<Inputs extends readonly Tensor[], Output> {
  /** Names and shapes of the parameters within the vector. */
  readonly structure: tree.Structure<tree.Tree>;
  init(key: Key): Tensor;
  apply(parameters: Tensor, ...inputs: Inputs): Output;
}

/** The same network on a flat vector of parameters. */
export function flatten<Inputs extends readonly Tensor[], Output>(
  network: Network<Inputs, Output>,
): Model<Inputs, Output> {
  const structure = tf.tidy(
    () => tree.structure(network.init(random.key(0))) as unknown as tf.TensorContainer,
  );
  return {
    structure: structure as unknown as tree.Structure<tree.Tree>,
    init: (key) => tf.tidy(() => tree.ravel(network.init(key)) as tf.Tensor),
    apply: (parameters, ...inputs) =>
      network.apply((structure as unknown as tree.Structure<tree.Tree>).unravel(parameters), ...inputs),
  };
}
