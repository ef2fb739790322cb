import * as tf from "@tensorflow/tfjs-core";
import * as random from "../engine/random.js";
import { check, required } from "../errors.js";
import { checkClasses, classRows } from "./classes.js";
import { type Affine, layerNorm, linear, type Scale, silu, timeEmbedding } from "./functional.js";
import { denseInit, normInit } from "./initializers.js";
import type { TimeNetwork } from "./network.js";
import { checkInput } from "./network.js";

/** Options of `mlp`. */
export interface MlpConfig {
  /** Dimension of the points. */
  dim: number;
  /** Units of each hidden layer. Default 128. */
  width?: number;
  /** Hidden layers, at least 1. Default 4. */
  depth?: number;
  /** Frequencies of the time embedding. Default 16. */
  frequencies?: number;
  /** Layer normalization before each activation. Default false. */
  layerNorm?: boolean;
  /** Number of classes, for `classLabels`; 0 is without. Default 0. */
  classes?: number;
  /** Takes the `interval` of a condition, too. Default false. */
  interval?: boolean;
}

type Layer = { readonly linear: Affine; readonly norm?: Scale };

/**
 * Multilayer perceptron on points [batch, dim] with a time condition c [batch]: [x, embedding(c), embedding(interval), classes] -> (linear, SiLU) x depth ->
 * linear.
 * @throws TangentLabError `invalid-argument` for an invalid configuration; `apply` throws it for x of another shape.
 */
export function mlp(config: MlpConfig): TimeNetwork {
  required("config", config, "an object with dim");
  const known = ["dim", "width", "depth", "frequencies", "layerNorm", "classes", "interval"];
  check.only("mlp", config, known);
  const { dim, width = 128, depth = 4, frequencies = 16, layerNorm: norms = false } = config;
  for (const [name, value] of Object.entries({ dim, width, depth, frequencies })) check.count(name, value);
  const { classes = 0, interval = false } = config;
  checkClasses(classes);
  for (const [name, value] of Object.entries({ layerNorm: norms, interval })) check.flag(name, value);
  const inputs = dim + (interval ? 4 : 2) * frequencies + classes;
  return {
    settings: { kind: "mlp", ...config },
    init: (key) => {
      const keys = random.split(key, depth + 1);
      const hidden = Array.from({ length: depth }, (_, i): Layer => {
        const linear = denseInit(keys[i]!, i === 0 ? inputs : width, width, Math.SQRT2);
        return norms ? { linear, norm: normInit(width) } : { linear };
      });
      return { hidden, output: denseInit(keys[depth]!, width, dim, 0) };
    },
    apply: (parameters, x, c, condition = {}) => {
      checkInput(x, [dim]);
      const { hidden, output } = parameters as { hidden: Layer[]; output: Affine };
      const labels = classRows(condition, classes, x.shape[0]!);
      const times = [c, ...(interval ? [condition.interval ?? tf.zerosLike(c)] : [])];
      const embedded = times.map((time) => timeEmbedding(time, frequencies));
      let h = tf.concat([x, ...embedded, ...(labels ? [labels] : [])], 1);
      for (const layer of hidden) {
        h = linear(h, layer.linear);
        if (layer.norm) h = layerNorm(h, layer.norm);
        h = silu(h);
      }
      return linear(h, output);
    },
  };
}
