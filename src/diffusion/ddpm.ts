import * as tf from "@tensorflow/tfjs-core";
import type { Tensor } from "../engine/tensor.js";
import { check, required } from "../errors.js";
import { flatten, type TimeNetwork } from "../nn/network.js";
import { type Denoiser, type DenoiserConfig, perExample, shapedLike } from "./edm.js";
import type { DdpmSchedule } from "./schedule.js";

/** Options of `ddpm`. */
export interface DdpmConfig extends DenoiserConfig {
  schedule?: DdpmSchedule;
}

/**
 * A network that was trained as DDPM's (2006.11239), as a denoiser in EDM's variables (2206.00364, table 1, "VP"): x_t = x0 + t e is sqrt(1 + t^2) times what the network
 * knows, at the step of DDPM at which the noise is t times the data; between steps the number is interpolated in ln t. For "epsilon" D(x, t) = x - t F. What samples it are the
 * solvers: `generate(model, { sampler: "heun" })`; Euler's method is DDIM (2010.02502). `sigmaData` only weights a training.
 * @throws TangentLabError `invalid-argument` for sigmaData <= 0 and a schedule out of range, and, when it is applied, for an output whose shape is not that of x.
 */
export function ddpm(network: TimeNetwork, config: DdpmConfig = {}): Denoiser {
  const { sigmaData = 0.5, schedule: given = {} } = required("config", config);
  check.positive("sigmaData", sigmaData);
  const schedule = checkSchedule(given);
  const { prediction } = schedule;
  const levels = ddpmLevels(schedule);
  const logs = levels.map(Math.log);
  const starts = Float32Array.from(logs.slice(0, -1));
  const slopes = Float32Array.from(logs.slice(1), (log, i) => 1 / (log - logs[i]!));
  const model = flatten(network);
  /** The number of the step, interpolated: how many of the ways from level to level t has gone. */
  const stepOf = (t: Tensor): Tensor => {
    const log = tf.reshape(tf.log(tf.maximum(t as tf.Tensor, levels[0]!)), [-1, 1]);
    const gone = tf.mul(
      tf.sub(log, tf.tensor2d(starts, [1, starts.length])),
      tf.tensor2d(slopes, [1, slopes.length]),
    );
    return tf.sum(tf.clipByValue(gone, 0, 1), 1);
  };
  return {
    ...model,
    sigmaData,
    preconditioning: "ddpm",
    schedule,
    apply: (parameters, x, t, condition): Tensor => {
      const inverse = tf.rsqrt(tf.add(tf.square(t), 1));
      const F = shapedLike(
        x,
        model.apply(parameters, tf.mul(x, perExample(inverse, x)), stepOf(t), condition),
      );
      if (prediction === "sample") return F;
      if (prediction === "epsilon") return tf.sub(x, tf.mul(F, perExample(t, x)));
      const clean = tf.mul(x, perExample(tf.square(inverse), x));
      return tf.sub(clean, tf.mul(F, perExample(tf.mul(t, inverse), x)));
    },
  };
}

const formulas = {
  linear: (share: number, start: number, end: number) => start + share * (end - start),
  scaled_linear: (share: number, start: number, end: number) =>
    (Math.sqrt(start) + share * (Math.sqrt(end) - Math.sqrt(start))) ** 2,
};

/** The noise levels of all steps, rising: the ratio of noise to data in each. */
export function ddpmLevels({ steps, betas, start, end }: Required<DdpmSchedule>): number[] {
  // Improved DDPM (2102.09672, eq. 17).
  const cosine = (share: number): number => Math.cos((((share + 0.008) / 1.008) * Math.PI) / 2) ** 2;
  let kept = 1;
  return Array.from({ length: steps }, (_, i) => {
    const beta =
      betas === "squaredcos_cap_v2"
        ? Math.min(1 - cosine((i + 1) / steps) / cosine(i / steps), 0.999)
        : formulas[betas](i / (steps - 1), start, end);
    kept *= 1 - beta;
    return Math.sqrt((1 - kept) / kept);
  });
}

function checkSchedule(given: DdpmSchedule): Required<DdpmSchedule> {
  required("schedule", given);
  check.only("schedule", given, ["steps", "betas", "start", "end", "prediction"]);
  const { steps = 1000, betas = "linear", start = 1e-4, end = 0.02, prediction = "epsilon" } = given;
  check.count("schedule.steps", steps, 2);
  check(steps <= mostSteps, "schedule.steps", steps, `at most ${mostSteps}`);
  check.oneOf("schedule.betas", betas, [...Object.keys(formulas), "squaredcos_cap_v2"]);
  const isShare = (beta: number): boolean => beta > 0 && beta < 1;
  check.number("schedule.start", start, isShare, "a number in (0, 1)");
  check.number("schedule.end", end, (beta) => isShare(beta) && beta >= start, "a number in [start, 1)");
  check.oneOf("schedule.prediction", prediction, ["epsilon", "v_prediction", "sample"]);
  return { steps, betas, start, end, prediction };
}

/** A file may ask for more than there is memory for. */
const mostSteps = 10_000;
