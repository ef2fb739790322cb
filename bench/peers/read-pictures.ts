import { performance } from "node:perf_hooks";
import { images } from "../../datasets/index.js";

/** How a set of pictures was read. */
export interface Reading {
  readonly seconds: number;
  /** Seconds that processors were at work, all threads together. */
  readonly busy: number;
  /** The most memory that the process has held, in MiB. */
  readonly memory: number;
  readonly count: number;
  /** Mean over all numbers, from 0 to 255. */
  readonly mean: number;
}

// `node read-pictures.ts PATH`: reads a set in a process of its own, so that the memory it holds is the reader's, and prints how that went.
const path = process.argv[2]!;
const before = process.cpuUsage();
const start = performance.now();
const data = await images(path);
const seconds = (performance.now() - start) / 1000;
const { user, system } = process.cpuUsage(before);
const memory = process.resourceUsage().maxRSS / 1024;
let sum = 0;
for (let at = 0; at < data.size; at += 1000) {
  const rows = Int32Array.from({ length: Math.min(1000, data.size - at) }, (_, i) => at + i);
  for (const value of data.examples!(rows)) sum += value;
}
const numbers = data.size * data.shape.reduce((a, b) => a * b, 1);
const mean = (sum / numbers + 1) * 127.5;
const reading: Reading = { seconds, busy: (user + system) / 1e6, memory, count: data.size, mean };
console.log(JSON.stringify(reading));
