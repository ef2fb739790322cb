import type { Key } from "../engine/random.js";
import { checkedDraws, type Draws, draw, type TrainingData } from "./data.js";

/** The examples of a run's steps. */
export interface Batches {
  /** Those of a step, checked; steps are asked for in order. @throws TangentLabError `invalid-data`, and what the data throw. */
  of(step: number): Promise<Draws>;
  /** Where examples are drawn in another thread: the share of the time since it was asked last in which no step waited for them. */
  utilization(): number | undefined;
  close(): Promise<void>;
}

/** Batches that are drawn ahead of the step that needs them. */
const ahead = 2;

/**
 * The examples of the steps from `first` to before `end`: drawn when a step needs them, or, where the data can, in another thread before. They are the same either
 * way, because what is drawn follows from the step.
 */
export function batches(
  data: TrainingData,
  drawn: (step: number) => { key: Key; count: number },
  first: number,
  end: number,
): Batches {
  const draws = first < end ? data.background?.() : undefined;
  if (draws === undefined) {
    return {
      of: async (step) => {
        const { key, count } = drawn(step);
        return draw(data, key, count);
      },
      utilization: () => undefined,
      close: async () => {},
    };
  }
  const queue = new Map<number, Promise<Draws>>();
  let next = first;
  let since = performance.now();
  let waited = 0;
  return {
    of: async (step) => {
      for (; next < end && next <= step + ahead; next++) {
        const { key, count } = drawn(next);
        const batch = draws.sample(key, count);
        batch.catch(() => {}); // whoever awaits it is told
        queue.set(next, batch);
      }
      const begun = performance.now();
      const batch = await queue.get(step)!;
      waited += performance.now() - begun;
      queue.delete(step);
      return checkedDraws(data, batch, drawn(step).count);
    },
    utilization: () => {
      const now = performance.now();
      const share = 1 - waited / Math.max(now - since, waited, 1e-9);
      [since, waited] = [now, 0];
      return share;
    },
    close: () => draws.close(),
  };
}
