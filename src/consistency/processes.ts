import * as tf from "@tensorflow/tfjs-core";
import type { LogNormal } from "../diffusion/times.js";
import type { Tensor } from "../engine/tensor.js";

/** The process whose variables a continuous-time objective uses: EDM's noise levels, or TrigFlow's angles (Lu and Song, 2410.11081). */
export type ProcessName = "edm" | "trigflow";

/** How a continuous-time objective measures tangents and weights times; levels t [batch] are EDM's noise levels in all of them. */
export interface Process {
  /** What df/dt, with t EDM's noise level, is multiplied with before it is normalised: [batch]. */
  scale(t: Tensor, sigmaData: number): Tensor;
  /** Weight of <f, tangent>: [batch]. */
  weight(t: Tensor, sigmaData: number): Tensor;
  /** Distribution of t. */
  time: LogNormal;
}

/**
 * "edm": tangents df/dt, weight 1/t. "trigflow" (sCM, 2410.11081): with the angle a = atan(t/s), tangents cos(a) df/da = sqrt(t^2 + s^2) df/dt and
 * weight 1/(s sin a) = sqrt(t^2 + s^2)/(s t), which makes it sCM's |F - F' - tangent|^2 of the network's own outputs, and tan(a) = e^z/s with
 * z ~ N(-1, 1.4^2).
 */
export const processes: Readonly<Record<ProcessName, Process>> = {
  edm: {
    scale: (t) => tf.onesLike(t),
    weight: (t) => tf.div(1, t),
    time: { mean: -1.1, std: 2 },
  },
  trigflow: {
    scale: (t, s) => radius(t, s),
    weight: (t, s) => tf.div(radius(t, s), tf.mul(t, s)),
    time: { mean: -1, std: 1.4 },
  },
};

const radius = (t: Tensor, s: number): Tensor => tf.sqrt(tf.add(tf.square(t), s ** 2));
