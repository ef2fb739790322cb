import * as tf from "@tensorflow/tfjs-core";
import type { Tensor } from "../engine/tensor.js";
import type { Method, Metrics } from "./method.js";

/**
 * The same method, with the `statistics` [S] that its loss gives beside the metrics as the last S of the next parameters: so a network with batch normalization
 * keeps its running statistics.
 */
export function withStatistics(inner: Method): Method {
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
