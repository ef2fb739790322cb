/** Work in small parts, with a result at its end: all at once, or in turns with whatever else waits for the event loop. */
export type Work<T> = Generator<undefined, T, undefined>;

/** Does all of it at once. */
export function atOnce<T>(work: Work<T>): T {
  for (;;) {
    const { done, value } = work.next();
    if (done) return value;
  }
}

/** How long the event loop waits at most, but for the time of one part, in milliseconds. */
const turn = 50;

/** Lets timers and input through in between. */
export async function inTurns<T>(work: Work<T>): Promise<T> {
  let start = performance.now();
  for (;;) {
    const { done, value } = work.next();
    if (done) return value;
    if (performance.now() - start < turn) continue;
    await new Promise((resolve) => setTimeout(resolve));
    start = performance.now();
  }
}
