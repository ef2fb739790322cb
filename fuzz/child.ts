// Reads damaged files one after the other, and tells its parent (run.ts) what came of them.
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setImmediate } from "node:timers/promises";
import { attempt } from "./attempt.js";
import { damaged } from "./damaged.js";
import { readers } from "./readers/index.js";

/** What the parent asks for. */
export interface Task {
  seed: number;
  /** Of the first file, and of the first one that is not read any more. */
  from: number;
  to: number;
  /** Names of readers. */
  only: readonly string[];
}

/** What the child says. */
export type Message =
  | { begin: number }
  | { failed: number; reader: string; why: string; file: string }
  | { done: true };

const task = JSON.parse(process.argv[2]!) as Task;
const root = mkdtempSync(join(tmpdir(), "tangent-lab-fuzz-"));
const folder = join(root, "files");
process.on("exit", () => rmSync(root, { recursive: true, force: true }));
console.warn = () => {};

const tell = (message: Message): boolean => process.send!(message);

// What is loaded once, and the memory of it, is no file's fault.
for (const reader of readers.filter(({ name }) => task.only.includes(name))) {
  for (const file of await reader.files()) {
    mkdirSync(folder, { recursive: true });
    await reader.read(file, folder).catch(() => {});
    rmSync(folder, { recursive: true });
  }
}

for (let index = task.from; index < task.to; index++) {
  tell({ begin: index });
  const { reader, bytes } = await damaged(task, index);
  mkdirSync(folder);
  const why = await attempt(() => reader.read(bytes, folder), bytes.length);
  if (why !== undefined)
    tell({ failed: index, reader: reader.name, why, file: Buffer.from(bytes).toString("base64") });
  rmSync(folder, { recursive: true });
  if (index % 256 === 0) globalThis.gc?.();
  await setImmediate();
}
tell({ done: true });
process.disconnect();
