import { compile } from "../engine/compile.js";
import * as random from "../engine/random.js";
import * as tree from "../engine/tree.js";
import { check, required } from "../errors.js";
import type { Method, TrainState } from "../optim/method.js";
import type { Interval } from "./bootstrap.js";

/** How much of small batches' gradients is the same in all of them. */
export interface GradientNoise {
  /**
   * Gradient noise scale, tr(S) / |G|^2 (McCandlish et al., 1812.06162): the number of examples in a batch at which the gradient's variance is as large as its mean;
   * Infinity where the mean cannot be told from 0. With its 95% interval by the jackknife.
   */
  readonly scale: Interval;
  /** tr(S): the trace of the covariance of single examples' gradients. */
  readonly trace: number;
  /** |G|^2: the squared norm of the mean gradient, without bias; may be negative where it is nearly 0. */
  readonly squaredNorm: number;
}

/** Options of `gradientNoise`. */
export interface GradientNoiseConfig {
  /** Examples and, where the method needs them, labels; as a dataset's `sample`. */
  sample: (
    key: random.Key,
    count: number,
  ) => { readonly x: Float32Array; readonly labels?: Int32Array | undefined };
  /** Examples in a batch. Default 16. */
  batchSize?: number;
  /** Batches. Default 256; at least 16. */
  batches?: number;
  key: random.Key;
  /** At which a method with a curriculum draws its batches. Default 0. */
  iteration?: number;
}

/** Each method's gradient, compiled once however often it is measured. */
const compiledGradients = new WeakMap<Method, ReturnType<typeof compiledGradient>>();

function compiledGradient(
  method: Method,
): (...args: Parameters<Method["gradient"]>) => Promise<ReturnType<Method["gradient"]>> {
  const known = compiledGradients.get(method) ?? compile(method.gradient);
  compiledGradients.set(method, known);
  return known;
}

/** Groups of batches that the jackknife leaves out in turn. */
const GROUPS = 16;

/**
 * The gradient noise scale of a method at a state, from many small batches of which each has its own examples, noise and times.
 *
 * `gradientNoise(ect({ ... }), ect({ ... }).from(parameters), { sample: data.sample, key: random.key(0) })`
 * @throws TangentLabError `invalid-argument` for options out of range.
 */
export async function gradientNoise(
  method: Method,
  state: TrainState,
  config: GradientNoiseConfig,
): Promise<GradientNoise> {
  const isMethod = typeof method?.gradient === "function" && typeof method.batch === "function";
  check(isMethod, "method", method, "a method: ect(...), denoising(...), featureRegression(...)");
  required("state", state, "a state of the method: method.from(parameters)");
  const {
    sample,
    batchSize = 16,
    batches = 256,
    key,
    iteration = 0,
  } = required("config", config, "an object with sample and key");
  check.only("gradientNoise", config, ["sample", "batchSize", "batches", "key", "iteration"]);
  check(state.parameters !== undefined, "state", state, "a state of the method: method.from(parameters)");
  check.count("iteration", iteration, 0);
  check(typeof sample === "function", "sample", sample, "a function: data.sample");
  check.count("batchSize", batchSize);
  check(Number.isInteger(batches) && batches >= GROUPS, "batches", batches, `an integer >= ${GROUPS}`);
  const gradientOf = compiledGradient(method);
  const groups = Array.from({ length: GROUPS }, () => emptyMoments(state.parameters.size));
  for (let i = 0; i < batches; i++) {
    const [exampleKey, batchKey] = random.split(random.foldIn(key, i), 2) as [random.Key, random.Key];
    const { x, labels } = sample(exampleKey, batchSize);
    const batch = method.batch(batchKey, x, iteration, labels);
    const gradient = await gradientOf(state, batch);
    addTo(groups[i % GROUPS]!, gradient.dataSync() as Float32Array);
    tree.dispose([batch, gradient]);
  }
  return noiseOf(groups, batchSize);
}

/** Of some gradients: how many, their sum, the sum of their squared norms. */
interface Moments {
  count: number;
  readonly sum: Float64Array;
  squares: number;
}

const emptyMoments = (size: number): Moments => ({ count: 0, sum: new Float64Array(size), squares: 0 });

function addTo(moments: Moments, gradient: Float32Array): void {
  moments.count++;
  gradient.forEach((value, i) => {
    moments.sum[i]! += value;
    moments.squares += value * value;
  });
}

function noiseOf(groups: readonly Moments[], batchSize: number): GradientNoise {
  const all = emptyMoments(groups[0]!.sum.length);
  for (const { count, sum, squares } of groups) {
    all.count += count;
    all.squares += squares;
    sum.forEach((value, i) => {
      all.sum[i]! += value;
    });
  }
  const whole = estimate(all, batchSize);
  // Each group left out in turn: the variance is (groups - 1) / groups times the sum of squared differences from their mean.
  const without = groups.map(
    ({ count, sum, squares }) =>
      estimate(
        {
          count: all.count - count,
          sum: all.sum.map((value, i) => value - sum[i]!),
          squares: all.squares - squares,
        },
        batchSize,
      ).scale,
  );
  const mean = without.reduce((a, b) => a + b, 0) / without.length;
  const spread = without.reduce((total, value) => total + (value - mean) ** 2, 0);
  const standardError = Math.sqrt((spread * (without.length - 1)) / without.length);
  const { scale, trace, squaredNorm } = whole;
  return {
    scale: {
      estimate: scale,
      standardError,
      // Of a student's distribution with 15 degrees of freedom.
      low: Math.max(0, scale - 2.131 * standardError),
      high: scale + 2.131 * standardError,
    },
    trace,
    squaredNorm,
  };
}

/** From n gradients of batches of b: s = their variance, summed over the parameters, is tr(S) / b; |mean|^2 is too large by s / n. */
function estimate(
  { count, sum, squares }: Moments,
  batchSize: number,
): { scale: number; trace: number; squaredNorm: number } {
  const meanSquare = sum.reduce((total, value) => total + (value / count) ** 2, 0);
  const variance = (squares - count * meanSquare) / (count - 1);
  const squaredNorm = meanSquare - variance / count;
  const trace = batchSize * variance;
  return { scale: squaredNorm > 0 ? trace / squaredNorm : Number.POSITIVE_INFINITY, trace, squaredNorm };
}
