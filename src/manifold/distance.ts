import * as tf from "@tensorflow/tfjs-core";
import type { Tensor } from "../engine/tensor.js";
import { check } from "../errors.js";
import type { FeatureModel, Features } from "../nn/features.js";

export interface FeatureDistanceConfig {
  /**
   * Which features count: all, or indices into [...stages, labels], negative ones from the end. Fewer, later ones forget more of
   * where on the manifold a point is. Default "all".
   */
  layers?: "all" | readonly number[];
  /** Rounds the root off at 0. Default 1e-5. */
  epsilon?: number;
}

/** The manifold feature distance of corresponding examples: feature parameters [Q], x and y [batch, ...] -> [batch]. */
export type FeatureDistance = (parameters: Tensor, x: Tensor, y: Tensor) => Tensor;

/**
 * MFD (Align Your Tangent, 2510.00658): the sum over features and channels of sqrt(sum over positions (phi(x) - phi(y))^2 + eps^2) - eps.
 * @throws TangentLabError `invalid-argument` for epsilon <= 0, in use for layers that the network does not have.
 */
export function distance(model: FeatureModel, config: FeatureDistanceConfig = {}): FeatureDistance {
  const between = betweenFeatures(config);
  return (parameters, x, y) => between(model.apply(parameters, x), model.apply(parameters, y));
}

/** The same, of features already computed. */
export function betweenFeatures({
  layers = "all",
  epsilon = 1e-5,
}: FeatureDistanceConfig): (a: Features, b: Features) => Tensor {
  check(epsilon > 0, "epsilon", epsilon, "a number > 0");
  const some = Array.isArray(layers) && layers.length > 0 && layers.every(Number.isInteger);
  check(layers === "all" || some, "layers", layers, '"all", or one or more integers');
  return (a, b) => {
    const others = pick(b, layers);
    return pick(a, layers)
      .map((feature, i) => channelDistance(feature, others[i]!, epsilon))
      .reduce((sum, part) => tf.add(sum, part));
  };
}

/** The features that count, each flat, beside each other: [batch, k]. */
export const flatFeatures = (features: Features, { layers = "all" }: FeatureDistanceConfig): Tensor =>
  tf.concat(
    pick(features, layers).map((feature) => tf.reshape(feature, [feature.shape[0]!, -1])),
    1,
  );

function pick(features: Features, layers: "all" | readonly number[]): Tensor[] {
  const all = [...features.stages, features.labels];
  if (layers === "all") return all;
  return layers.map((i) => {
    const feature = all.at(i);
    check(feature !== undefined, "layers", i, `an integer from ${-all.length} to ${all.length - 1}`);
    return feature;
  });
}

/** Sum over the channels (last axis) of the Euclidean distance over all positions: [batch, ..., channels] -> [batch]. */
function channelDistance(a: Tensor, b: Tensor, epsilon: number): Tensor {
  const squares = tf.square(tf.sub(a, b));
  const positions = a.shape.slice(1, -1).map((_, i) => i + 1);
  const summed = positions.length > 0 ? tf.sum(squares, positions) : squares;
  return tf.sum(tf.sub(tf.sqrt(tf.add(summed, epsilon ** 2)), epsilon), 1);
}
