import * as tf from "@tensorflow/tfjs-core";
import type { Tensor } from "../engine/tensor.js";
import { check, required } from "../errors.js";
import { flatten, type TimeNetwork } from "../nn/network.js";
import { type Denoiser, type DenoiserConfig, perExample, shapedLike } from "./edm.js";

/**
 * A network in TrigFlow's parametrization (sCM, 2410.11081), in EDM's variables: with the angle a = atan(t/s) and x_a = cos(a) x, D(x, t) = cos(a) x_a - sin(a)
 * s F(x_a/s, a). That is EDM's preconditioning with -F and the angle itself for ln(t)/4, so that nothing grows without bound for t -> 0. `t` [batch] >= 0 is
 * EDM's noise level; trained and sampled like any denoiser.
 * @throws TangentLabError `invalid-argument` for sigmaData <= 0, and, when it is applied, for an output whose shape is not that of x.
 */
export function trigflow(network: TimeNetwork, config: DenoiserConfig = {}): Denoiser {
  const { sigmaData = 0.5 } = required("config", config);
  check.positive("sigmaData", sigmaData);
  const model = flatten(network);
  return {
    ...model,
    sigmaData,
    preconditioning: "trigflow",
    apply: (parameters, x, t, condition): Tensor => {
      const inverse = tf.rsqrt(tf.add(tf.square(t), sigmaData ** 2));
      const cos = tf.mul(inverse, sigmaData);
      const sin = tf.mul(inverse, t);
      const angle = tf.atan(tf.div(t, sigmaData));
      const F = shapedLike(x, model.apply(parameters, tf.mul(x, perExample(inverse, x)), angle, condition));
      const clean = tf.mul(x, perExample(tf.square(cos), x));
      return tf.sub(clean, tf.mul(F, perExample(tf.mul(sin, sigmaData), x)));
    },
  };
}
