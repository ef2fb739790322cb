// Reads damaged files one after the other, and tells its parent (run.ts) what came of them.
import { mkdirSync, openSync, readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { setImmediate } from "node:timers/promises";
import { attempt } from "./attempt.js";
import { damaged, orderOf } from "./damaged.js";
import { writePosition } from "./position.js";

/** What the parent asks for. */
export interface Task {
  seed: number;
  /** Of the first file, and of the first one that is not read any more. */
  from: number;
  to: number;
  /** Names of readers. */
  only: readonly string[];
}

/** What the child says. Which file it is at stands in a file: messages on their way are lost when a process ends. */
export type Message = { failed: number; reader: string; why: string; file: string } | { done: true };

const task = JSON.parse(process.argv[2]!) as Task;
/** An empty folder of the parent's. */
const root = process.argv[3]!;
const position = openSync(process.argv[4]!, "w");
const folder = join(root, "files");
console.warn = () => {};

const tell = (message: Message): boolean => process.send!(message);

// What is loaded once, and the memory of it, is no file's fault.
for (const reader of new Set(orderOf(task.only))) {
  for (const file of await reader.files()) {
    mkdirSync(folder, { recursive: true });
    await reader.read(file, folder).catch(() => {});
    rmSync(folder, { recursive: true });
  }
}
mkdirSync(folder);

for (let index = task.from; index < task.to; index++) {
  writePosition(position, index);
  const { reader, bytes } = await damaged(task, index);
  const why = await attempt(() => reader.read(bytes, folder), bytes.length);
  if (why !== undefined)
    tell({ failed: index, reader: reader.name, why, file: Buffer.from(bytes).toString("base64") });
  for (const name of readdirSync(folder)) rmSync(join(folder, name), { recursive: true });
  if (index % 4096 === 0) globalThis.gc?.();
  await setImmediate();
}
tell({ done: true });
process.disconnect();
