import { check } from "../errors.js";

/** Learning rate as a function of the iteration (0, 1, 2, ...). Evaluated on the host; a step gets the value as a tensor. */
export type Schedule = (iteration: number) => number;

/** Always the same rate. */
export function constant(rate: number): Schedule {
  check(rate > 0 && Number.isFinite(rate), "learningRate", rate, "a finite number > 0");
  return () => rate;
}

/** Half a cosine from `rate` at iteration 0 to `rate * final` at `iterations`, and constant from there. */
export function cosine(rate: number, iterations: number, final = 0): Schedule {
  check(rate > 0 && Number.isFinite(rate), "learningRate", rate, "a finite number > 0");
  check(iterations > 0, "iterations", iterations, "a number > 0");
  check(final >= 0 && final <= 1, "final", final, "a share of the rate in [0, 1]");
  return (iteration) => {
    const done = Math.min(iteration / iterations, 1);
    return rate * (final + (1 - final) * 0.5 * (1 + Math.cos(Math.PI * done)));
  };
}

/** The schedule `after`, reached by a linear rise over the first `iterations`. */
export function warmup(iterations: number, after: Schedule): Schedule {
  check(iterations >= 0, "iterations", iterations, "a number >= 0");
  return (iteration) => after(iteration) * Math.min(1, (iteration + 1) / (iterations + 1));
}

/** A number is a constant schedule. */
export const asSchedule = (rate: number | Schedule): Schedule =>
  typeof rate === "number" ? constant(rate) : rate;
