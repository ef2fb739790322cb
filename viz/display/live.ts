import { inspect } from "node:util";
import { displayed, textOf } from "../../src/engine/self-display.js";
import { check, required } from "../../src/errors.js";
import { currentCell } from "./cell.js";
import { interruptible, nextTurn } from "./interrupt.js";
import { type ProgressEvent, ProgressTracker } from "./progress.js";
import { type History, notebookView, type Snapshot, terminalView } from "./views.js";

/** Options of `live`. */
export interface LiveOptions {
  /** The metric that is drawn. Default `loss`. */
  metric?: string;
  /** Scale of the chart's vertical axis. Default `log`. */
  yScale?: "linear" | "log";
}

/** A run in training: an async iterator of events whose return value is the run's result. */
export interface LiveRun<Result> {
  // Not AsyncIterable<Event, Result>: the compilers of notebook kernels know only its first parameter.
  /** The events of the run, and its result at the end. */
  [Symbol.asyncIterator](): AsyncIterator<ProgressEvent, Result>;
}

/** What a run leaves behind. */
export type ResultOf<Run> = Run extends LiveRun<infer Result> ? Result : never;

/**
 * Milliseconds between two updates of bars and of the chart. What draws them, a notebook's server and browser, mostly runs on the same machine and takes its time
 * from the training: a chart is some 20 ms of work.
 */
const interval = 250;
const chartInterval = 1000;

/**
 * Trains several runs side by side, a turn for each, and shows how they do: in a notebook progress bars and a chart of the metric that update in
 * place, in a terminal progress bars. Stop with the notebook's stop button or Ctrl-C: the runs end in order and the cell succeeds.
 * @param runs Iterators of training events by name, as `train` returns.
 * @returns What each iterator returned, a cell's last expression that shows them compared; of an interrupted run, what it returned on being stopped.
 */
export async function live<Runs extends Record<string, LiveRun<unknown>>>(
  runs: Runs,
  options: LiveOptions = {},
): Promise<{ -readonly [Name in keyof Runs]: ResultOf<Runs[Name]> }> {
  check.only("live", options, ["metric", "yScale"]);
  const { metric = "loss", yScale = "log" } = options;
  check(typeof metric === "string", "metric", metric, "a metric's name");
  check.oneOf("yScale", yScale, ["linear", "log"]);
  const names = Object.keys(required("runs", runs, "runs by name, e.g. { pixel: run }"));
  check(names.length > 0, "runs", runs, "at least one run by name, e.g. { pixel: run }");
  for (const name of names)
    check(
      Symbol.asyncIterator in Object(runs[name]),
      `runs.${name}`,
      runs[name],
      "an async iterator of training events",
    );

  const cell = currentCell();
  const view = cell ? notebookView(cell, yScale, chartInterval) : terminalView();
  const states = names.map((name) => new RunState(name, runs[name]!, metric, names.length > 1));
  const snapshot = (interrupted: boolean): Snapshot => ({
    metric,
    runs: states.map((state) => state.tracker.progress),
    histories: states.flatMap((state) => state.histories),
    interrupted,
  });

  let interrupted = false;
  try {
    view.update(snapshot(false));
    await interruptible(async (signal) => {
      let due = performance.now() + interval;
      while (states.some((state) => !state.done)) {
        for (const state of states) {
          if (!state.done && !signal.interrupted) await state.advance();
          await nextTurn();
        }
        interrupted = signal.interrupted;
        if (interrupted) break;
        if (performance.now() >= due) {
          view.update(snapshot(false));
          due = performance.now() + interval;
        }
      }
    });
  } finally {
    // Also when a run fails: the others are closed, and what was reached stays visible.
    for (const state of states) await state.stop();
    view.end(snapshot(interrupted));
  }
  const results = Object.fromEntries(states.map((state) => [state.name, state.result]));
  const text = (): string =>
    names
      .map((name) => `${name}: ${textOf(results[name]) ?? inspect(results[name], { depth: 0 })}`)
      .join("\n");
  return displayed(results, "models", text) as Awaited<ReturnType<typeof live<Runs>>>;
}

/** One run, or one study, on its way. @internal */
export class RunState {
  /** One curve, or one of each arm of a study, with the seed that it was trained with last. */
  readonly #histories = new Map<string, History>();
  readonly tracker: ProgressTracker;
  readonly name: string;
  readonly #iterator: AsyncIterator<ProgressEvent, unknown>;
  readonly #metric: string;
  readonly #amongOthers: boolean;
  done = false;
  result: unknown;

  constructor(name: string, run: LiveRun<unknown>, metric: string, amongOthers: boolean) {
    this.name = name;
    this.#amongOthers = amongOthers;
    this.#iterator = run[Symbol.asyncIterator]();
    this.#metric = metric;
    this.tracker = new ProgressTracker(name, metric);
  }

  /** Waits for the next event. */
  async advance(): Promise<void> {
    const start = performance.now();
    const { done, value } = await this.#iterator.next();
    if (done) {
      this.#finish(value);
      this.tracker.finish();
      return;
    }
    this.tracker.add(value, (performance.now() - start) / 1000);
    const metric = value.metrics[this.#metric];
    if (metric !== undefined) {
      const { steps, values } = this.#historyOf(value);
      steps.push(value.run?.step ?? value.step);
      values.push(metric);
    }
  }

  get histories(): History[] {
    return [...this.#histories.values()];
  }

  #historyOf({ run }: ProgressEvent): History {
    const arm = run && (this.#amongOthers ? `${this.name}: ${run.arm}` : run.arm);
    const name = arm ?? this.name;
    const known = this.#histories.get(name);
    if (known && known.seed === run?.seed) return known;
    const begun: History = { name, ...(run && { seed: run.seed }), steps: [], values: [] };
    this.#histories.set(name, begun);
    return begun;
  }

  /** Ends the run before its time, if it has not ended. */
  async stop(): Promise<void> {
    if (!this.done) this.#finish((await this.#iterator.return?.())?.value);
  }

  #finish(result: unknown): void {
    this.done = true;
    this.result = result;
  }
}
