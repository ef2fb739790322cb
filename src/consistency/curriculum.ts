import { check, required } from "../errors.js";

/** How many intervals the noise levels are divided into at an iteration (0, 1, ...). */
export type Curriculum = (iteration: number) => number;

/** Options of `exponentialCurriculum` and `rootCurriculum`. */
export interface CurriculumConfig {
  /** Iterations of the whole training. */
  iterations: number;
  /** Intervals at the start. */
  s0?: number;
  /** Intervals at the end. */
  s1?: number;
}

/**
 * Improved consistency training's curriculum (2310.14189): N = min(s0 2^floor(k/K'), s1) with K' = floor(K/(log2 floor(s1/s0) + 1)), so that it doubles
 * after equal numbers of iterations. Default 10 to 1280.
 * @throws TangentLabError `invalid-argument` for options out of range.
 */
export function exponentialCurriculum(config: CurriculumConfig): Curriculum {
  const { iterations, s0 = 10, s1 = 1280 } = required("config", config, "an object with iterations");
  checkCurriculum(iterations, s0, s1);
  const stage = Math.max(1, Math.floor(iterations / (Math.log2(Math.floor(s1 / s0)) + 1)));
  return (iteration) => Math.min(s0 * 2 ** Math.floor(iteration / stage), s1);
}

/**
 * Consistency training's curriculum (2303.01469, appendix C): N = ceil(sqrt(k/K ((s1 + 1)^2 - s0^2) + s0^2) - 1). Default 2 to 150.
 * @throws TangentLabError `invalid-argument` for options out of range.
 */
export function rootCurriculum(config: CurriculumConfig): Curriculum {
  const { iterations, s0 = 2, s1 = 150 } = required("config", config, "an object with iterations");
  checkCurriculum(iterations, s0, s1);
  return (iteration) => {
    const done = Math.min(iteration / iterations, 1);
    return Math.max(1, Math.ceil(Math.sqrt(done * ((s1 + 1) ** 2 - s0 ** 2) + s0 ** 2) - 1));
  };
}

function checkCurriculum(iterations: number, s0: number, s1: number): void {
  check.count("iterations", iterations);
  check.count("s0", s0);
  check(Number.isInteger(s1) && s1 >= s0, "s1", s1, `an integer >= ${s0}`);
}
