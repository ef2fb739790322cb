// A network of your own: `init` makes parameters of a key, `apply` is a pure function of them, a batch and the noise level.
import * as tf from "@tensorflow/tfjs-core";
import { consistency, datasets, diffusion, engine, type nn } from "tangent-lab";

const steps = process.env.QUICK === "1" ? 16 : 2000;
type Layer = { weight: engine.Tensor; bias: engine.Tensor };
type Weights = { first: Layer; second: Layer };

function layer(key: engine.random.Key, inputs: number, outputs: number): Layer {
  const values = engine.random.normal(key, inputs * outputs).map((x) => x / Math.sqrt(inputs));
  return { weight: tf.tensor(values, [inputs, outputs]), bias: tf.zeros([outputs]) };
}
const linear = (x: engine.Tensor, { weight, bias }: Layer) =>
  tf.add(tf.matMul(x as tf.Tensor2D, weight as tf.Tensor2D), bias);

/** One hidden layer that also sees the noise level. */
function tiny(dim: number, width = 128): nn.TimeNetwork {
  return {
    init(key) {
      const [a, b] = engine.random.split(key);
      return { first: layer(a, dim + 1, width), second: layer(b, width, dim) };
    },
    apply(parameters, x, c) {
      const { first, second } = parameters as Weights;
      const input = tf.concat([x, tf.reshape(c, [-1, 1])], 1);
      return linear(tf.relu(linear(input, first)), second);
    },
  };
}

const data = datasets.moons();
const denoiser = await diffusion.train(data, { network: tiny(2), steps });
const model = await consistency.train(data, { from: denoiser, steps });
console.log(`${model.record.parameters} parameters, curve:`, model.record.curve.at(-1));
