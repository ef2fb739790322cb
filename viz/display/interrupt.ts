import { setImmediate } from "node:timers/promises";

/** Lets timers, input and signals have their turn. */
export const nextTurn = (): Promise<void> => setImmediate();

/**
 * Runs `body` so that the first interrupt (Ctrl-C, or a notebook's stop button) only sets `interrupted`: the body ends its loop in order and what it
 * has so far is kept. A second interrupt does what it would have done before. The body must await `nextTurn` now and then for the signal to come through.
 */
export async function interruptible<T>(
  body: (signal: { readonly interrupted: boolean }) => Promise<T>,
): Promise<T> {
  // A notebook kernel sets its own handlers aside while a cell runs synchronously and puts them back at the cell's first await: swap after it.
  await nextTurn();
  const previous = process.rawListeners("SIGINT") as NodeJS.SignalsListener[];
  const state = { interrupted: false };
  const restore = (): void => {
    process.removeListener("SIGINT", stop);
    for (const listener of previous) process.on("SIGINT", listener);
  };
  const stop = (): void => {
    state.interrupted = true;
    restore();
  };
  process.removeAllListeners("SIGINT");
  process.on("SIGINT", stop);
  try {
    return await body(state);
  } finally {
    if (!state.interrupted) restore();
  }
}
