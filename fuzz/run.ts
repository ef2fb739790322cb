import { type ChildProcess, fork } from "node:child_process";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import type { Message, Task } from "./child.js";

export interface Failure {
  index: number;
  reader: string;
  why: string;
  /** In base64; of a file that ended the process, it is made anew from seed and index. */
  file?: string;
}

export interface FuzzOptions extends Task {
  /** Called as files are read. */
  onProgress?(read: number): void;
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
 * after it.
 */
export async function fuzz({ onProgress, ...task }: FuzzOptions): Promise<Failure[]> {
  const failures: Failure[] = [];
  let { from } = task;
  while (from < task.to) {
    const ended = await runChild({ ...task, from }, failures, (index) => onProgress?.(index - task.from));
    if (ended === undefined) break;
    failures.push(ended);
    from = ended.index + 1;
  }
  return failures;
}

/** @returns the file that ended the child, if one did. */
function runChild(
  task: Task,
  failures: Failure[],
  onBegin: (index: number) => void,
): Promise<Failure | undefined> {
  return new Promise((resolve, reject) => {
    const child = fork(fileURLToPath(new URL("child.ts", import.meta.url)), [JSON.stringify(task)], {
      execArgv: [...process.execArgv, "--expose-gc", "--max-old-space-size=512"],
      stdio: ["ignore", "ignore", "pipe", "ipc"],
    });
    let [current, begun, waited, why, said] = [-1, 0, 0, "", ""];
    let done = false;
    child.stderr!.on("data", (text: Buffer) => {
      said = (said + text.toString()).slice(-2000);
    });
    child.on("message", (message: Message) => {
      if ("begin" in message) {
        [current, begun, waited] = [message.begin, processorTime(child), 0];
        if (current % 100 === 0) onBegin(current);
      } else if ("failed" in message) {
        const { failed: index, reader, why, file } = message;
        failures.push({ index, reader, why, file });
      } else done = true;
    });
    const watchdog = setInterval(() => {
      if (done || current < 0) return;
      waited += interval;
      if (processorTime(child) - begun > longest || waited > longestWait) why = "no answer within 5 s";
      else if (memoryOf(child) > mostMemory) why = `more than ${mostMemory} bytes of memory`;
      if (why !== "") child.kill("SIGKILL");
    }, interval);
    child.on("error", reject);
    child.on("close", (code, signal) => {
      clearInterval(watchdog);
      if (done) resolve(undefined);
      else if (current < 0) reject(new Error(`the fuzzing process does not begin: ${said}`));
      else
        resolve({ index: current, reader: "", why: why || `the process ended: ${signal ?? code} ${said}` });
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
