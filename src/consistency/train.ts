import { denoiserFor, withDropout } from "../diffusion/train.js";
import { checkTrained, type Preconditioning, type TrainedDenoiser } from "../diffusion/trained.js";
import { check, required } from "../errors.js";
import { checkpointFolder, type RunConfig } from "../io/checkpoint.js";
import { checkData, classesOf, deviation, type TrainingData } from "../loop/data.js";
import type { Run } from "../loop/run.js";
import * as loop from "../loop/train.js";
import { checkFeatures, type FeatureNetwork } from "../nn/features.js";
import type { TimeNetwork } from "../nn/network.js";
import { defaultEma, type TrainingConfig } from "../optim/method.js";
import { ect } from "./ect.js";
import { evaluation } from "./evaluation.js";
import { asLoss, type Loss, pseudoHuber } from "./losses.js";
import { noiseProbes } from "./noise-probes.js";
import type { Objective } from "./objective.js";
import { tangentProbes } from "./probes.js";

/** What is recorded over training. It does not decide the run: one that continues from a checkpoint records as it is told now. */
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
  /** Of the noises and examples that samples are measured with: the same for runs whose numbers are compared. Default the training's own. */
  seed?: number;
  /** A classifier of these images (`metrics.trainClassifier`): adds the Fréchet distance in its features. */
  judge?: FeatureNetwork;
  /**
   * Batches of 16 from which the gradient noise scale is measured at each recording, as `metrics.gradientNoise` does, at the parameters as they are trained, not at
   * their average: at least 16; 256 take as long as some 200 steps of 16. Adds `gradientNoise`, in examples, NaN where the mean gradient cannot be told from 0, and what it is the ratio of, `gradientTrace` and
   * `gradientSquaredNorm`. Default 0: it is not measured.
   */
  noiseBatches?: number;
}

/** Options of `train`. */
export interface ConsistencyTraining extends Omit<loop.RunOptions, "steps">, TrainingConfig {
  /** Default 2000. */
  steps?: number;
  /**
   * How the model's outputs at neighbouring times are made to agree. From data: `ect()` Easy Consistency Tuning (2406.14548), `ct()` consistency training
   * (2303.01469), `ict()` improved consistency training (2310.14189), `sct()` in continuous time (2410.11081). Along a teacher's trajectories: `cd()`
   * consistency distillation (2303.01469), `scd()`. Default `ect()`.
   */
  objective?: Objective;
  /** How the output is pulled to its target: `l1()`, `l2()`, `pseudoHuber()`, `mfd(features)`, `lpips(...)`. Default `pseudoHuber()`, in continuous time `l2()`. */
  loss?: Loss;
  /** A trained denoiser to start from, usually much better than random parameters. */
  from?: TrainedDenoiser;
  /** Without `from`: default an MLP for points and a small U-Net for images. */
  network?: TimeNetwork;
  /** Without `from`: the preconditioning that makes the network a consistency function. Default "edm". */
  preconditioning?: Preconditioning;
  /**
   * Share of values that blocks drop in training, in [0, 1), with the same mask for output and target (0.2 as published for CIFAR-10). Of U-Nets only. Default as
   * the network has it.
   */
  dropout?: number;
  /** Gives the network the examples' classes, one-hot; samples over training are then of random classes. Default as `from` was trained. */
  classConditional?: boolean;
  /** Samples, quality and tangents over training; false for none. */
  recording?: ConsistencyRecording | false;
  /** For legends. Default the loss's name. */
  name?: string;
}

/**
 * Trains a consistency function f(x, t) (2303.01469): any point x [batch, ...shape] of a trajectory, at noise levels t [batch], to its start, in one step.
 * Iterate over the run, or await it.
 * @throws TangentLabError `invalid-argument` for options out of range; while it runs as `loop.train`.
 */
