import * as tf from "@tensorflow/tfjs-core";
import { compile } from "../engine/compile.js";
import * as random from "../engine/random.js";
import type { Tensor } from "../engine/tensor.js";
import * as tree from "../engine/tree.js";
import { check, required, TangentLabError } from "../errors.js";
import type { Condition } from "../nn/network.js";
import { drawCondition } from "./condition.js";
import { sample, samplingTimes } from "./multistep.js";
import { type ChurnConfig, euler, heun, karrasSigmas, stochastic } from "./sampling.js";
import { checkTrained, type TrainedDenoiser } from "./trained.js";

export type SamplerName = "consistency" | "euler" | "heun" | "stochastic";

export interface GenerateOptions {
  /** Default 64, or the number of `labels`. */
  count?: number;
  /** The same seed gives the same samples. Default 0. */
  seed?: number;
  /** A consistency model's own, or for a denoiser a solver of its ODE; "stochastic" is EDM's with churn. Default "consistency". */
  sampler?: SamplerName;
  /** Default 1 for "consistency", 18 for solvers. */
  steps?: number;
  /** Falling noise levels in place of `steps`: for solvers the last is where they end, usually 0. */
  times?: readonly number[];
  /** "stochastic": how much noise. */
  churn?: ChurnConfig;
  /** Class of each sample, 0 ... classes - 1, for a class-conditional model. */
  labels?: ArrayLike<number>;
  /** Samples computed at a time. Default 64. */
  batchSize?: number;
}

/** Samples, flat, and their shape [count, ...shape of one]. */
export interface Generated {
  readonly shape: readonly number[];
  readonly values: Float32Array;
}

/**
 * Draws samples from a trained denoiser or consistency model.
 * @throws TangentLabError `invalid-argument`; `invalid-data` for labels out of range.
 */
export async function generate(model: TrainedDenoiser, options: GenerateOptions = {}): Promise<Generated> {
  checkTrained("model", model);
  required("options", options);
  const { seed = 0, sampler = "consistency", labels, batchSize = 64, times, churn } = options;
  const { count = labels?.length ?? 64, steps = sampler === "consistency" ? 1 : 18 } = options;
  for (const [name, value] of Object.entries({ count, steps, batchSize })) check.count(name, value);
  check.oneOf("sampler", sampler, samplers);
  check(churn === undefined || sampler === "stochastic", "churn", churn, 'only with sampler "stochastic"');
  if (churn !== undefined) required("churn", churn);
  const areTimes = times === undefined || (Array.isArray(times) && times.every(Number.isFinite));
  check(areTimes, "times", times, "a list of falling noise levels");
  check(!times || options.steps === undefined, "steps", steps, "none with times, of which each is a step");
  const conditionOf = conditions(model, labels, count);
  const { shape } = model.record;
  const size = shape.reduce((a, b) => a * b, 1);
  const { draws, run } = samplers[sampler](model, steps, options);
  const compiled = compile(run);
  const noise = random.normal(random.key(seed), draws * count * size);
  const values = new Float32Array(count * size);
  for (let from = 0; from < count; from += batchSize) {
    const to = Math.min(from + batchSize, count);
    const noises = Array.from({ length: draws }, (_, i): Tensor => {
      const part = noise.slice((i * count + from) * size, (i * count + to) * size);
      return tf.tensor(part, [to - from, ...shape]);
    });
    const condition = conditionOf(from, to);
    const result = await compiled(model.parameters, noises, condition);
    values.set(result.dataSync() as Float32Array, from * size);
    tree.dispose([noises, condition, result]);
  }
  return { shape: [count, ...shape], values };
}

/**
 * The conditions of examples `from` to `to` out of `count`: their classes, where the model has classes. The caller disposes them.
 * @throws TangentLabError `invalid-argument` for labels of a model without classes, or too few of them; `invalid-data` for ones out of range.
 */
export function conditions(
  { record }: Pick<TrainedDenoiser, "record">,
  labels: ArrayLike<number> | undefined,
  count: number,
): (from: number, to: number) => Condition {
  const { classes } = record.settings;
  const conditional = typeof classes === "number";
  check(conditional || labels === undefined, "labels", labels, "none: the model has no classes");
  check(!conditional || labels?.length === count, "labels", labels, `${count} labels, one for each sample`);
  const numbers = labels && Array.from(labels);
  check(numbers?.every(Number.isInteger) ?? true, "labels", labels, "integers");
  const own = numbers && Int32Array.from(numbers);
  const bad = own?.findIndex((label) => label < 0 || label >= Number(classes)) ?? -1;
  if (bad >= 0)
    throw new TangentLabError("invalid-data", `invalid labels[${bad}]`, {
      ...{
        argument: `labels[${bad}]`,
        given: own![bad],
        allowed: `classes from 0 to ${Number(classes) - 1}`,
      },
    });
  return (from, to) =>
    drawCondition({}, random.key(0), to - from, own?.subarray(from, to), conditional ? classes : undefined);
}

/** How many standard normals a sampler needs, and what it makes of them. */
interface Sampler {
  draws: number;
  run(parameters: Tensor, noises: Tensor[], condition: Condition): Tensor;
}

const samplers: Record<SamplerName, (m: TrainedDenoiser, steps: number, o: GenerateOptions) => Sampler> = {
  consistency: ({ denoiser }, steps, { times = samplingTimes(steps) }) => ({
    draws: times.length,
    run: (parameters, noises, condition) => sample(denoiser, parameters, noises, times, { condition }),
  }),
  euler: (model, steps, options) => solved(euler, model, steps, options),
  heun: (model, steps, options) => solved(heun, model, steps, options),
  stochastic: ({ denoiser }, steps, { times = levels(steps), churn }) => ({
    draws: times.length,
    run: (parameters, [first, ...noises], condition) =>
      stochastic(churn)(denoiser, parameters, tf.mul(first!, times[0]!), times, noises, condition),
  }),
};

const solved = (
  solver: typeof euler,
  { denoiser }: TrainedDenoiser,
  steps: number,
  { times = levels(steps) }: GenerateOptions,
): Sampler => ({
  draws: 1,
  run: (parameters, [first], condition) =>
    solver(denoiser, parameters, tf.mul(first!, times[0]!), times, condition),
});

/** EDM's levels; a single step goes from the highest to 0. */
const levels = (steps: number): number[] => (steps === 1 ? [80, 0] : karrasSigmas({ steps }));
