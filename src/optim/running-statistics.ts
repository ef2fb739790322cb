import * as tf from "@tensorflow/tfjs-core";
import type { Tensor } from "../engine/tensor.js";
import type { Method, Metrics } from "./method.js";

/** A network that may have batch normalization, and then gives the next running statistics [S], its last S parameters, beside its output. */
interface Trainable<Output> {
  apply(parameters: Tensor, x: Tensor): Output;
  train?(parameters: Tensor, x: Tensor): { output: Output; statistics: Tensor };
}

/** A network's output in training; with batch normalization that of the batch's moments, and the `statistics` that a loss gives among its metrics. */
export const trainingPass = <Output>(
  network: Trainable<Output>,
  parameters: Tensor,
  x: Tensor,
): { output: Output; statistics?: Tensor } =>
  network.train?.(parameters, x) ?? { output: network.apply(parameters, x) };

/** The same method; of a network with batch normalization, with its loss's `statistics` as the last of the next parameters. */
export function withStatistics<Output>(network: Trainable<Output>, inner: Method): Method {
  if (!network.train) return inner;
  return {
    ...inner,
    step: (state, batch) => {
      const { state: next, metrics } = inner.step(state, batch);
      const { statistics, ...rest } = metrics as Metrics & { statistics: Tensor };
      const weights = tf.slice1d(next.parameters as tf.Tensor1D, 0, next.parameters.size - statistics.size);
      const parameters = tf.concat1d([weights, statistics as tf.Tensor1D]) as Tensor;
      return { state: { ...next, parameters }, metrics: rest as Metrics };
    },
  };
}
