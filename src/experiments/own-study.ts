import { displayed } from "../engine/self-display.js";
import { check, required, TangentLabError } from "../errors.js";
import { probeMean, type RunRecord } from "../loop/record.js";
import type { TrainingEvent } from "../loop/run.js";
import { machine, versions } from "./provenance.js";
import type { CellRuns } from "./run-study.js";
import type { Cell, Study, StudyPlan } from "./study.js";
import { type StudyRecord, summarize } from "./summary.js";
import type { TrialResult } from "./trial.js";

/** What an arm gives: a run to train, as every `train` returns it. */
export interface ArmRun<Trained> {
  /** Its events, and the trained model at the end. */
  [Symbol.asyncIterator](): AsyncIterator<TrainingEvent, Trained>;
}

/** A question, what is compared, and with which seeds. */
export interface OwnStudy<Start, Trained extends { readonly record: RunRecord }> {
  /** What is asked, in a sentence or two. */
  question: string;
  /** What is compared, by name: a training for a seed, with what the seed's arms have in common. */
  arms: Readonly<Record<string, (seed: number, start: Start) => ArmRun<Trained>>>;
  /** Two or more, so that there are intervals. Settings should have been chosen on others. */
  seeds: readonly number[];
  /** Makes what all arms of a seed have in common, such as a denoiser; once for each seed. A run is followed, and shown as "start". Default: nothing. */
  start?: (seed: number) => Start | PromiseLike<Start>;
  /** The arm that the others are compared with, seed by seed. Default the first. */
  reference?: string;
  /** The metric of the runs' recordings that decides, lower being better. Default the first that was recorded. */
  metric?: string;
  /** Values of the deciding metric: how many steps each arm takes to them. Default none. */
  targets?: readonly number[];
  /** What else is measured of the trained models, by name. Default nothing; the last recording counts in any case, with the tangents' parallel share. */
  measures?: Readonly<Record<string, (model: Trained, seed: number) => number | PromiseLike<number>>>;
}

/** How far a study is. */
export interface StudyEvent {
  /** Training steps done, of all runs. */
  step: number;
  /** Steps in all, as far as is known: a run that has not begun is taken to be as long as those that have. */
  total: number;
  /** What the run that is training says. */
  metrics: Record<string, number>;
  /** Which run that is, and its own step. */
  run: { arm: string; seed: number; step: number };
}

/**
 * A study on its way. Await it, or give it to `viz.live`, which shows how far it is. Stopped before its end, or by an arm that fails, it gives what the seeds
 * have found that all arms are done with; where there is none, `viz.live` gives undefined, and awaiting it throws.
 */
export class StudyRun implements PromiseLike<StudyRecord> {
  readonly #events: AsyncGenerator<StudyEvent, StudyRecord>;
  readonly #sofar: () => StudyRecord | undefined;
  #result: StudyRecord | undefined;
  #whole: Promise<StudyRecord> | undefined;

  /** @internal */
  constructor(events: AsyncGenerator<StudyEvent, StudyRecord>, sofar: () => StudyRecord | undefined) {
    this.#events = events;
    this.#sofar = sofar;
  }

