import * as tf from "@tensorflow/tfjs-core";
import type { Tensor } from "../engine/tensor.js";
import { ema } from "../optim/ema.js";
import type { Method, TrainState } from "../optim/method.js";

/** A method that keeps in its state's `target` an average of the parameters, with a decay in [0, 1) by the iteration; its loss finds it in `context.target`. */
export function movingTarget(base: Method, decay: (iteration: number) => number): Method {
  const started = (state: TrainState): TrainState => ({
    ...state,
    target: tf.clone(state.parameters),
  });
  return {
    init: (key) => started(base.init(key)),
    from: (parameters) => started(base.from(parameters)),
    batch: (key, x, iteration, labels) => ({
      ...base.batch(key, x, iteration, labels),
      targetDecay: tf.scalar(decay(iteration)) as Tensor,
    }),
    gradient: ({ target, ...state }, batch) =>
      base.gradient({ ...state, context: { ...state.context, target: target! } }, batch),
    step: ({ target: old, ...state }, batch) => {
      const { state: next, metrics } = base.step(
        { ...state, context: { ...state.context, target: old! } },
        batch,
      );
      const { target: _, ...context } = next.context;
      const target = ema(old!, next.parameters, batch.targetDecay as Tensor);
      return { state: { ...next, context, target }, metrics };
    },
  };
}
