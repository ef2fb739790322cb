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

/** No file may take longer, in milliseconds. */
const longest = 5000;
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
    let [current, since, why, said] = [-1, 0, "", ""];
    let done = false;
    child.stderr!.on("data", (text: Buffer) => {
      said = (said + text.toString()).slice(-2000);
    });
    child.on("message", (message: Message) => {
      if ("begin" in message) {
        [current, since] = [message.begin, performance.now()];
        if (current % 100 === 0) onBegin(current);
      } else if ("failed" in message) {
        const { failed: index, reader, why, file } = message;
        failures.push({ index, reader, why, file });
      } else done = true;
    });
    const watchdog = setInterval(() => {
      if (done || current < 0) return;
      if (performance.now() - since > longest) why = `no answer after ${longest} ms`;
      else if (memoryOf(child) > mostMemory) why = `more than ${mostMemory} bytes of memory`;
      if (why !== "") child.kill("SIGKILL");
    }, 100);
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

/** Bytes in memory; 0 where the system does not tell. */
function memoryOf({ pid }: ChildProcess): number {
  try {
    return Number(readFileSync(`/proc/${pid}/statm`, "utf8").split(" ")[1]) * 4096;
  } catch {
    return 0;
  }
}
