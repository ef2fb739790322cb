import * as tf from "@tensorflow/tfjs-core";
import type { Tensor } from "../engine/tensor.js";
import { check, required } from "../errors.js";
import { checkFeatures, type FeatureNetwork } from "../nn/features.js";
import type { Context } from "../optim/method.js";
import { type ConsistencyLoss, l2 } from "./losses.js";

/** Stages of a network for a perceptual distance: images -> features [batch, h, w, channels], first to last. */
export type Stages = (x: Tensor, context: Context) => readonly Tensor[];

/**
 * The features in which LPIPS (Zhang et al., 1801.03924) is a squared Euclidean distance: each position's channels scaled to norm 1, times the root of (the
 * channels' weights / the number of positions). All stages stand beside each other. Stages [batch, h, w, channels], weights [channels] >= 0 of each, by default
 * 1 -> [batch, k].
 */
export function perceptualFeatures(stages: readonly Tensor[], weights?: readonly Tensor[]): Tensor {
  const parts = stages.map((stage, i) => {
    const [batch, h, w] = stage.shape as [number, number, number, number];
    const squares = tf.sum(tf.square(stage), 3, true);
    // The floor keeps the root's gradient finite where all channels are 0.
    const unit = tf.div(stage, tf.add(tf.sqrt(tf.maximum(squares, 1e-20)), 1e-10));
    const scale = weights ? tf.sqrt(tf.div(weights[i]!, h * w)) : 1 / Math.sqrt(h * w);
    return tf.reshape(tf.mul(unit, scale), [batch, -1]);
  });
  return parts.length === 1 ? parts[0]! : tf.concat(parts as tf.Tensor[], 1);
}

/** A perceptual loss from a network's stages. The same in continuous time, with tangents in the network's features. */
export function perceptual(
  name: string,
  stages: Stages,
  context: Context,
  weights?: (context: Context) => readonly Tensor[],
): ConsistencyLoss {
  const embed = (x: Tensor, context: Context): Tensor =>
    perceptualFeatures(stages(x, context), weights?.(context));
  const distance = l2();
  return {
    name,
    context,
    apply: (output, target, context) => {
      const loss = distance(embed(output, context), embed(target, context));
      return { loss, distance: tf.mean(loss) };
    },
    terms: [{ embed, distance }],
  };
}

/** Options of `perceptualLoss`. */
export interface PerceptualConfig {
  /** Which stages count, negative ones from the end. Default all. */
  stages?: readonly number[];
  /** For legends. Default "perceptual". */
  name?: string;
}

/**
 * LPIPS's distance (Zhang et al., 1801.03924) with equal weights in the stages of any network: one trained on ImageNet (`nn.efficientNetLite0` with
 * `efficientNetStages`), a classifier of the data themselves, a feature network. Images only.
 * @throws TangentLabError `invalid-argument` for a network without parameters, and, when used, for points and for stages that the network does not have.
 */
export function perceptualLoss(features: FeatureNetwork, config: PerceptualConfig = {}): ConsistencyLoss {
  checkFeatures("features", features);
  const { model, parameters } = features;
  const { stages, name = "perceptual" } = required("config", config);
  check.only("perceptualLoss", config, ["stages", "name"]);
  check(typeof name === "string", "name", name, "text");
  const listed =
    stages === undefined || (Array.isArray(stages) && stages.length > 0 && stages.every(Number.isInteger));
  check(listed, "stages", stages, "one or more integers");
  return perceptual(
    name,
    (x, { perceptual }) => {
      checkImages(x, "perceptual");
      const all = model.apply(perceptual!, x).stages;
      return (
        stages?.map((i) => {
          const stage = all.at(i);
          check(stage !== undefined, "stages", i, `an integer from ${-all.length} to ${all.length - 1}`);
          return stage;
        }) ?? all
      );
    },
    { perceptual: parameters },
  );
}

/** The last of `nn.efficientNetLite0`'s stages at each resolution, as LPIPS takes VGG's. */
export const efficientNetStages: readonly number[] = [0, 1, 2, 4, 6];

/**
 * A stand-in for LPIPS without a network trained on ImageNet: the same distance in the stages of a small classifier of the data themselves
 * (`metrics.trainClassifier`). It needs labels; the manifold feature distance does not. Images only.
 * @throws TangentLabError `invalid-argument` for a network without parameters and, when used, for points.
 */
export const classifierStandIn = (classifier: FeatureNetwork): ConsistencyLoss =>
  perceptualLoss(classifier, { name: "perceptual (classifier stand-in)" });

/** Checks that a distance of images, called `name`, gets images. @throws TangentLabError `invalid-argument`. */
export function checkImages(x: Tensor, name: string, channels?: readonly number[]): void {
  const given = `${name}, of [${x.shape}]`;
  check(x.rank === 4, "distance", given, "a distance of points: these are no images");
  if (channels === undefined) return;
  check(channels.includes(x.shape[3]!), "distance", given, `images of ${channels.join(" or ")} channels`);
}
