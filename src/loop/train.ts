import * as tf from "@tensorflow/tfjs-core";
import { compile } from "../engine/compile.js";
import { currentDevice } from "../engine/device.js";
import * as random from "../engine/random.js";
import { displayed } from "../engine/self-display.js";
import type { Tensor } from "../engine/tensor.js";
import * as tree from "../engine/tree.js";
import { check, required, TangentLabError } from "../errors.js";
import type { Checkpoints, Json, RunConfig } from "../io/checkpoint.js";
import type { Method, Metrics, TrainingConfig, TrainState } from "../optim/method.js";
import { batches } from "./batches.js";
import { checkScale, draw, fingerprintOfData, type TrainingData } from "./data.js";
import { checkState } from "./finite.js";
import { addRow, type ProbeSetRecord, type RecordRow, type RunRecord } from "./record.js";
import { rowSchema } from "./record-schema.js";
import { nextTurn, Run, type TrainingEvent } from "./run.js";

/** Looks at the model now and then: before the first step, every so many steps, and after the last. Must not change the state. */
export interface Observer {
  /** Steps between two looks. */
  readonly every: number;
  /** Plain data to add to the run's record. */
  observe(state: TrainState, record: RunRecord): Promise<Omit<RecordRow, "step" | "losses">>;
  /** What is common to all its recordings of probes. */
  readonly probeSet?: ProbeSetRecord;
}

/** What every kind of training has. */
export interface RunOptions {
  /** Optimizer steps. */
  steps: number;
  /** Examples per step. */
  batchSize?: number;
  /** Everything random follows from the seed and the step. Default 0. */
  seed?: number;
  /** Steps between two events, at which metrics are read. Default a hundredth of `steps`. */
  eventEvery?: number;
  /**
   * Folder of the checkpoint: written ten times during the run, at its end, and when it is stopped. Only a missing or empty folder or an earlier checkpoint is
   * written to, and by one process at a time. Default none.
   */
  checkpoint?: string;
  /** Steps between two checkpoints, rounded up to an event. Default a tenth of `steps`. */
  checkpointEvery?: number;
  /**
   * Continue from the checkpoint, if there is one, of a run with the same settings and data. On the same engine the result is bit for bit that of an
   * uninterrupted run. Without it, an old checkpoint is overwritten. Default false.
   */
  resume?: boolean;
  /** Stops the run after the step it is at, as breaking out of the iterator does. */
  signal?: AbortSignal;
}

/** Options of `train`. */
export interface TrainOptions<Result> extends Omit<RunOptions, "checkpoint" | "batchSize"> {
  /** Examples per step, or a function of the iteration (0, 1, ...). Default 128. */
  batchSize?: number | ((iteration: number) => number);
  /** Where the run's checkpoint is kept: `checkpointFolder(path)`. Default nowhere. */
  checkpoint?: Checkpoints | undefined;
  /** For legends. */
  name: string;
  kind: RunRecord["kind"];
  method: Method;
  data: TrainingData;
  /** Start from these parameters [P] (copied) instead of random ones. */
  from?: Tensor | undefined;
  /** What else decides the run, for its record and to recognise its checkpoint. */
  settings?: RunConfig;
  observers?: readonly Observer[];
  /** Makes the run's result: called once, with the last state, whose tensors are freed afterwards. */
  finish(state: TrainState, record: RunRecord): Result;
}

/** The names of what all trainings that a program calls have in common: `RunOptions`, `TrainingConfig` and a name. */
export const trainingOptions: readonly string[] = [
  ...["steps", "batchSize", "seed", "eventEvery", "checkpoint", "checkpointEvery", "resume", "signal"],
  ...["optimizer", "learningRate", "ema", "name"],
];

/** Keys of a seed, by use. */
const Use = { init: 0, steps: 1, scale: 5 } as const;

/** Number of examples from which the scale of the data is estimated, to reject an absurd one. */
const scaleDraws = 64;

/**
 * The one training loop: a method's compiled steps on random batches. Nothing starts before the run is iterated over or awaited.
 * @throws TangentLabError `invalid-argument` for options out of range; while it runs `not-finite` if the loss or what is saved becomes NaN or infinite (the
 * last good checkpoint stays), `invalid-data`, `file-system`, and on resuming `corrupt-file` or, for another run's checkpoint, `invalid-argument`.
 */