  /** The events, and what the study found; it is read once. */
  [Symbol.asyncIterator](): AsyncIterator<StudyEvent, StudyRecord> {
    return {
      next: async () => {
        const next = await this.#events.next();
        if (next.done) this.#result ??= next.value ?? this.#sofar();
        return next.done ? { done: true, value: this.#result as StudyRecord } : next;
      },
      return: async () => {
        await this.#events.return(undefined as unknown as StudyRecord);
        this.#result ??= this.#sofar();
        return { done: true, value: this.#result as StudyRecord };
      },
    };
  }

  // biome-ignore lint/suspicious/noThenProperty: a study can be awaited, like a run
  then<A = StudyRecord, B = never>(
    onResult?: ((result: StudyRecord) => A | PromiseLike<A>) | null,
    onError?: ((error: unknown) => B | PromiseLike<B>) | null,
  ): Promise<A | B> {
    this.#whole ??= this.#finish();
    return this.#whole.then(onResult, onError);
  }

  async #finish(): Promise<StudyRecord> {
    const iterator = this[Symbol.asyncIterator]();
    while (!(await iterator.next()).done);
    if (this.#result !== undefined) return this.#result;
    throw new TangentLabError("invalid-argument", "the study was stopped before all arms had done a seed", {
      argument: "study",
      allowed: "a study that was not stopped",
    });
  }
}

const options = ["question", "arms", "seeds", "start", "reference", "metric", "targets", "measures"];

/**
 * Trains every arm with every seed and compares them: means with 95% intervals over the seeds (Student's t), differences of runs with the same seed, steps to
 * given values. Seed by seed, so that what is there early can be compared. The result shows itself in a notebook; `viz.studyTable` and `viz.studyCurves` draw it.
 * @throws TangentLabError `invalid-argument` for a study that is none: no second seed, an unknown reference, a metric that was not recorded, an arm that trains
 * with the same seed again; what a training throws.
 */
export function run<
  Start = undefined,
  Trained extends { readonly record: RunRecord } = { record: RunRecord },
>(study: OwnStudy<Start, Trained>): StudyRun {
  checkStudy(study);
  const done: Done = new Map(Object.keys(study.arms).map((arm) => [arm, []]));
  const begun = new Date();
  const found = (): StudyRecord | undefined => {
    const complete = Math.min(...[...done.values()].map(({ length }) => length));
    return complete === 0 ? undefined : recordOf(study, done, complete, begun);
  };
  return new StudyRun(train(study, done, found), found);
}

/** Each arm's finished trainings, seed by seed. */
type Done = Map<string, { record: RunRecord; measured: Record<string, number> }[]>;

async function* train<Start, Trained extends { readonly record: RunRecord }>(
  own: OwnStudy<Start, Trained>,
  done: Done,
  found: () => StudyRecord | undefined,
): AsyncGenerator<StudyEvent, StudyRecord> {
  const { arms, seeds, start, measures = {} } = own;
  const lengths = new Map<string, number>();
  const total = (): number => {
    const known = [...lengths.values()];
    const each = known.reduce((sum, length) => sum + length, 0) / Math.max(1, known.length);
    return Math.round(each * done.size * seeds.length);
  };
  let before = 0;
  let deciding: string | undefined;
  for (const seed of seeds) {
    const common = yield* startOf(start?.(seed), (event) => {
      const run = { arm: "start", seed, step: event.step };
      return { step: before, total: total() || event.total, metrics: event.metrics, run };
    });
    for (const [arm, training] of Object.entries(arms)) {
      const trained = yield* trainArm(training(seed, common), `arms.${arm}`, (event) => {
        lengths.set(arm, event.total);
        const run = { arm, seed, step: event.step };
        return { step: before + event.step, total: total(), metrics: event.metrics, run };
      });
      const { record } = trained;
      // Before the others train in vain.
      decidingMetric({ metric: own.metric ?? deciding }, record);
      deciding ??= decidingMetric(own, record).metric;
      checkOwnSeed(arm, done.get(arm)!, record);
      const measured: Record<string, number> = {};
      for (const [name, measure] of Object.entries(measures)) {
        const value = await measure(trained, seed);
        check(Number.isFinite(value), `measures.${name}`, value, "a finite number");
        measured[name] = value;
      }
      done.get(arm)!.push({ record, measured });
      before += lengths.get(arm) ?? 0;
    }
  }
  return found()!;
}

/** What the arms of a seed have in common: the end of a run, or whatever it is. */
async function* startOf<Start>(
  begun: Start | PromiseLike<Start> | undefined,
  eventOf: (event: TrainingEvent) => StudyEvent,
): AsyncGenerator<StudyEvent, Start> {
  if (!(Symbol.asyncIterator in Object(begun))) return (await begun) as Start;
  return yield* followed(begun as unknown as ArmRun<Start>, eventOf);
}

async function* trainArm<Trained extends { readonly record: RunRecord }>(
  run: ArmRun<Trained>,
  argument: string,
  eventOf: (event: TrainingEvent) => StudyEvent,
): AsyncGenerator<StudyEvent, Trained> {
  check(Symbol.asyncIterator in Object(run), argument, run, "a function that gives a run, as train does");
  const trained = yield* followed(run, eventOf);
  check(trained?.record !== undefined, argument, trained, "a run of a model with its record");
  return trained;
}

/** A run's events as the study's, and its result; it is closed where the study is stopped. */
async function* followed<Result>(
  run: ArmRun<Result>,
  eventOf: (event: TrainingEvent) => StudyEvent,
): AsyncGenerator<StudyEvent, Result> {
  const events = run[Symbol.asyncIterator]();
  let ended = false;
  try {
    for (;;) {
      const next = await events.next();
      if (next.done) {
        ended = true;
        return next.value;
      }
      yield eventOf(next.value);
    }
  } finally {
    if (!ended) await events.return?.();
  }
}

function checkStudy<Start, Trained extends { readonly record: RunRecord }>(
  study: OwnStudy<Start, Trained>,
): void {
  check.only("experiments.run", required("study", study, "a question, arms and seeds"), options);
  const { question, arms, seeds, start, reference, metric, targets = [], measures = {} } = study;
  check(typeof question === "string" && question !== "", "question", question, "what is asked");
  const names = Object.keys(required("arms", arms, "trainings by name"));
  check(names.length > 0, "arms", arms, "at least one training by name");
  for (const name of names)
    check(typeof arms[name] === "function", `arms.${name}`, arms[name], "(seed) => a run");
  const numbers = Array.isArray(seeds) && seeds.every((seed) => Number.isInteger(seed) && seed >= 0);
  const apart = numbers && new Set(seeds).size === seeds.length && seeds.length >= 2;
  check(apart, "seeds", seeds, "two or more different integers >= 0");
  check(start === undefined || typeof start === "function", "start", start, "(seed) => what arms share");
  if (reference !== undefined) check.oneOf("reference", reference, names);
  check(metric === undefined || typeof metric === "string", "metric", metric, "a recorded metric's name");
  check(Array.isArray(targets) && targets.every(Number.isFinite), "targets", targets, "finite numbers");
  for (const [name, measure] of Object.entries(required("measures", measures, "functions by name")))
    check(typeof measure === "function", `measures.${name}`, measure, "(model) => a number");
}

/** That an arm trains with another seed each time: else its runs would be one, with intervals of nothing. @throws TangentLabError `invalid-argument`. */
function checkOwnSeed(arm: string, before: readonly { record: RunRecord }[], record: RunRecord): void {
  const { seed } = record.settings;
  const isOwn = typeof seed !== "number" || before.every((each) => each.record.settings.seed !== seed);
  check(isOwn, `arms.${arm}`, `seed ${seed}, again`, "a run with the seed that it is given: { seed }");
}

/** The metric that decides, and those that a run recorded. @throws TangentLabError `invalid-argument` where it is not among them. */
function decidingMetric(
  { metric: asked }: { readonly metric?: string },
  { name, curve }: RunRecord,
): { metric: string; recorded: string[] } {
  const recorded = Object.keys(curve.at(-1)?.metrics ?? {});
  const metric = asked ?? recorded[0];
  const allowed = recorded.join(", ") || `a metric, with recording: ${name} has none`;
  check(metric !== undefined && recorded.includes(metric), "metric", metric, allowed);
  return { metric, recorded };
}

/** What was found with the first seeds that all arms are done with. */
function recordOf<Start, Trained extends { readonly record: RunRecord }>(
  own: OwnStudy<Start, Trained>,
  done: Done,
  count: number,
  begun: Date,
): StudyRecord {
  const { question, arms, targets = [], measures = {} } = own;
  const { reference = Object.keys(arms)[0]! } = own;
  const first = done.get(reference)![0]!.record;
  const { metric, recorded } = decidingMetric(own, first);
  const seeds: StudyPlan["seeds"] = { tune: [], report: own.seeds.slice(0, count) };
  const cellOf = (arm: string, { dataset, settings }: RunRecord): Cell => ({
    ...{ panel: dataset, arm, dataset, metric, settings, learningRates: [] },
    // What a study of the repository does with a cell; here the arms' own functions have done it.
    ...{ check: () => {}, shared: () => [], trial: unused },
  });
  const runs = [...done].map(([arm, results]): CellRuns => {
    const cell = cellOf(arm, { ...results[0]!.record, dataset: first.dataset });
    const trials = results.slice(0, count).map(({ record, measured }) => resultOf(record, measured));
    return { cell, learningRate: undefined, tuning: [], tuningSeconds: 0, results: trials };
  });
  const plan: StudyPlan = { seeds, reference, targets, cells: runs.map(({ cell }) => cell) };
  const others = recorded.filter((name) => name !== metric);
  const shown = ["metric", "steps", ...Object.keys(measures), "parallel", ...others];
  const study: Study = { name: "study", title: question, question, measures: shown, plan: () => plan };
  const records = [...done.values()].flatMap((results) => results.slice(0, count));
  const record: StudyRecord = {
    ...{ name: study.name, title: question, question, quick: false, axis: null, measures: shown, seeds },
    date: begun.toISOString(),
    seconds: records.reduce((sum, { record: { seconds } }) => sum + seconds, 0),
    panels: summarize(study, plan, runs),
    settings: Object.fromEntries(runs.map(({ cell }) => [cell.arm, { ...cell.settings }])),
    machine: machine(first.engine),
    versions: versions(),
  };
  return displayed(record, "study", () => `${question}\n${textOf(record)}`);
}

const unused = (): never => {
  throw new Error("an arm of one's own is not run again");
};

/** The deciding metric of each arm, for terminals. */
function textOf({ panels, seeds }: StudyRecord): string {
  const number = (value: number): string => String(Number(value.toPrecision(3)));
  const lines = panels.flatMap(({ cells, metric }) =>
    cells.map(({ arm, outcomes }) => {
      const measured = outcomes[metric]?.interval;
      if (!measured) return `  ${arm}: ${metric} was not measured with every seed`;
      const { mean, low, high } = measured;
      const ends = low === null || high === null ? "" : ` (${number(low)} to ${number(high)})`;
      return `  ${arm}: ${metric} ${number(mean)}${ends}`;
    }),
  );
  const count = seeds.report.length;
  return [
    ...lines,
    `  mean${count > 1 ? " and 95% interval" : ""} of ${count} seed${count > 1 ? "s" : ""}`,
  ].join("\n");
}

/** A run's last recording, what else was measured, and its curves. */
function resultOf(record: RunRecord, measured: Record<string, number>): TrialResult {
  const names = Object.keys(record.curve[0]?.metrics ?? {});
  const curves: TrialResult["curves"] = Object.fromEntries(
    names.map((name) => [
      name,
      record.curve.map(({ step, metrics }) => ({ step, value: metrics[name] ?? null })),
    ]),
  );
  if (record.probes.length > 0)
    curves.parallel = record.probes.map(({ step, parallel }) => ({ step, value: probeMean(parallel) }));
  const last = Object.entries(curves).map(([name, rows]) => [name, rows.at(-1)!.value] as const);
  return {
    ...{ engine: record.engine, seconds: record.seconds, curves, samples: null },
    values: {
      ...Object.fromEntries(last.filter((entry): entry is [string, number] => entry[1] !== null)),
      ...measured,
    },
    chance: record.probeSet?.chance ?? null,
  };
}