export function train(data: TrainingData, options: ConsistencyTraining = {}): Run<TrainedDenoiser> {
  checkData(data);
  required("options", options);
  checkNames(options);
  check.only("consistency.train", options, [
    ...loop.trainingOptions,
    ...[
      "objective",
      "loss",
      "from",
      "network",
      "preconditioning",
      "dropout",
      "classConditional",
      "recording",
    ],
  ]);
  const { steps = 2000, from, preconditioning, seed = 0, name, recording = {}, ...rest } = options;
  check.count("steps", steps); // before schedules are made of them
  const { objective = ect() } = options;
  const isObjective = typeof objective?.method === "function" && typeof objective.name === "string";
  check(isObjective, "objective", objective, "an objective: ect(), ct(), ict(), cd(), sct(), scd()");
  const { loss: chosen = objective.loss ?? pseudoHuber() } = options;
  const loss = asLoss(chosen);
  const { classConditional = from?.record?.settings.classes !== undefined } = options;
  const classes = classesOf(data, { classConditional });
  checkStart(data, options);
  const teacher = teacherOf(objective, from, data, classes);
  const made = from?.denoiser ?? denoiserFor(data, options, deviation(data), classes);
  const { dropout } = options;
  const model = dropout === undefined ? made : withDropout(made, dropout);
  const { optimizer, learningRate, ema } = options;
  const method = objective.method({
    denoiser: model,
    shape: data.shape,
    loss,
    classes,
    iterations: steps,
    teacher,
    ...(optimizer !== undefined && { optimizer }),
    ...(learningRate !== undefined && { learningRate }),
    ...(ema !== undefined && { ema }),
  });
  check(
    typeof method?.step === "function",
    "objective.method()",
    method,
    "a method: what discrete(...) or optim.method(...) makes",
  );
  return loop.train({
    ...rest,
    seed,
    steps,
    name: name === undefined ? loss.name : name,
    kind: "consistency",
    checkpoint: checkpointFolder(options.checkpoint, ofVersion01),
    data,
    method,
    from: from?.parameters,
    settings: {
      objective: objective.name,
      ...objective.settings,
      ...(teacher && teacher !== from && { teacher: teacher.record.name }),
      loss: loss.name,
      ...loss.settings,
      // Checkpoints of runs with the usual average continue unchanged.
      ...(ema !== undefined && ema !== defaultEma && { ema: typeof ema === "number" ? ema : { ...ema } }),
      from: from?.record.name ?? null,
      ...(preconditioning && { preconditioning }),
      ...(dropout !== undefined && { dropout }),
      ...(classes !== undefined && { classes }),
      ...loop.optimizerSettings(options),
      network: model.structure.size,
    },
    observers: recording === false ? [] : observers(),
    finish: (state, record) => ({ denoiser: model, parameters: loop.keep(state.ema), record }),
  });

  function observers(): loop.Observer[] {
    const given = required("recording", recording as ConsistencyRecording, "an object of options, or false");
    const {
      every = Math.ceil(steps / 8),
      count = 512,
      shown = Math.min(64, count),
      judge,
      seed: measuring = seed,
      noiseBatches = 0,
    } = given;
    check.only("recording", given, [
      ...["every", "count", "shown", "times", "examples", "seed", "judge", "noiseBatches"],
    ]);
    const isCount = Number.isInteger(noiseBatches) && (noiseBatches === 0 || noiseBatches >= 16);
    check(isCount, "recording.noiseBatches", noiseBatches, "an integer >= 16, or 0 for none");
    if (judge !== undefined) checkFeatures("judge", judge);
    const { times = [0.05, 0.1, 0.25, 0.5, 1, 2.5, 7, 20], examples = data.shape.length === 1 ? 8 : 5 } =
      given;
    const common = { data, denoiser: model, every, seed, classes };
    // The same measure for all objectives: tangents between the closest pairs of Easy Consistency Tuning, from data.
    const pairs = (objective.pairs ?? ect().pairs!)(steps);
    return [
      evaluation({ ...common, count, shown, judge, seed: measuring }),
      tangentProbes({ ...common, loss, pairs, iteration: steps - 1, times, examples }),
      ...(noiseBatches > 0
        ? [noiseProbes({ data, method, every, batches: noiseBatches, steps, seed: measuring })]
        : []),
    ];
  }
}

/** What options of version 0.1 are called now. Ignored, they would silently do nothing. */
function checkNames(options: object): void {
  const now = { distance: "given as loss", stages: "given as objective: ect({ stages })" };
  for (const [name, allowed] of Object.entries(now))
    check(!(name in options), name, (options as Record<string, unknown>)[name], allowed);
}

/** Checks that `from` is a trained model of these data. Otherwise random parameters would silently be trained. */
function checkStart(data: TrainingData, { from, network, preconditioning }: ConsistencyTraining): void {
  if (from === undefined) return;
  checkTrained("from", from);
  const [own, shape] = [from.record.shape, data.shape];
  check(`${own}` === `${shape}`, "from", `a model of [${own}]`, `one of [${shape}], the data's shape`);
  check(!network, "network", "a network", "none with from, which has its own");
  check(!preconditioning, "preconditioning", preconditioning, "none with from, which has its own");
}

/** Whose trajectories an objective follows: a trained denoiser of these data and classes; undefined for the data's own. */
function teacherOf(
  { name, teacher: given }: Objective,
  from: TrainedDenoiser | undefined,
  { shape }: TrainingData,
  classes: number | undefined,
): TrainedDenoiser | undefined {
  if (given === undefined) return undefined;
  const teacher = given === "from" ? from : given;
  check(
    teacher !== undefined,
    "teacher",
    teacher,
    `a trained denoiser, as teacher or as from, for "${name}"`,
  );
  checkTrained("teacher", teacher);
  const { shape: own, settings } = teacher.record;
  check(`${own}` === `${shape}`, "teacher", `a model of [${own}]`, `one of [${shape}], the data's shape`);
  const of = (count: unknown): string => (count === undefined ? "no classes" : `${count} classes`);
  const told = `one of ${of(settings.classes)}`;
  check(settings.classes === classes, "teacher", told, `one of ${of(classes)}, as the student`);
  return teacher;
}

/** A checkpoint's configuration, as version 0.1 wrote it, in today's names. */
function ofVersion01({ distance, pixel, ...rest }: RunConfig): RunConfig {
  const objectives: RunConfig = { "continuous-training": "sct", "continuous-distillation": "scd" };
  const losses: RunConfig = {
    "pseudo-huber": pseudoHuber().name,
    pixel: pixel ?? null,
    aligned: "MFD",
    "pixel + aligned": "pixel + MFD",
  };
  return {
    ...rest,
    objective: objectives[String(rest.objective)] ?? rest.objective!,
    loss: losses[String(distance)] ?? distance!,
    ...(distance === "pixel + aligned" && { beside: pixel! }),
  };
}
