import { check, required } from "../errors.js";

/** Options of `flowLevels`. */
export interface LevelsConfig {
  /** N, of levels with noise, from 1 down; 0 comes last. Default 20. */
  steps?: number | undefined;
  /** More than 1 spends more of them where there is more noise: t -> shift t / (1 + (shift - 1) t) (2403.03206, section 5.3.2). SD3 and FlowEdit use 3. Default 1. */
  shift?: number | undefined;
  /**
   * Levels before they are shifted: "uniform" 1 - i / N, as FlowEdit has them for FLUX; "diffusers" evenly from 1 down to the shifted level of 1/1000, as its
   * FlowMatchEulerDiscreteScheduler has them for SD3. Default "uniform".
   */
  spacing?: "uniform" | "diffusers" | undefined;
}

/** The names of `LevelsConfig`. */
export const levelOptions = ["steps", "shift", "spacing"];

/**
 * The times t of a flow's sampling, from 1 down to 0: N + 1 numbers.
 * @throws TangentLabError `invalid-argument` for options out of range.
 */
export function flowLevels(config: LevelsConfig = {}): number[] {
  const { steps = 20, shift = 1, spacing = "uniform" } = required("config", config);
  check(Number.isInteger(steps) && steps >= 1, "steps", steps, "an integer >= 1");
  check.positive("shift", shift);
  check(spacing === "uniform" || spacing === "diffusers", "spacing", spacing, '"uniform" or "diffusers"');
  const shifted = (t: number): number => (shift * t) / (1 + (shift - 1) * t);
  const last = spacing === "uniform" ? 1 / steps : shifted(1 / 1000);
  // A single level is the highest.
  const level = (i: number): number => 1 - (i * (1 - last)) / Math.max(1, steps - 1);
  return [...Array.from({ length: steps }, (_, i) => shifted(level(i))), 0];
}
