import * as tf from "@tensorflow/tfjs-core";
import { perExample } from "../diffusion/edm.js";
import type { Tensor } from "../engine/tensor.js";
import { check } from "../errors.js";
import { checkLayers, chosen, flat, type Layers } from "../manifold/feature-space.js";
import { checkFeatures, type FeatureNetwork, type Features } from "../nn/features.js";
import type { Context } from "../optim/method.js";
import { type ConsistencyLoss, type Distance, l2, measured } from "./losses.js";

/** Options of `mfdDistance`. */
export interface MfdDistanceOptions {
  /** Which features count. Default "all". */
  layers?: Layers;
  /** epsilon: rounds the root off at 0. Default 1e-5. */
  epsilon?: number;
}

/** Options of `mfd`. */
export interface MfdOptions extends MfdDistanceOptions {
  /** A distance of the data themselves to which MFD's loss is added. Default none: MFD alone. */
  beside?: Distance;
  /** lambda: the factor of MFD's loss. Default 1. */
  lambda?: number;
  /** Iterations over which lambda rises from 0, beside another distance. Default 0: all of it from the start. */
  ramp?: number;
}

/** d(x, y): the sum over features phi and channels c of sqrt(sum over positions (phi_c(x) - phi_c(y))^2 + epsilon^2) - epsilon, [batch]. */
const d = (x: Features, y: Features, layers: Layers, epsilon: number): Tensor => {
  const phi = chosen(y, layers);
  return chosen(x, layers)
    .map((feature, i): Tensor => {
      const squares = tf.square(tf.sub(feature, phi[i]!));
      const positions = squares.shape.slice(1, -1).map((_, axis) => axis + 1);
      const summed = positions.length > 0 ? tf.sum(squares, positions) : squares;
      return tf.sum(tf.sub(tf.sqrt(tf.add(summed, epsilon ** 2)), epsilon), 1);
    })
    .reduce((sum, part) => tf.add(sum, part));
};

/** g / |g| for each example; norms under 1e-5 count as 1e-5. */
function unitNorm(g: Tensor): Tensor {
  const squares = tf.sum(tf.reshape(tf.square(g), [g.shape[0]!, -1]), 1);
  return tf.div(g, perExample(tf.maximum(tf.sqrt(squares), 1e-5), g));
}

/** 1/2 |f - stopgrad(f - g)|^2, [batch]: its gradient is g, as given, however g was made. */
const proximal = (f: Tensor, g: Tensor): Tensor =>
  tf.customGrad((...inputs) => {
    const save = inputs[1] as tf.GradSaveFunc;
    save([g as tf.Tensor]);
    return {
      value: tf.mul(tf.sum(tf.reshape(tf.square(g), [g.shape[0]!, -1]), 1), 0.5),
      gradFunc: (dy: Tensor, [g]: Tensor[]) => tf.mul(g!, perExample(dy, g!)),
    };
  })(f);

/**
 * Align Your Tangent (2510.00658): the loss lambda/2 |f - stopgrad(f - g)|^2. Here g is the gradient of the manifold feature distance d(f, target) at the
 * output f, scaled to norm 1 for each example. The loss is always lambda/2 (0 where there is no gradient); its gradient is lambda g. The metric `distance` is
 * d. In continuous time the tangent is taken in feature space, and normalised over all features together.
 * @throws TangentLabError `invalid-argument` for options out of range, features that were not awaited, or a ramp without `beside`.
 */
export function mfd(features: FeatureNetwork, options: MfdOptions = {}): ConsistencyLoss {
  check.only("mfd", options, ["beside", "lambda", "ramp", "layers", "epsilon"]);
  const { beside, lambda = 1, ramp = 0, layers = "all", epsilon = 1e-5 } = options;
  checkFeatures("features", features);
  checkDistance(layers, epsilon);
  const isDistance = beside === undefined || typeof beside === "function";
  check(isDistance, "beside", beside, "a distance of the data: l1(), l2(), pseudoHuber()");
  check.positive("lambda", lambda);
  check.number("ramp", ramp, (n) => n >= 0 && Number.isFinite(n), "a number of iterations >= 0");
  check(ramp === 0 || beside !== undefined, "ramp", ramp, "0 without beside");
  const { model } = features;
  const lambdaIn = (context: Context): Tensor => context.lambda ?? tf.scalar(lambda);
  return {
    name: beside ? "pixel + MFD" : "MFD",
    settings: {
      ...(beside && { beside: beside.name }),
      ...(layers !== "all" && { layers: [...layers] }),
      ...(epsilon !== 1e-5 && { epsilon }),
      ...(lambda !== 1 && { lambda }),
      ...(ramp > 0 && { ramp }),
    },
    context: { features: features.parameters },
    ...(ramp > 0 && { scalars: (iteration) => ({ lambda: lambda * Math.min(1, iteration / ramp) }) }),
    apply: (f, target, context) => {
      const phi = (x: Tensor): Features => model.apply(context.features!, x);
      const goal = phi(target);
      const { value, grad } = tf.valueAndGrad(
        (f: tf.Tensor) => tf.sum(d(phi(f), goal, layers, epsilon)) as tf.Scalar,
      )(f as tf.Tensor);
      const loss = tf.mul(proximal(f, unitNorm(grad)), lambdaIn(context));
      return {
        loss: beside ? tf.add(measured("beside", beside, f, target), loss) : loss,
        distance: tf.div(value, f.shape[0]!),
      };
    },
    terms: [
      ...(beside ? [{ distance: beside }] : []),
      {
        embed: (f, context) => flat(model.apply(context.features!, f), layers),
        distance: l2(),
        weight: lambdaIn,
      },
    ],
  };
}

/**
 * The manifold feature distance alone (2510.00658) of corresponding examples: x, y [batch, ...] -> [batch].
 * @throws TangentLabError `invalid-argument` for options out of range, and, when it is applied, for layers that the network does not have.
 */
export function mfdDistance(features: FeatureNetwork, options: MfdDistanceOptions = {}): Distance {
  check.only("mfdDistance", options, ["layers", "epsilon"]);
  const { layers = "all", epsilon = 1e-5 } = options;
  checkFeatures("features", features);
  checkDistance(layers, epsilon);
  const { model, parameters } = features;
  return (x, y) => d(model.apply(parameters, x), model.apply(parameters, y), layers, epsilon);
}

function checkDistance(layers: Layers, epsilon: number): void {
  check.number("epsilon", epsilon, (size) => size > 0 && Number.isFinite(size), "a number > 0");
  checkLayers(layers);
}
