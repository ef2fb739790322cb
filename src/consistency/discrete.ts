import * as tf from "@tensorflow/tfjs-core";
import { drawCondition } from "../diffusion/condition.js";
import { addNoise } from "../diffusion/edm.js";
import { heunStep, type OdeStep } from "../diffusion/ode.js";
import * as random from "../engine/random.js";
import type { Tensor } from "../engine/tensor.js";
import { check } from "../errors.js";
import type { Condition } from "../nn/network.js";
import { type Method, type MethodParts, method } from "../optim/method.js";
import { scalarsAt } from "./losses.js";
import { checkObjective, checkTeacher, modelsAt, type ObjectiveConfig, type Teacher } from "./objective.js";
import { movingTarget } from "./target.js";
import type { DrawTimes } from "./times.js";

/** The parts that discrete-time objectives are made of. */
export interface DiscreteConfig extends ObjectiveConfig {
  /** How times t > r are drawn. */
  times: DrawTimes;
  /** Weight of each pair [batch]. Default 1/(t - r). */
  weight?: (t: Tensor, r: Tensor) => Tensor;
  /** Where x_r comes from: one step of `solver` from x_t along the teacher's trajectory. Default from the data: x0 + r e, with the noise e of x_t. */
  teacher?: Teacher | undefined;
  /** Default `heunStep`. */
  solver?: OdeStep;
  /** Decay of the average of the parameters that gives the target, in [0, 1), by iteration. Default the parameters themselves. */
  targetDecay?: ((iteration: number) => number) | undefined;
}

/** 1/(t - r), [batch] (2310.14189): the same pull per time, however close the pairs are. */
export const inverseGap = (t: Tensor, r: Tensor): Tensor => tf.div(1, tf.sub(t, r));

/** Ones [batch]: all pairs alike. */
export const uniformWeight = (t: Tensor): Tensor => tf.onesLike(t);

/** What a step of a discrete-time objective gets: examples, noise [count, ...shape], times [count]. */
export type DiscreteBatch = {
  readonly x: Tensor;
  readonly noise: Tensor;
  readonly t: Tensor;
  readonly r: Tensor;
  readonly condition: Condition;
  readonly scalars: { readonly [name: string]: Tensor };
};

/**
 * Consistency in discrete time (2303.01469): mean over the batch of weight(t, r) loss(f(x_t, t), f(x_r, r)). The target carries no gradient, and has the
 * same dropout masks as the output; at r = 0 it is x_r, because f(x, 0) = x. Metrics: loss, distance, gradientNorm.
 */
export function discrete(config: DiscreteConfig): Method {
  const base = method(discreteParts(config));
  return config.targetDecay ? movingTarget(base, config.targetDecay) : base;
}

/** The same before it is put together: its loss alone, for example. */
export function discreteParts(config: DiscreteConfig): MethodParts<DiscreteBatch> {
  const loss = checkObjective(config);
  const { denoiser, shape, times, weight = inverseGap, solver = heunStep, teacher, classes } = config;
  check.callable("times", times, "continuousTimes(...) or levelTimes(...)");
  check.callable("weight", weight, "a function of both times, such as inverseGap");
  check.callable("solver", solver, "eulerStep or heunStep");
  checkTeacher(teacher);
  if (config.targetDecay !== undefined)
    check.callable("targetDecay", config.targetDecay, "a function of the iteration");
  return {
    ...config,
    context: { ...loss.context, ...(teacher && { teacher: teacher.parameters }) },
    init: denoiser.init,
    batch: (key, x, iteration, labels) => {
      const [noiseKey, timeKey] = random.split(key, 2);
      const count = x.length / shape.reduce((a, b) => a * b, 1);
      const { t, r } = checkPairs(times(timeKey, count, iteration), count);
      return {
        x: tf.tensor(x, [count, ...shape]),
        noise: tf.tensor(random.normal(noiseKey, x.length), [count, ...shape]),
        t: tf.tensor1d(t),
        r: tf.tensor1d(r),
        condition: drawCondition(denoiser, random.foldIn(key, 2), count, labels, classes),
        scalars: scalarsAt(loss, iteration),
      };
    },
    loss: (parameters, { x, noise, t, r, condition, scalars }, context) => {
      const { student, guide } = modelsAt(config, condition, context);
      const far = addNoise(x, noise, t);
      const near = teacher ? solver(guide, far, t, r) : addNoise(x, noise, r);
      const target = student(context.target ?? parameters)(near, r);
      return (parameters) => {
        const output = student(parameters)(far, t);
        const { loss: losses, distance } = loss.apply(output, target, { ...context, ...scalars });
        return { loss: tf.mean(tf.mul(losses, weight(t, r))), aux: { distance } };
      };
    },
  };
}

/** Times of a batch, as drawn. @throws TangentLabError `invalid-argument` unless there are `count` pairs t > r >= 0. */
function checkPairs(drawn: ReturnType<DrawTimes>, count: number): ReturnType<DrawTimes> {
  for (const name of ["t", "r"] as const)
    check(
      drawn?.[name]?.length === count,
      `times().${name}`,
      drawn?.[name],
      `a Float32Array of ${count} numbers`,
    );
  const { t, r } = drawn;
  const wrong = t.findIndex((far, i) => !(far > r[i]! && r[i]! >= 0));
  check(wrong < 0, "times()", `t = ${t[wrong]}, r = ${r[wrong]}`, "pairs t > r >= 0");
  return drawn;
}
