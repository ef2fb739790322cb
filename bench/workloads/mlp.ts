import * as tf from "@tensorflow/tfjs-core";
import * as random from "../../src/engine/random.js";
import type { Tensor } from "../../src/engine/tensor.js";
import { flatten, functional, type Network } from "../../src/nn/index.js";
import { denseInit } from "../../src/nn/initializers.js";
import { adam, method } from "../../src/optim/index.js";
import { decay, key, learningRate, start, training, type Workload } from "./workload.js";

/** (linear, SiLU) x hidden layers, linear. */
function perceptron(sizes: readonly number[]): Network<[x: Tensor], Tensor> {
  return {
    init: (key) => ({
      layers: sizes.slice(1).map((out, i) => denseInit(random.foldIn(key, i), sizes[i]!, out)),
    }),
    apply: (parameters, x) => {
      const { layers } = parameters as unknown as { layers: functional.Affine[] };
      return layers.reduce((h, layer, i) => functional.linear(i === 0 ? h : functional.silu(h), layer), x);
    },
  };
}

export function perceptronStep(width: number, count: number): Workload {
  const sizes = [3, width, width, width, width, 2];
  const model = flatten(perceptron(sizes));
  return training({
    name: `mlp-${width}`,
    title: `MLP 3-4x${width}-2, batch ${count}, Adam`,
    small: true,
    structure: model.structure,
    start: start(model),
    x: random.normal(key, 3 * count),
    method: method({
      init: model.init,
      optimizer: adam(),
      learningRate,
      ema: decay,
      batch: (key, x) => ({
        x: tf.tensor2d(x, [count, 3]) as Tensor,
        y: tf.tensor2d(random.normal(key, 2 * count), [count, 2]) as Tensor,
      }),
      loss:
        (_parameters, { x, y }) =>
        (parameters) => ({ loss: tf.mean(tf.square(tf.sub(model.apply(parameters, x), y))), aux: {} }),
    }),
    peer: {
      case: "mlp",
      config: { sizes, optimizer: "adam", learning_rate: learningRate, ema: decay },
    },
  });
}