export function train<Result>(options: TrainOptions<Result>): Run<Result> {
  required("options", options, "an object with steps, name, kind, method, data and finish");
  const { steps, batchSize = 128, seed = 0, data, observers = [] } = options;
  const { eventEvery = Math.ceil(steps / 100), checkpointEvery = Math.ceil(steps / 10) } = options;
  check.count("steps", steps);
  if (typeof batchSize !== "function") check.count("batchSize", batchSize);
  check.count("eventEvery", eventEvery);
  check.count("checkpointEvery", checkpointEvery);
  for (const { every } of observers) check.count("every", every);
  const { signal } = options;
  const stops = signal === undefined || typeof signal?.addEventListener === "function";
  check(stops, "signal", signal, "an AbortSignal: new AbortController().signal");
  check(typeof options.name === "string", "name", options.name, "text");
  check(!options.resume || options.checkpoint !== undefined, "resume", true, "only with a checkpoint folder");
  random.key(seed); // its check
  const record: RunRecord = {
    name: options.name,
    kind: options.kind,
    dataset: data.name,
    shape: [...data.shape],
    settings: {
      steps,
      batchSize: typeof batchSize === "number" ? batchSize : "scheduled",
      seed,
      ...options.settings,
    },
    engine: "",
    parameters: 0,
    seconds: 0,
    losses: [],
    curve: [],
    samples: [],
    probeSet: observers.find((observer) => observer.probeSet)?.probeSet ?? null,
    probes: [],
  };
  const end: { result?: Result } = {};
  const events = loop({ ...options, batchSize, seed, eventEvery, checkpointEvery, observers }, record, end);
  return new Run(record, events, () => end.result);
}

const compiledSteps = new WeakMap<Method, ReturnType<typeof compiledStep>>();

/** A method's step, compiled once for all its runs. */
function compiledStep(
  method: Method,
): (...args: Parameters<Method["step"]>) => Promise<ReturnType<Method["step"]>> {
  const known = compiledSteps.get(method) ?? compile(method.step, { donate: true });
  compiledSteps.set(method, known);
  return known;
}

type LoopOptions<Result> = TrainOptions<Result> &
  Required<Pick<TrainOptions<Result>, "batchSize" | "seed" | "eventEvery" | "checkpointEvery" | "observers">>;

async function* loop<Result>(
  options: LoopOptions<Result>,
  record: RunRecord,
  end: { result?: Result },
): AsyncGenerator<TrainingEvent, Result> {
  const { method, data, steps, batchSize, seed, eventEvery, checkpointEvery, observers, signal } = options;
  record.engine = await currentDevice();
  const base = random.key(seed);
  const stepsKey = random.foldIn(base, Use.steps);
  const rows: RecordRow[] = [];
  let state = options.from ? method.from(options.from) : method.init(random.foldIn(base, Use.init));
  record.parameters = state.parameters.size;
  const config: RunConfig = {
    kind: record.kind,
    dataset: record.dataset,
    shape: record.shape,
    ...record.settings,
  };
  const release = await options.checkpoint?.open();
  let step = 0;
  let saved = -1;
  try {
    checkScale(data, draw(data, random.foldIn(base, Use.scale), scaleDraws).x, 1e-6, 1e6);
    if (options.checkpoint) config.data = await fingerprintOfData(data);
    const found = options.resume && (await options.checkpoint!.load(config, state, rowSchema));
    if (found) {
      tree.dispose(state);
      ({ state, step } = found);
      record.seconds = found.seconds;
      for (const row of found.rows) addRow(record, row);
      rows.push(...found.rows);
      saved = step;
    }
  } catch (error) {
    tree.dispose(state);
    await release?.();
    throw error;
  }

  const keysOf = (step: number) => random.split(random.foldIn(stepsKey, step));
  const countOf = (step: number) => (typeof batchSize === "number" ? batchSize : batchSize(step));
  const examples = batches(data, (step) => ({ key: keysOf(step)[0]!, count: countOf(step) }), step, steps);
  const compiled = compiledStep(method);
  const before = record.seconds;
  const started = performance.now();
  const pending: Metrics[] = [];
  const due = (every: number): boolean => step % every === 0 || step === steps || signal?.aborted === true;
  const report = async (): Promise<TrainingEvent> => {
    const row: RecordRow = { step };
    if (pending.length > 0) row.losses = means(pending.splice(0), step, steps);
    for (const observer of observers)
      if (step % observer.every === 0 || step === steps)
        Object.assign(row, merge(row, await observer.observe(state, record)));
    record.seconds = before + (performance.now() - started) / 1000;
    if (options.checkpoint) rows.push(row);
    addRow(record, row);
    const utilization = examples.utilization();
    return { ...eventOf(row, steps), ...(utilization !== undefined && { utilization }) };
  };
  const save = async (): Promise<void> => {
    if (saved === step) return;
    checkState(state, step, steps);
    if (options.checkpoint === undefined) return;
    record.seconds = before + (performance.now() - started) / 1000;
    await options.checkpoint.save({ config, step, seconds: record.seconds, rows, state });
    saved = step;
  };

  let failed = false;
  try {
    if (step === 0 && observers.length > 0) yield await report();
    while (step < steps && !signal?.aborted) {
      const { x, labels } = await examples.of(step);
      const batch = method.batch(keysOf(step)[1]!, x, step, labels);
      const next = await compiled(state, batch);
      tree.dispose(batch);
      state = next.state;
      pending.push(next.metrics);
      step++;
      await nextTurn();
      if (due(eventEvery) || observers.some(({ every }) => step % every === 0)) {
        const event = await report();
        if (due(checkpointEvery) || step - saved >= checkpointEvery) await save();
        yield event;
      }
    }
  } catch (error) {
    failed = true;
    throw error;
  } finally {
    for (const metrics of pending) tree.dispose(metrics);
    await examples.close();
    try {
      if (!failed) {
        await save();
        end.result = selfDescribed(options.finish(state, record), record);
      }
    } finally {
      tree.dispose(state);
      await release?.();
    }
  }
  return end.result as Result;
}

