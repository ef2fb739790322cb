import { check } from "../errors.js";

/** Learning rate as a function of the iteration (0, 1, 2, ...). Evaluated on the host; a step gets the value as a tensor. */
export type Schedule = (iteration: number) => number;

/**
 * Always the same rate.
 * @throws TangentLabError `invalid-argument` for options out of range.
 */
export function constant(rate: number): Schedule {
  check.positive("learningRate", rate);
  return () => rate;
}

/**
 * Half a cosine from `rate` at iteration 0 to `rate * final` at `iterations`, and constant from there.
 * @throws TangentLabError `invalid-argument` for options out of range.
 */
export function cosine(rate: number, iterations: number, final = 0): Schedule {
  check.positive("learningRate", rate);
  check.number("iterations", iterations, (n) => n > 0, "a number > 0");
  check.number("final", final, (share) => share >= 0 && share <= 1, "a share of the rate in [0, 1]");
  return (iteration) => {
    const done = Math.min(iteration / iterations, 1);
    return rate * (final + (1 - final) * 0.5 * (1 + Math.cos(Math.PI * done)));
  };
}

/** Options of `cosineRestarts`. */
export interface Restarts {
  /** How much longer each period is than the one before, at least 1. Default 1. */
  multiplier?: number;
  /** Share of the rate at a period's end, in [0, 1]. Default 0. */
  final?: number;
}

/**
 * SGDR's warm restarts (Loshchilov and Hutter, 1608.03983): half a cosine from `rate` to `rate * final` over `period` iterations, then from `rate`
 * again over a period `multiplier` times as long, and so on.
 * @throws TangentLabError `invalid-argument` for options out of range.
 */
export function cosineRestarts(rate: number, period: number, options: Restarts = {}): Schedule {
  check.only("cosineRestarts", options, ["multiplier", "final"]);
  const { multiplier = 1, final = 0 } = options;
  check.count("period", period);
  check(Number.isFinite(multiplier) && multiplier >= 1, "multiplier", multiplier, "a number >= 1");
  const once = cosine(rate, 1, final);
  if (multiplier === 1) return (iteration) => once((iteration % period) / period);
  return (iteration) => {
    let [since, length] = [iteration, period];
    while (since >= length) {
      since -= length;
      length *= multiplier;
    }
    return once(since / length);
  };
}

/**
 * The schedule `after`, reached by a linear rise over the first `iterations`.
 * @throws TangentLabError `invalid-argument` for options out of range.
 */
export function warmup(iterations: number, after: Schedule): Schedule {
  check.number("iterations", iterations, (n) => n >= 0, "a number >= 0");
  check.callable("after", after, "a schedule, such as constant(1e-3)");
  return (iteration) => after(iteration) * Math.min(1, (iteration + 1) / (iterations + 1));
}

/**
 * A number is a constant schedule; a schedule's rates are checked as they are asked for.
 * @throws TangentLabError `invalid-argument` for anything else and, in training, for a rate that is not a finite number >= 0.
 */
export function asSchedule(rate: number | Schedule): Schedule {
  if (typeof rate === "number") return constant(rate);
  check(
    typeof rate === "function",
    "learningRate",
    rate,
    "a number > 0, or a function of the iteration: constant(1e-3), cosine(1e-3, 1000)",
  );
  return (iteration) => {
    const value = rate(iteration);
    check(
      Number.isFinite(value) && value >= 0,
      `learningRate at iteration ${iteration}`,
      value,
      "a finite number >= 0 from the schedule",
    );
    return value;
  };
}
