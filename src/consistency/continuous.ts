import * as tf from "@tensorflow/tfjs-core";
import { drawCondition } from "../diffusion/condition.js";
import { addNoise, perExample } from "../diffusion/edm.js";
import { type Denoise, velocity } from "../diffusion/ode.js";
import { checkLogNormal, type LogNormal, logNormal } from "../diffusion/times.js";
import * as random from "../engine/random.js";
import type { Tensor } from "../engine/tensor.js";
import { check } from "../errors.js";
import type { Condition } from "../nn/network.js";
import { jvp } from "../optim/jvp.js";
import { type Context, type Method, type MethodParts, method } from "../optim/method.js";
import { type LossTerm, measured, scalarsAt } from "./losses.js";
import { checkObjective, checkTeacher, modelsAt, type ObjectiveConfig, type Teacher } from "./objective.js";
import { type ProcessName, processes } from "./processes.js";

export interface ContinuousConfig extends ObjectiveConfig {
  /** The variables in which tangents are measured and weighted. Default those of the denoiser's preconditioning, EDM's for published ones. */
  process?: ProcessName;
  /** Distils this trained denoiser: its velocity is followed. Default: trains from data, with the velocity of each noised example, its noise e. */
  teacher?: Teacher | undefined;
  /** Distribution of the noise level t. Default that of the process. */
  time?: LogNormal;
  /** The c of tangent / (|tangent| + c), with root mean squares as norms, or false to leave tangents as they are. Default 0.1. */
  normalization?: number | false;
  /** Iterations over which the unstable part of the tangent is brought in. Default 0: all of it from the start. */
  warmup?: number;
}

/** What a step of a continuous-time objective gets: examples, noise [count, ...shape], noise levels [count]. */
export type ContinuousBatch = {
  readonly x: Tensor;
  readonly noise: Tensor;
  readonly t: Tensor;
  /** Share of the tangent's unstable part, a scalar. */
  readonly warmup: Tensor;
  readonly condition: Condition;
  readonly scalars: { readonly [name: string]: Tensor };
};

/**
 * Consistency in continuous time (sCM, 2410.11081): the mean over the batch of weight(t) <f(x_t, t), stopgrad(tangent)>, where the tangent is df/dt along a
 * trajectory, by a Jacobian-vector product, normalised. The limit of discrete objectives for r -> t. Each term of the loss has its tangent in its own space and
 * what its distance makes of it (see `pull`). Metrics: loss, distance (mean norm of the tangents df/dt before they are normalised, a root mean square),
 * gradientNorm.
 * @throws TangentLabError `invalid-argument` for options out of range.
 */
export const continuous = (config: ContinuousConfig): Method => method(continuousParts(config));