/** Means of the scalars of several steps; frees them. */
function means(list: readonly Metrics[], step: number, steps: number): Record<string, number> {
  const sums: Record<string, number> = {};
  for (const metrics of list) {
    for (const [name, value] of Object.entries(metrics)) {
      sums[name] = (sums[name] ?? 0) + value.dataSync()[0]! / list.length;
    }
    tree.dispose(metrics);
  }
  if (!Number.isFinite(sums.loss)) {
    throw new TangentLabError("not-finite", `the loss is ${sums.loss} at step ${step} of ${steps}`, {
      argument: "loss",
      given: sums.loss,
      allowed: "finite losses: try a lower learningRate",
    });
  }
  return sums;
}

/** Two observers may both give numbers for the curve. */
const merge = (row: RecordRow, more: Omit<RecordRow, "step">): Omit<RecordRow, "step"> =>
  row.curve && more.curve ? { ...more, curve: { ...row.curve, ...more.curve } } : more;

const eventOf = ({ step, losses, curve, samples, probes }: RecordRow, total: number): TrainingEvent => ({
  step,
  total,
  metrics: { ...losses, ...curve },
  ...(samples && { samples }),
  ...(probes && { probes: { step, ...probes } }),
});

/** A copy of a state's tensor that outlives it. */
export const keep = (tensor: Tensor): Tensor =>
  tf.tensor(tensor.dataSync().slice() as Float32Array, tensor.shape);

/** The learning rate, and an optimizer that is not the usual one, as a run's record has them. */
export const optimizerSettings = ({
  learningRate = 1e-3,
  optimizer,
}: TrainingConfig): Record<string, Json> => ({
  learningRate: typeof learningRate === "number" ? learningRate : "scheduled",
  ...(optimizer && { optimizer: optimizer.name }),
});

/** A trained model prints as one sentence: what was trained, on what, how long. */
function selfDescribed<Result>(result: Result, record: RunRecord): Result {
  if (typeof result !== "object" || result === null) return result;
  return displayed(result, "model", () => {
    const { name, kind, dataset, parameters, seconds, engine, losses } = record;
    const steps = losses.at(-1)?.step ?? 0;
    const number = (value: number): string => value.toLocaleString("en-US", { maximumSignificantDigits: 6 });
    return `Trained ${kind} "${name}" of ${dataset}: ${number(parameters)} parameters, ${number(steps)} steps in ${number(Math.round(seconds))} s on ${engine}`;
  });
}
