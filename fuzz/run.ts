import { type ChildProcess, fork } from "node:child_process";
import { accessSync, constants, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Message, Task } from "./child.js";
import { readPosition } from "./position.js";

export interface Failure {
  index: number;
  reader: string;
  why: string;
  /** In base64; of a file that ended the process, it is made anew from seed and index. */
  file?: string;
}

export interface FuzzOptions extends Task {
  /** Called some ten times a second with the number of files that were read. */
  onProgress?(read: number): void;
  /** Called at each failure. */
  onFailure?(failure: Failure): void;
  /** Ends the run: it resolves to what it found so far. */
  signal?: AbortSignal;
}

/** No file may take more of a processor's time, in milliseconds: on a busy machine, the clock on the wall tells nothing. */
const longest = 5000;
/** Nor may one wait for longer, such as for a pipe into which nobody writes. */
const longestWait = 30_000;
/** Between two looks at the child. */
const interval = 100;
/** Where the process is stopped before the machine is in trouble, in bytes. */
const mostMemory = 2 ** 31;

/**
 * Reads damaged files in a child process with a watchdog. One that ends it, takes longer than 5 s or too much memory is a failure, and the child begins anew
 * after it. The files are written to memory where there is a folder for that.
 */
export async function fuzz(options: FuzzOptions): Promise<Failure[]> {
  const failures: Failure[] = [];
  const found = (failure: Failure): void => {
    failures.push(failure);
    options.onFailure?.(failure);
  };
  const root = mkdtempSync(join(quickFolder(), "tangent-lab-fuzz-"));
  try {
    let { from } = options;
    while (from < options.to && !options.signal?.aborted) {
      const ended = await runChild({ ...options, from }, options.from, root, found);
      if (ended === undefined) break;
      found(ended);
      from = ended.index + 1;
    }
  } finally {
    rmSync(root, { recursive: true });
  }
  return failures;
}

/** Where temporary files need no disk, if there is such a place. */
function quickFolder(): string {
  try {
    accessSync("/dev/shm", constants.W_OK);
    return "/dev/shm";
  } catch {
    return tmpdir();
  }
}

/** @returns the file that ended the child, if one did. */
function runChild(
  { seed, from, to, only, onProgress, signal }: FuzzOptions,
  first: number,
  root: string,
  found: (failure: Failure) => void,
): Promise<Failure | undefined> {
  const position = join(root, "position");
  const folder = join(root, "child");
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder);
  writeFileSync(position, "");
  const task: Task = { seed, from, to, only };
  return new Promise((resolve, reject) => {
    const child = fork(
      fileURLToPath(new URL("child.ts", import.meta.url)),
      [JSON.stringify(task), folder, position],
      {
        execArgv: [...process.execArgv, "--expose-gc", "--max-old-space-size=512"],
        // Pictures of a few pixels gain nothing from a pool of threads that each of them starts.
        env: { ...process.env, VIPS_CONCURRENCY: "1" },
        stdio: ["ignore", "ignore", "pipe", "ipc"],
      },
    );
    let [current, begun, waited, why, said] = [-1, 0, 0, "", ""];
    let done = false;
    child.stderr!.on("data", (text: Buffer) => {
      said = (said + text.toString()).slice(-2000);
    });
    child.on("message", (message: Message) => {
      if ("failed" in message) {
        const { failed: index, reader, why, file } = message;
        found({ index, reader, why, file });
      } else done = true;
    });
    const watchdog = setInterval(() => {
      if (signal?.aborted) child.kill("SIGKILL");
      const now = readPosition(position);
      if (done || now < 0) return;
      waited += interval;
      if (now !== current) {
        [current, begun, waited] = [now, processorTime(child), 0];
        onProgress?.(current - first);
      }
      if (processorTime(child) - begun > longest || waited > longestWait) why = "no answer within 5 s";
      else if (memoryOf(child) > mostMemory) why = `more than ${mostMemory} bytes of memory`;
      if (why !== "") child.kill("SIGKILL");
    }, interval);
    child.on("error", reject);
    child.on("close", (code, ended) => {
      clearInterval(watchdog);
      current = readPosition(position);
      if (done || signal?.aborted) resolve(undefined);
      else if (current < 0) reject(new Error(`the fuzzing process does not begin: ${said}`));
      else resolve({ index: current, reader: "", why: why || `the process ended: ${ended ?? code} ${said}` });
    });
  });
}

/** Milliseconds of a processor that a process has used; 0 where the system does not tell. */
function processorTime({ pid }: ChildProcess): number {
  try {
    const fields = readFileSync(`/proc/${pid}/stat`, "utf8").split(") ")[1]!.split(" ");
    return (Number(fields[11]) + Number(fields[12])) * 10; // in hundredths of a second
  } catch {
    return 0;
  }
}

/** Bytes in memory; 0 where the system does not tell. */
function memoryOf({ pid }: ChildProcess): number {
  try {
    return Number(readFileSync(`/proc/${pid}/statm`, "utf8").split(" ")[1]) * 4096;
  } catch {
    return 0;
  }
}
