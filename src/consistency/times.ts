import { checkLogNormal, type LogNormal, logNormal } from "../diffusion/times.js";
import * as random from "../engine/random.js";
import { check, required, TangentLabError } from "../errors.js";
import type { Curriculum } from "./curriculum.js";

/** The nearer time r of a pair, as a function of the farther time t and the iteration (0, 1, ...). */
export type PairSchedule = (t: number, iteration: number) => number;

/** Draws the times of a batch at an iteration (0, 1, ...): farther ones t and nearer ones r < t, [count] each. */
export type DrawTimes = (
  key: random.Key,
  count: number,
  iteration: number,
) => { readonly t: Float32Array; readonly r: Float32Array };

/** How the gap between t and r shrinks over training (easy consistency tuning, 2406.14548). */
export interface EctSchedule {
  /** Iterations of the whole training. */
  iterations: number;
  /** Stages of equal length; each brings r closer to t by a factor of q. Default 8. */
  stages?: number;
  /** Default 2. */
  q?: number;
  /** How much wider the gap is at low noise. Default 8. */
  k?: number;
  /** How fast that fades with t. Default 1. */
  b?: number;
}

/**
 * Easy Consistency Tuning's pairs (Geng et al., 2406.14548): r = max(0, t (1 - (1 + k sigmoid(-b t)) / q^(stage + 1))),
 * stage = floor(iteration / (iterations / stages)).
 * @throws TangentLabError `invalid-argument` for options out of range.
 */
export function ectPairs(config: EctSchedule): PairSchedule {
  const {
    iterations,
    stages = 8,
    q = 2,
    k = 8,
    b = 1,
  } = required("config", config, "an object with iterations");
  check.only("ectPairs", config, ["iterations", "stages", "q", "k", "b"]);
  check.count("iterations", iterations);
  check.count("stages", stages);
  check.number("q", q, (factor) => factor > 1 && Number.isFinite(factor), "a finite number > 1");
  check.number("k", k, (wider) => wider >= 0 && Number.isFinite(wider), "a finite number >= 0");
  check(Number.isFinite(b), "b", b, "a finite number");
  return (t, iteration) => {
    const stage = Math.min(Math.floor((iteration * stages) / iterations), stages - 1);
    const widening = 1 + k / (1 + Math.exp(b * t));
    return Math.max(0, t * (1 - widening / q ** (stage + 1)));
  };
}

/** Times without levels, t and r < t [count] each: t log-normal (default ln t ~ N(-1.1, 2^2), as in 2406.14548), r from the schedule. */
export function continuousTimes(pairs: PairSchedule, time: LogNormal = { mean: -1.1, std: 2 }): DrawTimes {
  check.callable("pairs", pairs, "ectPairs(...) or the like");
  checkLogNormal(time);
  return (key, count, iteration) => {
    const t = logNormal(key, count, time);
    return { t, r: t.map((value) => pairs(value, iteration)) };
  };
}

/** The range of noise levels. */
export interface LevelRange {
  /** Lowest level. Default 0.002. */
  min?: number;
  /** Highest level. Default 80. */
  max?: number;
  /** Higher puts more levels at low noise. Default 7. */
  rho?: number;
}

/** Options of `levelTimes`. */
export interface LevelsConfig extends LevelRange {
  /** Intervals between the levels. */
  curriculum: Curriculum;
  /** Which of the neighbouring levels: all alike, or as often as a log-normal time falls between them. Default "uniform". */
  time?: "uniform" | LogNormal;
}

/**
 * Neighbouring levels t > r of EDM's schedule divided into a growing number of intervals (2303.01469). With a log-normal `time` a pair's probability
 * is erf((ln t - mean)/(sqrt(2) std)) - erf((ln r - mean)/(sqrt(2) std)), scaled (2310.14189).
 * @throws TangentLabError `invalid-argument` for options out of range, and for a `time` that hardly ever lies between the levels.
 */
export function levelTimes(config: LevelsConfig): DrawTimes {
  required("config", config, "an object with curriculum");
  const { curriculum, time = "uniform", min = 0.002, max = 80, rho = 7 } = config;
  check(typeof curriculum === "function", "curriculum", curriculum, "rootCurriculum(...) or the like");
  check.positive("max", max);
  check.number("min", min, (level) => level > 0 && level < max, "a number > 0 and < max");
  check.number("rho", rho, (power) => power > 0 && Number.isFinite(power), "a number > 0");
  if (time !== "uniform") checkLogNormal(time);
  const [low, high] = [min ** (1 / rho), max ** (1 / rho)];
  return (key, count, iteration) => {
    const intervals = curriculum(iteration);
    const level = (i: number): number => (low + (i / intervals) * (high - low)) ** rho;
    const below = (t: number): number =>
      Math.min(intervals - 1, Math.floor(((t ** (1 / rho) - low) / (high - low)) * intervals));
    const index =
      time === "uniform"
        ? Float32Array.from(random.integers(key, count, intervals))
        : within(key, count, time, min, max).map(below);
    return { t: index.map((i) => level(i + 1)), r: index.map(level) };
  };
}

/** Log-normal times between two levels: those outside are drawn again. */
function within(key: random.Key, count: number, time: LogNormal, min: number, max: number): Float32Array {
  let t = logNormal(key, count, time);
  for (let again = 1; again <= 100; again++) {
    if (t.every((value) => value >= min && value < max)) return t;
    const fresh = logNormal(random.foldIn(key, again), count, time);
    t = t.map((value, i) => (value >= min && value < max ? value : fresh[i]!));
  }
  throw new TangentLabError("invalid-argument", "the times hardly ever lie between the levels", {
    argument: "time",
    given: time,
    allowed: `ln t often between ${Math.log(min).toFixed(1)} and ${Math.log(max).toFixed(1)}`,
  });
}
