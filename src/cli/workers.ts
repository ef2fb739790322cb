import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { availableParallelism } from "node:os";
import { createInterface } from "node:readline";
import { threadsVariable, threadsWanted } from "../engine/environment.js";
import { check } from "../errors.js";

/**
 * Divides the threads between so many processes, this one among them; before a device is in use.
 * @throws TangentLabError `invalid-argument` for more jobs than there are cores.
 */
export function divideThreads(jobs: number): void {
  const cores = availableParallelism();
  check.count("--jobs", jobs);
  check(jobs <= cores, "--jobs", jobs, `at most ${cores}, the cores of this machine`);
  if (jobs > 1)
    process.env[threadsVariable] = `${Math.max(1, Math.floor((threadsWanted() ?? cores) / jobs))}`;
}

/**
 * Starts so many more processes of this command, which take trials that are free, in the same folder, and leave the report to this one. They end with the signal, and
 * where this process is killed. Their progress is told in lines that begin with their number, and so is the failure of one: what it was at is left to the others. The
 * promise is settled once all have ended.
 */
export async function runWorkers(count: number, signal: AbortSignal): Promise<void> {
  if (signal.aborted) return;
  await Promise.all(Array.from({ length: count }, (_, i) => runWorker(i + 2, signal)));
}

async function runWorker(number: number, signal: AbortSignal): Promise<void> {
  const worker = spawn(process.execPath, [...process.execArgv, ...process.argv.slice(1), "--worker"], {
    stdio: ["ignore", "ignore", "pipe", "ipc"],
  });
  // And not a signal: after Ctrl-C the terminal has sent it one, and a second one kills.
  const stop = (): void => {
    if (worker.connected) worker.disconnect();
  };
  signal.addEventListener("abort", stop, { once: true });
  const failure = await outcome(worker, number, signal);
  signal.removeEventListener("abort", stop);
  if (failure !== undefined && !signal.aborted)
    process.stderr.write(`[${number}] failed: ${failure}; what it was at is left to the others\n`);
}

/** Once it has ended and all it said is told: undefined where all is well, else why it ended. */
async function outcome(
  worker: ChildProcess,
  number: number,
  signal: AbortSignal,
): Promise<string | undefined> {
  const lines = createInterface({ input: worker.stderr! });
  lines.on("line", (line) => {
    if (!signal.aborted) process.stderr.write(`[${number}] ${line}\n`);
  });
  const told = once(lines, "close");
  try {
    // Not `close`, which Node never tells of a process whose channel was closed from here.
    const [code, killed] = (await once(worker, "exit")) as [number | null, NodeJS.Signals | null];
    await told;
    if (code === 0) return undefined;
    return killed ? `it was killed (${killed})` : `its exit code is ${code}`;
  } catch (error) {
    return (error as Error).message; // it could not be started
  }
}
