import { mean, quantileSorted, standardDeviation } from "simple-statistics";
import * as random from "../engine/random.js";
import { check, required } from "../errors.js";
import { countRows } from "../loop/data.js";

/** A number measured on samples, and how sure it is. */
export interface Interval {
  /** The statistic of the samples as they are. */
  readonly estimate: number;
  readonly low: number;
  readonly high: number;
  readonly standardError: number;
}

/** Options of `bootstrap`. */
export interface BootstrapConfig {
  key: random.Key;
  /** Numbers per row of the samples. Default 1: plain numbers. */
  dim?: number;
  /** Default 1000. */
  resamples?: number;
  /** Share of intervals that should hold the true value. Default 0.95. */
  level?: number;
  /**
   * - "halves" (default; McCarthy 1969): half of the rows, none twice. The spread of a statistic over random halves is that over samples of the full size.
   * - "replacement" (Efron 1979): as many rows as there are, each drawn from all; the interval is that between percentiles. A row drawn twice is too near to itself
   *   for statistics of pairs, neighbours and covariances: of intervals of a Fréchet distance at level 0.95 only 0.80 hold it, of halves 0.95 (200 rows of 8).
   */
  scheme?: "replacement" | "halves";
}

/**
 * A statistic's confidence interval by resampling: each of the sets of rows on its own, as they were drawn on their own.
 *
 * `bootstrap((x, y) => frechetDistance(x, y, { dim }), [samples, reference], { key, dim })`
 * @param samples sets of rows of `dim` numbers, at least two rows each (four for halves).
 * @throws TangentLabError `invalid-argument` for too few, ragged or non-finite rows and options out of range.
 */
export function bootstrap(
  statistic: (...samples: Float32Array[]) => number,
  samples: readonly Float32Array[],
  config: BootstrapConfig,
): Interval {
  required("config", config, "an object with key");
  const { key, dim = 1, resamples = 1000, level = 0.95, scheme = "halves" } = config;
  check.only("bootstrap", config, ["key", "dim", "resamples", "level", "scheme"]);
  check.callable("statistic", statistic, "a function of the samples");
  check(Array.isArray(samples), "samples", samples, "one or more sets of rows");
  check(samples.length > 0, "samples", samples.length, "one or more sets of rows");
  check.count("resamples", resamples, 2);
  check.number("level", level, (share) => share > 0 && share < 1, "a number between 0 and 1");
  check(scheme === "replacement" || scheme === "halves", "scheme", scheme, '"replacement" or "halves"');
  const counts = samples.map((rows, i) => countRows(`samples[${i}]`, rows, dim, scheme === "halves" ? 4 : 2));
  const draw = scheme === "halves" ? half : replaced;
  const estimate = statistic(...samples);
  const values = random.split(key, resamples).map((resampleKey) => {
    const keys = random.split(resampleKey, samples.length);
    return statistic(...samples.map((rows, i) => takeRows(rows, draw(keys[i]!, counts[i]!), dim)));
  });
  // Halves have another bias than the whole (a Fréchet distance is larger for fewer rows): only their spread counts.
  const shift = scheme === "halves" ? estimate - mean(values) : 0;
  const sorted = values.sort((a, b) => a - b);
  return {
    estimate,
    low: shift + quantileSorted(sorted, (1 - level) / 2),
    high: shift + quantileSorted(sorted, (1 + level) / 2),
    standardError: standardDeviation(sorted),
  };
}

const replaced = (key: random.Key, count: number): Int32Array => random.integers(key, count, count);

const half = (key: random.Key, count: number): Int32Array =>
  random.permutation(key, count).subarray(0, Math.floor(count / 2));

/** The rows at these indices. */
export function takeRows(rows: Float32Array, indices: Int32Array, dim: number): Float32Array {
  const out = new Float32Array(indices.length * dim);
  for (let i = 0; i < indices.length; i++) {
    const start = indices[i]! * dim;
    for (let k = 0; k < dim; k++) out[i * dim + k] = rows[start + k]!;
  }
  return out;
}
