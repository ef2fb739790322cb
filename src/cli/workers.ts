import { type ChildProcess, spawn } from "node:child_process";
import { availableParallelism } from "node:os";
import { createInterface } from "node:readline";
import { threadsVariable, threadsWanted } from "../engine/environment.js";
import { check, TangentLabError } from "../errors.js";

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
 * where this process is killed. Their progress is told in lines that begin with their number. The promise is settled once all have ended.
 * @throws TangentLabError `worker-failed` naming one that failed and its last line.
 */
export async function runWorkers(count: number, signal: AbortSignal): Promise<void> {
  await Promise.all(Array.from({ length: count }, (_, i) => runWorker(i + 2, signal)));
}

function runWorker(number: number, signal: AbortSignal): Promise<void> {
  const worker = spawn(process.execPath, [...process.execArgv, ...process.argv.slice(1), "--worker"], {
    stdio: ["ignore", "ignore", "pipe", "ipc"],
  });
  const stop = (): void => void worker.kill("SIGINT");
  signal.addEventListener("abort", stop, { once: true });
  return outcome(worker, number, signal).finally(() => signal.removeEventListener("abort", stop));
}

function outcome(worker: ChildProcess, number: number, signal: AbortSignal): Promise<void> {
  let last = "";
  createInterface({ input: worker.stderr! }).on("line", (line) => {
    last = line;
    if (!signal.aborted) process.stderr.write(`[${number}] ${line}\n`);
  });
  return new Promise((resolve, reject) => {
    worker.once("error", reject);
    worker.once("exit", (code) => {
      if (code === 0 || signal.aborted) return resolve();
      const message = `worker ${number} failed: ${last}`;
      reject(new TangentLabError("worker-failed", message, { argument: "--jobs", given: code }));
    });
  });
}
