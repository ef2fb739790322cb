import { constants } from "node:os";

/** A signal stopped the work, which ended cleanly. */
export class Interrupted extends Error {
  /** 128 + the signal's number, as shells have it: 130 after Ctrl-C. */
  readonly exitCode: number;

  constructor(signal: NodeJS.Signals, message: string) {
    super(message);
    this.exitCode = 128 + constants.signals[signal];
  }
}

/**
 * Runs `work` so that the first SIGINT or SIGTERM aborts its signal, with the signal's name as the reason; a second one kills the process.
 * `work` ends in order and throws `Interrupted`. A process that another one started with a channel is stopped, too, when that one is gone.
 */
export async function interruptible<T>(work: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const controller = new AbortController();
  const names = ["SIGINT", "SIGTERM"] as const;
  const stop = (name: NodeJS.Signals): void => {
    remove();
    controller.abort(name);
  };
  const remove = (): void => {
    for (const name of names) process.removeListener(name, stop);
  };
  for (const name of names) process.on(name, stop);
  const orphaned = (): void => stop("SIGTERM");
  process.once("disconnect", orphaned);
  if (process.send && !process.connected) orphaned(); // before anything heard of it
  try {
    return await work(controller.signal);
  } finally {
    remove();
    process.removeListener("disconnect", orphaned);
    if (process.connected) process.disconnect();
  }
}
