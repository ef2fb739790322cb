import * as tf from "@tensorflow/tfjs-core";
import { type ConsistencyLoss, type Distance, l2 } from "../consistency/losses.js";
import { perExample } from "../diffusion/edm.js";
import type { Tensor } from "../engine/tensor.js";
import { check, required } from "../errors.js";
import { checkFeatures, type FeatureModel } from "../nn/features.js";
import type { Context } from "../optim/method.js";
import { betweenFeatures, type FeatureDistanceConfig, flatFeatures } from "./distance.js";

export interface AlignedConfig extends FeatureDistanceConfig {
  /** A distance between the data themselves to which the aligned loss is added. Default none: the aligned loss alone. */
  pixel?: Distance;
  /** lambda: what the aligned loss is multiplied with. Default 1. */
  weight?: number;
  /** Iterations over which the weight rises from 0, beside a pixel distance. Default 0: all of it from the start. */
  ramp?: number;
}

/**
 * Align Your Tangent's loss (2510.00658): with g the gradient of the manifold feature distance at the output, scaled to norm 1 for each example,
 * 1/2 |f - stopgrad(f - g)|^2. Its value is always 1/2 (0 where there is no gradient); its gradient is g. `distance` is the feature distance.
 * In continuous time the tangent is taken in feature space, and normalised over all features together.
 * @throws TangentLabError `invalid-argument` for options out of range, or a ramp without a pixel distance.
 */
export function alignedLoss(
  model: FeatureModel,
  featureParameters: Tensor,
  config: AlignedConfig = {},
): ConsistencyLoss {
  required("config", config);
  const { pixel, weight = 1, ramp = 0, layers = "all", epsilon = 1e-5 } = config;
  checkFeatures("features", model, featureParameters);
  check(
    pixel === undefined || typeof pixel === "function",
    "pixel",
    pixel,
    "a distance of the data: l1(), l2(), pseudoHuber()",
  );
  check(weight > 0 && Number.isFinite(weight), "weight", weight, "a finite number > 0");
  check(ramp >= 0 && Number.isFinite(ramp), "ramp", ramp, "a number of iterations >= 0");
  check(ramp === 0 || pixel !== undefined, "ramp", ramp, "0 without a pixel distance");
  const between = betweenFeatures(config);
  const weightIn = (context: Context): Tensor => context.alignedWeight ?? tf.scalar(weight);
  return {
    name: pixel ? "pixel + aligned" : "aligned",
    settings: {
      ...(pixel && { pixel: pixel.name }),
      ...(layers !== "all" && { layers: [...layers] }),
      ...(epsilon !== 1e-5 && { epsilon }),
      ...(weight !== 1 && { lambda: weight }),
      ...(ramp > 0 && { ramp }),
    },
    context: { features: featureParameters },
    ...(ramp > 0 && {
      scalars: (iteration) => ({ alignedWeight: weight * Math.min(1, iteration / ramp) }),
    }),
    terms: [
      ...(pixel ? [{ distance: pixel }] : []),
      {
        embed: (output, context) => flatFeatures(model.apply(context.features!, output), config),
        distance: l2(),
        weight: weightIn,
      },
    ],
    apply: (output, target, context) => {
      const parameters = context.features!;
      const goal = model.apply(parameters, target);
      const { value, grad } = tf.valueAndGrad(
        (f: tf.Tensor) => tf.sum(between(model.apply(parameters, f), goal)) as tf.Scalar,
      )(output as tf.Tensor);
      const aligned = tf.mul(proximal(output, unitNorm(grad)), weightIn(context));
      return {
        loss: pixel ? tf.add(pixel(output, target), aligned) : aligned,
        distance: tf.div(value, output.shape[0]!),
      };
    },
  };
}

/** Each example scaled to Euclidean norm 1; norms under 1e-5 count as 1e-5. */
export function unitNorm(x: Tensor): Tensor {
  const squares = tf.sum(tf.reshape(tf.square(x), [x.shape[0]!, -1]), 1);
  return tf.div(x, perExample(tf.maximum(tf.sqrt(squares), 1e-5), x));
}

/** 1/2 |f - stopgrad(f - g)|^2 per example: its gradient is g, as given, however g was made. */
function proximal(f: Tensor, g: Tensor): Tensor {
  return tf.customGrad((...inputs) => {
    const [, save] = inputs as unknown as [Tensor, tf.GradSaveFunc];
    save([g as tf.Tensor]);
    return {
      value: tf.mul(tf.sum(tf.reshape(tf.square(g), [g.shape[0]!, -1]), 1), 0.5),
      gradFunc: (dy: Tensor, [g]: Tensor[]) => tf.mul(g!, perExample(dy, g!)),
    };
  })(f);
}
