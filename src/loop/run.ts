import { TangentLabError } from "../errors.js";
import type { ArrayRecord, ProbesRecord, RunRecord } from "./record.js";

/** What a run says after some of its steps. */
export interface TrainingEvent {
  /** Steps done; 0 is before training. */
  step: number;
  /** Steps to do. */
  total: number;
  /** Means since the previous event (`loss`, ...) and, where it was measured at this step, quality (`slicedWasserstein`, ...). */
  metrics: Record<string, number>;
  /** Where examples come from another thread (a set on the disk): the share of the time since the previous event in which no step waited for them. */
  utilization?: number;
  /** Samples, always from the same noise, if they were drawn at this step. */
  samples?: ArrayRecord;
  /** Tangents at fixed probes, where they were recorded at this step. */
  probes?: ProbesRecord;
}

/**
 * A training run. Iterate over it (`for await (const event of run)`) to follow it: breaking out stops it cleanly. Or await it, which trains to the
 * end and gives the result. It trains once, on demand, and what it recorded so far is in `record`.
 */
export class Run<Result> implements PromiseLike<Result> {
  /** What was recorded so far: plain data. */
  readonly record: RunRecord;
  readonly #events: AsyncGenerator<TrainingEvent, Result>;
  #result: Result | undefined;
  #whole: Promise<Result> | undefined;

  /** @param events Must yield its result from every way out but an error; `stopped` gives it after an early `return()`. */
  constructor(
    record: RunRecord,
    events: AsyncGenerator<TrainingEvent, Result>,
    stopped: () => Result | undefined,
  ) {
    this.record = record;
    this.#events = events;
    this.#stopped = stopped;
  }

  readonly #stopped: () => Result | undefined;

  /** The result reached: at the end of training, or after it was stopped; undefined before. */
  get result(): Result | undefined {
    return this.#result;
  }

  /** The events, and the result at the end; a run is read once. */
  [Symbol.asyncIterator](): AsyncIterator<TrainingEvent, Result> {
    return {
      next: async () => {
        const next = await this.#events.next();
        if (next.done) this.#result ??= next.value;
        return next.done ? { done: true, value: this.#result as Result } : next;
      },
      return: async () => {
        await this.#events.return(undefined as Result);
        this.#result ??= this.#stopped();
        return { done: true, value: this.#result as Result };
      },
    };
  }

  // biome-ignore lint/suspicious/noThenProperty: a run can be awaited, like the queries and processes of other libraries
  then<A = Result, B = never>(
    onResult?: ((result: Result) => A | PromiseLike<A>) | null,
    onError?: ((error: unknown) => B | PromiseLike<B>) | null,
  ): Promise<A | B> {
    this.#whole ??= this.#finish();
    return this.#whole.then(onResult, onError);
  }

  async #finish(): Promise<Result> {
    const iterator = this[Symbol.asyncIterator]();
    while (!(await iterator.next()).done);
    if (this.#result !== undefined) return this.#result;
    throw new TangentLabError("invalid-argument", "the run was stopped before its first step", {
      argument: "run",
      allowed: "a run that was not stopped",
    });
  }
}

const channel = globalThis.setImmediate === undefined ? new MessageChannel() : undefined;

/** Lets timers, input and signals have their turn. In browsers by a channel, because their timers wait for 4 ms. */
export const nextTurn = (): Promise<void> =>
  new Promise((resolve) => {
    if (!channel) return void setImmediate(resolve);
    channel.port1.addEventListener("message", () => resolve(), { once: true });
    channel.port1.start();
    channel.port2.postMessage(0);
  });