/** The same before it is put together: its loss alone, for example. */
export function continuousParts(config: ContinuousConfig): MethodParts<ContinuousBatch> {
  const loss = checkObjective(config);
  const { denoiser, shape, teacher, classes, normalization = 0.1, warmup = 0 } = config;
  const { process = denoiser.preconditioning === "trigflow" ? "trigflow" : "edm" } = config;
  check.oneOf("process", process, processes);
  check(
    normalization === false ||
      (typeof normalization === "number" && normalization > 0 && Number.isFinite(normalization)),
    "normalization",
    normalization,
    "a finite number > 0, or false",
  );
  check.number("warmup", warmup, (n) => n >= 0 && Number.isFinite(n), "a number of iterations >= 0");
  checkTeacher(teacher);
  if (config.time !== undefined) checkLogNormal(config.time);
  const { scale, weight, time } = processes[process];
  const sigmaData = denoiser.sigmaData;
  return {
    ...config,
    context: { ...loss.context, ...(teacher && { teacher: teacher.parameters }) },
    init: denoiser.init,
    batch: (key, x, iteration, labels) => {
      const [noiseKey, timeKey] = random.split(key, 2);
      const count = x.length / shape.reduce((a, b) => a * b, 1);
      return {
        x: tf.tensor(x, [count, ...shape]),
        noise: tf.tensor(random.normal(noiseKey, x.length), [count, ...shape]),
        t: tf.tensor1d(logNormal(timeKey, count, config.time === undefined ? time : config.time)),
        warmup: tf.scalar(warmup === 0 ? 1 : Math.min(1, iteration / warmup)),
        condition: drawCondition(denoiser, random.foldIn(key, 2), count, labels, classes),
        scalars: scalarsAt(loss, iteration),
      };
    },
    loss: (parameters, { x, noise, t, warmup, condition, scalars }, context) => {
      const all = { ...context, ...scalars };
      const { student, guide } = modelsAt(config, condition, context);
      const noisy = addNoise(x, noise, t);
      const slope = teacher ? velocity(guide, noisy, t) : noise;
      const total = totalDerivative(student(parameters), noisy, t, slope);
      const tangent = stabilised(total, noisy, t, slope, sigmaData, warmup);
      const scaled = tf.mul(tangent, perExample(scale(t, sigmaData), tangent));
      const pulls = loss.terms.map((term) => pull(term, total.value, scaled, normalization, all));
      return (parameters) => {
        const output = student(parameters)(noisy, t);
        const losses = loss.terms
          .map((term, i) => {
            const product = tf.sum(tf.mul(embedded(term, output, all), pulls[i]!), 1);
            return term.weight ? tf.mul(product, term.weight(all)) : product;
          })
          .reduce((sum, part) => tf.add(sum, part));
        return {
          loss: tf.mean(tf.mul(losses, weight(t, sigmaData))),
          aux: { distance: tf.mean(rootMeanSquare(tangent)) },
        };
      };
    },
  };
}

/** f(x, t) and df/dt along a trajectory with the velocity dx/dt, all [batch, ...]. */
export function totalDerivative(
  f: Denoise,
  x: Tensor,
  t: Tensor,
  slope: Tensor,
): { value: Tensor; tangent: Tensor } {
  return jvp((x, t) => f(x!, t!), [x, t], [slope, tf.onesLike(t)]);
}

/**
 * sCM's tangent warm-up, for f in EDM's variables: the part s^2/(t^2 + s^2) (dx/dt - (x - f)/t) of df/dt is stable: it compares the velocity with f's own as a
 * denoiser. The rest is added with a factor r in [0, 1]. At r = 0 this trains a denoiser.
 */
function stabilised(
  { value, tangent }: { value: Tensor; tangent: Tensor },
  x: Tensor,
  t: Tensor,
  slope: Tensor,
  sigmaData: number,
  r: Tensor,
): Tensor {
  const own = tf.div(tf.sub(x, value), perExample(t, x));
  const skip = tf.div(sigmaData ** 2, tf.add(tf.square(t), sigmaData ** 2));
  const stable = tf.mul(tf.sub(slope, own), perExample(skip, x));
  return tf.add(stable, tf.mul(tf.sub(tangent, stable), r));
}

/**
 * The direction [batch, k] against which a term pulls the output in its space: the tangent there, normalised, and half the distance's gradient where two
 * points differ by it. For l2 that is the normalised tangent itself.
 */
function pull(
  term: LossTerm,
  output: Tensor,
  tangent: Tensor,
  normalization: number | false,
  context: Context,
): Tensor {
  const there = term.embed
    ? jvp((f) => term.embed!(f!, context), [output], [tangent]).tangent
    : rows(tangent);
  const normal =
    normalization === false
      ? there
      : tf.div(there, tf.reshape(tf.add(rootMeanSquare(there), normalization), [-1, 1]));
  const apart = (u: tf.Tensor): tf.Tensor => tf.sum(measured("loss", term.distance, u, tf.zerosLike(u)));
  return tf.mul(tf.grad(apart)(normal as tf.Tensor), 0.5);
}

const rows = (x: Tensor): Tensor => tf.reshape(x, [x.shape[0]!, -1]);

const embedded = (term: LossTerm, output: Tensor, context: Context): Tensor =>
  term.embed ? term.embed(output, context) : rows(output);

/** Of each example [batch]; its gradient is not asked for. */
const rootMeanSquare = (x: Tensor): Tensor => tf.sqrt(tf.mean(tf.square(rows(x)), 1));
