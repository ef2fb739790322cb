import * as tf from "@tensorflow/tfjs-core";
import type { Key } from "../engine/random.js";
import type { Tensor } from "../engine/tensor.js";
import * as tree from "../engine/tree.js";
import { check, required } from "../errors.js";
import { type EmaConfig, ema, emaConfig, warmDecay } from "./ema.js";
import { type LossAndAux, valueAndGrad } from "./gradient.js";
import type { Optimizer, OptimizerState } from "./optimizer.js";
import { radam } from "./radam.js";
import { asSchedule, type Schedule } from "./schedules.js";

/** Frozen tensors that a loss needs, such as `features`, the parameters of a feature network. Often none: {}. */
export type Context = { readonly [name: string]: Tensor };

export { defaultEma } from "./ema.js";

/** Everything that changes in training, and its context; `parameters`, moments and `ema` are flat vectors [P]. */
export type TrainState = {
  readonly parameters: Tensor;
  readonly optimizer: OptimizerState;
  /** Exponential moving average of the parameters: the model to use. */
  readonly ema: Tensor;
  /** In the state so that a checkpoint is complete. */
  readonly context: Context;
  /** Average of the parameters [P] from which the loss takes its targets, where that is not the parameters themselves. */
  readonly target?: Tensor;
};

/** Scalars, named. */
export type Metrics = { readonly loss: Tensor; readonly [name: string]: Tensor };

/** What a step takes besides the state: the learning rate, and what the method draws. */
export type Batch = { readonly learningRate: Tensor; readonly [name: string]: tree.Tree };

/** A way to train a model: all that the training loop has to know. */
export interface Method {
  /** A state with random initial parameters. */
  init(key: Key): TrainState;
  /** A state that starts from given parameters [P] (copied), for example a trained denoiser's average. */
  from(parameters: Tensor): TrainState;
  /**
   * On the host: draws noise, times and all else that is random for examples x [count, ...shape], flat, at an iteration (0, 1, ...). `labels` [count] are the
   * dataset's, where it has any. The caller disposes the batch after the step.
   */
  batch(key: Key, x: Float32Array, iteration: number, labels?: Int32Array): Batch;
  /**
   * The gradient [P] of the loss of a batch at a state, before the optimizer: pure, made of tensor ops only.
   */
  gradient(state: TrainState, batch: Batch): Tensor;
  /** One update: pure, made of tensor ops only. `compile(method.step, { donate: true })`. */
  step(state: TrainState, batch: Batch): { state: TrainState; metrics: Metrics };
}

/** How parameters are updated and averaged. */
export interface TrainingConfig {
  /** Default `radam()`. */
  optimizer?: Optimizer;
  /** A rate or a function of the iteration. Default 1e-3. */
  learningRate?: number | Schedule;
  /** Decay of the average, in [0, 1), reached after a warm-up; `{ decay: 0.9999, warmup: false }` is constant. Default 0.999. */
  ema?: number | EmaConfig;
}

/** What a method is made of by `method`. */
export interface MethodParts<B extends tree.Tree> extends TrainingConfig {
  /** Random initial parameters [P]. */
  init(key: Key): Tensor;
  /** Default {}. */
  context?: Context;
  /** Frozen parts of the parameters, also without weight decay: [begin, end) each, in rising order. Default none. */
  fixed?: readonly (readonly [begin: number, end: number])[];
  /** The batch without its learning rate. */
  batch(key: Key, x: Float32Array, iteration: number, labels?: Int32Array): B;
  /**
   * Prepares the scalar loss as a function of the parameters [P]. What is computed outside of the returned function carries no gradient: the place
   * for targets. `aux` are further scalars for the metrics.
   */
  loss(
    parameters: Tensor,
    batch: B,
    context: Context,
  ): (parameters: Tensor) => LossAndAux<{ readonly [name: string]: Tensor }>;
}

/**
 * A method from its loss: gradient, optimizer, average, all on flat vectors of parameters [P].
 * @throws TangentLabError `invalid-argument` for an optimizer, a learning rate or an average that is none.
 */
export function method<B extends { readonly [name: string]: tree.Tree }>(parts: MethodParts<B>): Method {
  const { optimizer = radam(), learningRate = 1e-3 } = required("parts", parts, "an object of parts");
  for (const name of ["init", "batch", "loss"] as const) check.callable(name, parts[name], "a function");
  const steps = typeof optimizer?.init === "function" && typeof optimizer.update === "function";
  check(steps, "optimizer", optimizer, "an optimizer: radam(), adam(), adamW()");
  const rate = asSchedule(learningRate);
  const { decay, warmup } = emaConfig(parts.ema);
  const from = (parameters: Tensor): TrainState => ({
    parameters: tf.clone(parameters),
    optimizer: optimizer.init(parameters),
    ema: tf.clone(parameters),
    context: copy(parts.context ?? {}),
  });
  const lossOf = ({ parameters, context }: TrainState, batch: { readonly [name: string]: tree.Tree }) =>
    parts.loss(parameters, batch as B, context);
  return {
    init: (key) => {
      const parameters = parts.init(key);
      const state = from(parameters);
      parameters.dispose();
      return state;
    },
    from,
    batch: (key, x, iteration, labels) => ({
      ...parts.batch(key, x, iteration, labels),
      learningRate: tf.scalar(rate(iteration)),
    }),
    gradient: (state, batch) => valueAndGrad(lossOf(state, batch), state.parameters).gradient,
    step: (state, batch) => {
      const { loss: value, aux, gradient } = valueAndGrad(lossOf(state, batch), state.parameters);
      const next = optimizer.update(gradient, state.optimizer, state.parameters, batch.learningRate);
      const parameters = withFixed(next.parameters, state.parameters, parts.fixed ?? []);
      return {
        state: {
          parameters,
          optimizer: next.state,
          ema: ema(state.ema, parameters, warmup ? warmDecay(next.state.step, decay) : decay),
          context: copy(state.context),
        },
        metrics: { loss: value, ...aux, gradientNorm: tf.sqrt(tf.sum(tf.square(gradient))) },
      };
    },
  };
}

/** The next parameters [P], with the old ones' fixed parts. */
function withFixed(next: Tensor, old: Tensor, fixed: NonNullable<MethodParts<never>["fixed"]>): Tensor {
  if (fixed.length === 0) return next;
  let done = 0;
  const pieces = fixed.flatMap(([begin, end]) => {
    const pair = [tf.slice(next, [done], [begin - done]), tf.slice(old, [begin], [end - begin])];
    done = end;
    return pair;
  });
  pieces.push(tf.slice(next, [done], [next.size - done]));
  return tf.concat(pieces.filter(({ size }) => size > 0) as tf.Tensor[]);
}

/** The old state, and with it its tensors, may be given up after a step: what stays the same is handed on as a copy. */
const copy = (context: Context): Context => tree.map((leaf) => tf.clone(leaf), context);
