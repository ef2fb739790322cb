import {
  type ConsistencyLoss,
  type Distance,
  l1,
  l2,
  pixelLoss,
  pseudoHuber,
} from "../consistency/losses.js";
import { ectPairs } from "../consistency/times.js";
import { check, required } from "../errors.js";
import { checkFeatures } from "../nn/features.js";
import type { TimeNetwork } from "../nn/network.js";
import { defaultEma, type TrainingConfig } from "../optim/method.js";
import { checkData, classesOf, deviation, type TrainingData } from "./data.js";
import {
  checkTrained,
  denoiserFor,
  optimizerSettings,
  type Preconditioning,
  type TrainedDenoiser,
  withDropout,
} from "./denoiser.js";
import { evaluation } from "./evaluation.js";
import type { TrainedFeatures } from "./features.js";
import { type ObjectiveOptions, objectiveMethod } from "./objectives.js";
import { tangentProbes } from "./probes.js";
import type { Run } from "./run.js";
import { keep, type Observer, type RunOptions, train } from "./train.js";

const distances = { l1: () => l1(), l2: () => l2(), "pseudo-huber": () => pseudoHuber() } as const;

/** Distances of the data themselves, by name. */
export type DistanceName = keyof typeof distances;

/** What is recorded over training. */
export interface ConsistencyRecording {
  /** Steps between two recordings. Default an eighth of `steps`. */
  every?: number;
  /** Samples that are measured against as many examples. Default 512. */
  count?: number;
  /** Samples that are kept; drawn so many at a time, so that `count` is a multiple of it. Default 64, or `count` where that is less. */
  shown?: number;
  /** Noise levels of the tangent probes. Default 8 from 0.05 to 20. */
  times?: readonly number[];
  /** Examples that are probed at each level. Default 8 for points and 5 for images. */
  examples?: number;
  /** A classifier of these images (`trainClassifier`): adds the Fréchet distance in its features. */
  judge?: TrainedFeatures;
}

export interface ConsistencyTraining extends Omit<RunOptions, "steps">, TrainingConfig, ObjectiveOptions {
  /** Default 2000. */
  steps?: number;
  /**
   * How the output is drawn to its target: a distance by name, or a loss such as `alignedLoss(features.model, features.parameters)`. Default
   * "pseudo-huber", in continuous time "l2".
   */
  distance?: DistanceName | ConsistencyLoss;
  /** A trained denoiser to start from, usually much better than random parameters. */
  from?: TrainedDenoiser;
  /** Without `from`: default an MLP for points and a small U-Net for images. */
  network?: TimeNetwork;
  /**
   * Share of values that blocks drop in training, in [0, 1), with the same mask for output and target (0.2 as published for CIFAR-10). Of U-Nets only. Default as
   * the network has it.
   */
  dropout?: number;
  /** Without `from`: how the network becomes a consistency function. Default "edm". */
  preconditioning?: Preconditioning;
  /** Gives the network the examples' classes, one-hot; samples over training are then of random classes. Default as `from` was trained. */
  classConditional?: boolean;
  /** Samples, quality and tangents over training; false for none. */
  recording?: ConsistencyRecording | false;
  /** For legends. Default the loss's name. */
  name?: string;
}

/**
 * Trains a consistency function f(x, t): any point of a trajectory to its start, in one step. Iterate over the run, or await it.
 * @throws TangentLabError `invalid-argument` for options out of range, or of another objective; while it runs as `train`.
 */
export function trainConsistency(
  data: TrainingData,
  options: ConsistencyTraining = {},
): Run<TrainedDenoiser> {
  checkData(data);
  required("options", options);
  const { steps = 2000, from, preconditioning, seed = 0, name, recording = {}, ...rest } = options;
  check(Number.isInteger(steps) && steps >= 1, "steps", steps, "an integer >= 1"); // before schedules are made of them
  // Random parameters would be trained without a word.
  if (from !== undefined) checkTrained("from", from);
  const { objective = "ect" } = options;
  const { distance = objective.startsWith("continuous") ? "l2" : "pseudo-huber" } = options;
  const loss = typeof distance === "string" ? pixelLoss(named(distance)) : distance;
  check(typeof loss?.apply === "function" && Array.isArray(loss.terms), "distance", distance, losses);
  check(
    from === undefined || `${from.record.shape}` === `${data.shape}`,
    "from",
    `a model of [${from?.record.shape}]`,
    `one of [${data.shape}], the data's shape`,
  );
  check(!from || !options.network, "network", "a network", "none with from, which has its own");
  check(!from || !preconditioning, "preconditioning", preconditioning, "none with from, which has its own");
  const { classConditional = from?.record.settings.classes !== undefined } = options;
  const classes = classesOf(data, { classConditional });
  const made = from?.denoiser ?? denoiserFor(data, options, deviation(data), classes);
  const { dropout } = options;
  const model = dropout === undefined ? made : withDropout(made, dropout);
  const { optimizer, learningRate, ema } = options;
  const { method, settings } = objectiveMethod(
    {
      denoiser: model,
      shape: data.shape,
      loss,
      classes,
      ...(optimizer && { optimizer }),
      ...(learningRate !== undefined && { learningRate }),
      ...(ema !== undefined && { ema }),
    },
    options,
    steps,
  );
  return train({
    ...rest,
    seed,
    steps,
    name: name ?? loss.name,
    kind: "consistency",
    data,
    method,
    from: from?.parameters,
    settings: {
      ...settings,
      distance: typeof distance === "string" ? distance : distance.name,
      ...(typeof distance !== "string" && loss.settings),
      // Checkpoints of runs with the usual average go on as they are.
      ...(ema !== undefined && ema !== defaultEma && { ema }),
      from: from?.record.name ?? null,
      ...(preconditioning && { preconditioning }),
      ...(dropout !== undefined && { dropout }),
      ...(classes !== undefined && { classes }),
      ...optimizerSettings(options),
      network: model.structure.size,
    },
    observers: recording === false ? [] : observers(),
    finish: (state, record) => ({ denoiser: model, parameters: keep(state.ema), record }),
  });

  function observers(): Observer[] {
    const given = required("recording", recording as ConsistencyRecording, "an object of options, or false");
    const { every = Math.ceil(steps / 8), count = 512, shown = Math.min(64, count), judge } = given;
    if (judge) checkFeatures("judge", judge.model, judge.parameters);
    const { times = [0.05, 0.1, 0.25, 0.5, 1, 2.5, 7, 20], examples = data.shape.length === 1 ? 8 : 5 } =
      given;
    const common = { data, denoiser: model, every, seed, classes };
    // The same measure for all objectives: tangents between the closest pairs of Easy Consistency Tuning, from data.
    const { stages = 8, q = 2, k = 8, b = 1 } = options;
    const pairs = ectPairs({ stages, q, k, b, iterations: steps });
    return [
      evaluation({ ...common, count, shown, judge }),
      tangentProbes({ ...common, loss, pairs, iteration: steps - 1, times, examples }),
    ];
  }
}

const losses = `${Object.keys(distances).join(", ")}, or a loss: alignedLoss(...), classifierStandIn(...), lpips(...), pixelLoss(a distance)`;

function named(distance: DistanceName): Distance {
  check(Object.hasOwn(distances, distance), "distance", distance, losses);
  return distances[distance]();
}
