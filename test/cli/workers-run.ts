// A command with one more process, for the tests of workers: `workers-run.ts WHAT [FILE]`. The worker does what WHAT says; how it ended goes into the file.
import { appendFileSync } from "node:fs";
import { setTimeout } from "node:timers/promises";
import { interruptible } from "../../src/cli/interrupt.js";
import { runWorkers } from "../../src/cli/workers.js";

const [what, file] = process.argv.slice(2);
const isWorker = process.argv.includes("--worker");
/** Keeps the process alive until the signal, for at most so long that a test notices. */
const wait = (signal: AbortSignal): Promise<unknown> =>
  setTimeout(20_000, undefined, { signal }).catch(() => undefined);

if (isWorker && what === "fails") {
  console.error("error: no such thing");
  process.exit(2);
}
if (isWorker && what === "is-killed") process.kill(process.pid, "SIGKILL");
// As one that imports much: nobody listens yet when the channel closes.
if (isWorker && what === "late") await setTimeout(500);
await interruptible(async (signal) => {
  if (isWorker) {
    if (what !== "late") console.error("works"); // nobody hears
    await wait(signal);
    if (signal.aborted) await setTimeout(300); // writes its checkpoint
    appendFileSync(file!, signal.aborted ? "in order" : "was not told");
    return;
  }
  const given = new AbortController();
  if (what === "aborted") given.abort();
  if (what === "late") globalThis.setTimeout(() => process.kill(process.pid, "SIGKILL"), 100);
  await runWorkers(1, AbortSignal.any([signal, given.signal]));
  console.log(signal.aborted ? "stopped" : "went on");
});
