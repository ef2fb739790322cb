import * as tf from "@tensorflow/tfjs-core";
import * as random from "../engine/random.js";
import { check } from "../errors.js";
import { type Affine, layerNorm, linear, type Scale, silu, timeEmbedding } from "./functional.js";
import { denseInit, type Leaves, normInit } from "./initializers.js";
import { checkInput } from "./input.js";
import type { TimeNetwork } from "./network.js";

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
}

interface Layer {
  readonly [name: string]: Leaves;
}

/** Multilayer perceptron on points [batch, dim] with a time condition: [x, embedding(c)] -> (linear, SiLU) x depth -> linear. */
export function mlp(config: MlpConfig): TimeNetwork {
  const { dim, width = 128, depth = 4, frequencies = 16, layerNorm: norms = false } = config;
  for (const [name, value] of Object.entries({ dim, width, depth, frequencies })) {
    check(Number.isInteger(value) && value >= 1, name, value, "an integer >= 1");
  }
  return {
    init: (key) => {
      const keys = random.split(key, depth + 1);
      const hidden = Array.from({ length: depth }, (_, i): Layer => {
        const linear = denseInit(keys[i]!, i === 0 ? dim + 2 * frequencies : width, width, Math.SQRT2);
        return norms ? { linear, norm: normInit(width) } : { linear };
      });
      return { hidden, output: denseInit(keys[depth]!, width, dim, 0) };
    },
    apply: (parameters, x, c) => {
      checkInput(x, [dim]);
      const { hidden, output } = parameters as unknown as { hidden: Layer[]; output: Affine };
      let h = tf.concat([x, timeEmbedding(c, frequencies)], 1);
      for (const layer of hidden) {
        h = linear(h, layer.linear as unknown as Affine);
        if (layer.norm) h = layerNorm(h, layer.norm as unknown as Scale);
        h = silu(h);
      }
      return linear(h, output);
    },
  };
}
