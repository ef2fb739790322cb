import * as tf from "@tensorflow/tfjs-core";
import type { Key } from "../engine/random.js";
import * as random from "../engine/random.js";
import type { Tensor } from "../engine/tensor.js";
import * as tree from "../engine/tree.js";
import { check } from "../errors.js";
import type { PublishedLayout } from "./published.js";

/** Random masks of a network in training (dropout), by the names of its parts; scaled, so that their mean is 1. */
export type Masks = { readonly [name: string]: Tensor };

/** What may condition a network besides x and c. A network ignores the parts that it has no use for. */
export type Condition = {
  /** One-hot classes [batch, classes]; a row of zeros is "no class". */
  readonly classLabels?: Tensor;
  /** Parameters of the augmentations that made x [batch, count]; without them: not augmented. */
  readonly augmentLabels?: Tensor;
  /** Of an average over times [t - interval, t] [batch], for networks made with `interval`; without it: 0. */
  readonly interval?: Tensor;
  /** From `drawMasks`; two passes with the same masks drop the same. Without them nothing is dropped. */
  readonly masks?: Masks;
};

/** A pure function with learned parameters; its configuration is bound when it is made. */
export interface Network<Inputs extends readonly unknown[], Output> {
  /** Random initial parameters; the same key gives the same parameters. */
  init(key: Key): tree.Tree;
  /** The output for inputs; pure, and made of tfjs ops only. */
  apply(parameters: tree.Tree, ...inputs: Inputs): Output;
  /** Where the network is trained with dropout: masks for `count` examples, drawn on the host. The caller disposes them. */
  readonly drawMasks?: (key: Key, count: number) => Masks;
  /**
   * Where the network has batch normalization: the output by the batch's own moments, as in training, and the new running statistics, which are
   * the tree's last part, `statistics`. `apply` uses the statistics in the parameters instead.
   */
  train?(parameters: tree.Tree, ...inputs: Inputs): { output: Output; statistics: tree.Tree };
  /** Where weights for the network have been published: how they are stored. See `importPublished`. */
  readonly published?: PublishedLayout;
  /** Settings (JSON) from which the library's own networks are rebuilt, for files of models: `networkFrom`, `loadFlow`. */
  readonly settings?: object;
}

/** A network of a point or image and a noise condition: (x [batch, ...], c [batch]) -> like x. */
export type TimeNetwork = Network<[x: Tensor, c: Tensor, condition?: Condition], Tensor>;

/** A network whose parameters are one flat vector [P], as training, optimizers and checkpoints have them. */
export interface Model<Inputs extends readonly unknown[], Output>
  extends Pick<Network<Inputs, Output>, "drawMasks" | "published" | "settings"> {
  /** Where the network has batch normalization: as the network's, `statistics` [S] as a flat vector, the parameters' last S. */
  train?(parameters: Tensor, ...inputs: Inputs): { output: Output; statistics: Tensor };
  /** Names and shapes of the parameters within the vector. */
  readonly structure: tree.Structure<tree.Tree>;
  /** Random initial parameters [P]; the same key gives the same parameters. */
  init(key: Key): Tensor;
  /** The output for inputs; pure, and made of tfjs ops only. */
  apply(parameters: Tensor, ...inputs: Inputs): Output;
}

/** The same network on a flat vector of parameters [P]. @throws TangentLabError `invalid-argument` if it is not a network. */
export function flatten<Inputs extends readonly unknown[], Output>(
  network: Network<Inputs, Output>,
): Model<Inputs, Output> {
  const isNetwork = typeof network?.init === "function" && typeof network.apply === "function";
  check(isNetwork, "network", network, "a network with init and apply, such as mlp({ dim: 2 })");
  const example = tf.tidy(() => network.init(random.key(0)) as tf.TensorContainer) as tree.Tree;
  const structure = tree.structure(example);
  tree.dispose(example);
  const { drawMasks, published, settings, train } = network;
  return {
    structure,
    init: (key) => tf.tidy(() => tree.ravel(network.init(key)) as tf.Tensor),
    apply: (parameters, ...inputs) => network.apply(structure.unravel(parameters), ...inputs),
    ...(train && {
      train: (parameters: Tensor, ...inputs: Inputs) => {
        const { output, statistics } = train(structure.unravel(parameters), ...inputs);
        return { output, statistics: tree.ravel(statistics) };
      },
    }),
    ...(drawMasks && { drawMasks }),
    ...(published && { published }),
    ...(settings && { settings }),
  };
}

/**
 * Checks that a network gets an input of its shape: x [batch, ...shape]. Names in `shape` stand for any size.
 * @throws TangentLabError `invalid-argument` naming both shapes.
 */
export function checkInput(x: Tensor, shape: readonly (number | string)[]): void {
  const fits =
    x.rank === shape.length + 1 && shape.every((d, i) => typeof d === "string" || d === x.shape[i + 1]);
  check(fits, "x", x.shape, `[batch, ${shape.join(", ")}], what the network was made for`);
}
