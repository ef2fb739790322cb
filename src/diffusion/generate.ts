import * as tf from "@tensorflow/tfjs-core";
import { compile } from "../engine/compile.js";
import * as random from "../engine/random.js";
import type { Tensor } from "../engine/tensor.js";
import * as tree from "../engine/tree.js";
import { check, required, TangentLabError } from "../errors.js";
import type { Condition } from "../nn/network.js";
import { drawCondition } from "./condition.js";
import { consistencySchedule, noiseTo, scheduledTimes } from "./consistency-function.js";
import { addNoise, type Denoiser } from "./edm.js";
import { checkSamplingTimes, samplingTimes } from "./multistep.js";
import { type Denoise, eulerStep, heunStep, type OdeStep } from "./ode.js";
import { type ChurnConfig, checkLevels, karrasSigmas, raising } from "./sampling.js";
import { checkTrained, type TrainedDenoiser } from "./trained.js";

/** How samples are drawn: in one or a few steps of a consistency function, or along the probability-flow ODE or SDE by a denoiser. */
export type SamplerName = "consistency" | "euler" | "heun" | "stochastic";

/** Options of `generate`. */
export interface GenerateOptions {
  /** Default 64, or the number of `labels`. */
  count?: number;
  /** The same seed gives the same samples. Default 0. */
  seed?: number;
  /** A consistency model's own, or for a denoiser a solver of its ODE; "stochastic" is EDM's with churn. Default "consistency". */
  sampler?: SamplerName;
  /** Default 1 for "consistency", 18 for solvers. A published consistency model has its own levels for each number of steps. */
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

const generateOptions: readonly string[] = [
  ...["count", "seed", "sampler", "steps", "times", "churn", "labels", "batchSize"],
];

/** Samples, flat, and their shape [count, ...shape of one]. */
export interface Generated {
  readonly shape: readonly number[];
  readonly values: Float32Array;
}

/**
 * Draws samples from a trained denoiser or consistency model: flat `values` of `shape` [count, ...shape of an example], not clipped,
 * unless a published consistency model asks for it.
 * @throws TangentLabError `invalid-argument`; `invalid-data` for labels out of range.
 */
export async function generate(model: TrainedDenoiser, options: GenerateOptions = {}): Promise<Generated> {
  checkTrained("model", model);
  check.only("generate", options, generateOptions);
  const { seed = 0, sampler = "consistency", labels, batchSize = 64, times, churn } = options;
  const { count = labels?.length ?? 64, steps = sampler === "consistency" ? 1 : 18 } = options;
  for (const [name, value] of Object.entries({ count, steps, batchSize })) check.count(name, value);
  check.oneOf("sampler", sampler, samplers);
  check(churn === undefined || sampler === "stochastic", "churn", churn, 'only with sampler "stochastic"');
  if (churn !== undefined) required("churn", churn);
  const areTimes = times === undefined || (Array.isArray(times) && times.every(Number.isFinite));
  check(areTimes, "times", times, "a list of falling noise levels");
  check(!times || options.steps === undefined, "steps", steps, "none with times: each of them is a step");
  const conditionOf = conditions(model, labels, count);
  const { shape } = model.record;
  const size = shape.reduce((a, b) => a * b, 1);
  const { denoiser } = model;
  const { draws, start, levels, steps: functions } = samplers[sampler](steps, options, denoiser);
  const most = Math.floor((2 ** 31 - 1) / (draws * size));
  check(count <= most, "count", count, `at most ${most} with so many numbers in each`);
  // One step at a time: a graph of all of them would be as much larger as there are steps, and so would be the wait for it.
  const compiled = new Map(functions.map((step) => [step, compiledStep(model, step)]));
  const noise = random.normal(random.key(seed), draws * count * size);
  const values = new Float32Array(count * size);
  for (let from = 0; from < count; from += batchSize) {
    const to = Math.min(from + batchSize, count);
    const drawn = (i: number): Tensor =>
      tf.tensor(noise.slice((i * count + from) * size, (i * count + to) * size), [to - from, ...shape]);
    const condition = conditionOf(from, to);
    let x = tf.tidy(() => tf.mul(drawn(0), start)) as Tensor;
    for (const level of levels) {
      const inputs = {
        noise: drawn(level.draw),
        added: tf.fill([to - from], level.added) as Tensor,
        t: tf.fill([to - from], level.from) as Tensor,
        r: tf.fill([to - from], level.to) as Tensor,
      };
      const next = await compiled.get(level.step)!(model.parameters, x, inputs, condition);
      tree.dispose([x, inputs]);
      x = next;
    }
    values.set(x.dataSync() as Float32Array, from * size);
    tree.dispose([condition, x]);
  }
  return { shape: [count, ...shape], values };
}

type StepInputs = { readonly noise: Tensor; readonly added: Tensor; readonly t: Tensor; readonly r: Tensor };

type CompiledStep = (
  parameters: Tensor,
  x: Tensor,
  inputs: StepInputs,
  condition: Condition,
) => Promise<Tensor>;

const compiledSteps = new WeakMap<Denoiser, Map<OdeStep, CompiledStep>>();

/** A step with the noise that is added before it; the trained parameters are constants of it. Compiled once for each network. */
function compiledStep({ denoiser }: TrainedDenoiser, step: OdeStep): CompiledStep {
  const known = compiledSteps.get(denoiser) ?? new Map<OdeStep, CompiledStep>();
  compiledSteps.set(denoiser, known);
  const run = (parameters: Tensor, x: Tensor, inputs: StepInputs, condition: Condition): Tensor => {
    const denoise: Denoise = (x, t) => denoiser.apply(parameters, x, t, condition);
    return step(denoise, addNoise(x, inputs.noise, inputs.added), inputs.t, inputs.r);
  };
  const compiled = known.get(step) ?? compile(run, { constants: [0] });
  known.set(step, compiled);
  return compiled;
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

/** One step of a sampler: noise `draw`, a standard normal times `added`, is added first. */
interface Level {
  readonly draw: number;
  readonly added: number;
  readonly from: number;
  readonly to: number;
  readonly step: OdeStep;
}

interface Sampler {
  /** Number of standard normals, each like a sample, that it needs. */
  readonly draws: number;
  /** The factor of the first of them, for the start. */
  readonly start: number;
  readonly levels: readonly Level[];
  /** The steps' functions, each once. */
  readonly steps: readonly OdeStep[];
}

/** f(x, t) itself. */
const jump: OdeStep = (denoise, x, t) => denoise(x, t);
const clippedJump: OdeStep = (denoise, x, t) => tf.clipByValue(denoise(x, t) as tf.Tensor, -1, 1);

const samplers: Record<
  SamplerName,
  (steps: number, options: GenerateOptions, denoiser: Denoiser) => Sampler
> = {
  consistency: (steps, { times: given }, denoiser) => {
    const schedule = consistencySchedule(denoiser);
    const times = given ?? (schedule ? scheduledTimes(schedule, steps) : samplingTimes(steps));
    checkSamplingTimes(times);
    const step = schedule?.clip ? clippedJump : jump;
    const levels = times.map((t, draw) => ({ draw, added: noiseTo(denoiser, t), from: t, to: 0, step }));
    return { draws: times.length, start: 0, levels, steps: [step] };
  },
  euler: (steps, { times = ending(steps) }) => solver(times, eulerStep),
  heun: (steps, { times = ending(steps) }) => solver(times, heunStep),
  stochastic: (steps, { times = ending(steps), churn }) => {
    const raise = raising(churn, times.length - 1);
    const { levels, ...rest } = solver(times, heunStep);
    const raised = levels.map((level, i) => ({ ...level, draw: i + 1, ...raise(level.from) }));
    return { ...rest, draws: times.length, levels: raised };
  },
};

/** A solver of the ODE through falling levels; the last step is Euler's where it ends at 0, at which there is no velocity. */
function solver(times: readonly number[], step: OdeStep): Sampler {
  checkLevels(times);
  const levels = times.slice(1).map((to, i) => {
    return { draw: 0, added: 0, from: times[i]!, to, step: to === 0 ? eulerStep : step };
  });
  return { draws: 1, start: times[0]!, levels, steps: [...new Set(levels.map((level) => level.step))] };
}

/** EDM's levels; a single step goes from the highest to 0. */
const ending = (steps: number): number[] => (steps === 1 ? [80, 0] : karrasSigmas({ steps }));
