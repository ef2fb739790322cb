// `npm run soak [-- --scale 0.01] [--parts steps,shapes]`: much of everything in one process, which must not grow: 100,000 steps of training, 300 trainings, 500 shapes of one compiled function,
// 200 pictures; of each the share that --scale says.
import { readdirSync } from "node:fs";
import { setImmediate } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import * as tf from "@tensorflow/tfjs-core";
import { Command } from "commander";
import { circle, moons } from "../datasets/index.js";
import * as consistency from "../src/consistency/index.js";
import { compile } from "../src/engine/compile.js";
import { currentDevice } from "../src/engine/device.js";
import { mlp } from "../src/nn/mlp.js";
import { timeSchedule, toPNG } from "../viz/index.js";

/** What a process holds. */
export interface Held {
  /** Bytes in memory. */
  memory: number;
  tensors: number;
  /** Timers, sockets, pipes: what keeps a process alive. */
  handles: number;
  /** Open files; 0 where the system does not tell. */
  files: number;
}

/** How a part of the soak ended. */
export interface Soaked {
  name: string;
  count: number;
  seconds: number;
  /** What was held after as many as warm things up, and how much more at the end. */
  before: Held;
  growth: Held;
}

/** The most that may be held more: memory in bytes, for the parts of the heap that come and go. */
export const limits: Held = { memory: 96 * 2 ** 20, tensors: 0, handles: 0, files: 0 };

const network = mlp({ dim: 2, width: 8, depth: 1, frequencies: 2 });

interface Part {
  name: string;
  /** At scale 1. */
  count: number;
  /** Share of them after which everything is loaded and compiled that ever will be; at least one. */
  warm: number;
  /** Does it so many times, beginning with number `from`. */
  run(from: number, count: number): Promise<void>;
}

const parts: readonly Part[] = [
  {
    name: "steps",
    count: 100_000,
    warm: 0.1,
    run: async (_, steps) => {
      const { parameters } = await consistency.train(circle(), {
        ...{ network, steps, batchSize: 8, recording: false, eventEvery: 100 },
      });
      parameters.dispose();
    },
  },
  {
    name: "trainings",
    count: 300,
    warm: 0.1,
    run: async (from, count) => {
      for (let i = from; i < from + count; i++) {
        const { parameters } = await consistency.train(i % 2 === 0 ? circle() : moons(), {
          ...{ network, steps: 4, batchSize: 8, seed: i, recording: { count: 16, examples: 2 } },
        });
        parameters.dispose();
      }
    },
  },
  {
    name: "shapes",
    count: 500,
    // The graphs of the last shapes are kept.
    warm: 0.2,
    run: async (from, count) => {
      for (let i = from; i < from + count; i++) {
        const x = tf.ones([i + 1, 3]);
        const y = await shaped(x);
        tf.dispose([x, y]);
      }
    },
  },
  {
    name: "pictures",
    count: 200,
    warm: 0.1,
    run: async (from, count) => {
      for (let i = from; i < from + count; i++) {
        const t = Array.from({ length: 50 }, (_, k) => 0.01 * (k + 1) * (i + 1));
        await toPNG(timeSchedule({ stages: [{ step: 0, t, r: t.map((time) => time / 2) }] }), { scale: 1 });
      }
    },
  },
];

const weights = tf.ones([3, 64]);
const shaped = compile((x: tf.Tensor) => tf.tanh(tf.matMul(x as tf.Tensor2D, weights as tf.Tensor2D)));

const partNames = parts.map(({ name }) => name);

/** Runs the parts, of each the share `scale`; all of them by default. */
export async function soak(
  scale: number,
  onPart: (part: Soaked) => void = () => {},
  only: readonly string[] = partNames,
): Promise<Soaked[]> {
  const results: Soaked[] = [];
  for (const { name, count: full, warm: share, run } of parts.filter(({ name }) => only.includes(name))) {
    const count = Math.max(4, Math.round(full * scale));
    const warm = Math.max(2, Math.round(count * share));
    const started = performance.now();
    await run(0, warm);
    const before = await held();
    await run(warm, count - warm);
    const after = await held();
    const growth = Object.fromEntries(
      Object.entries(after).map(([what, value]) => [what, value - before[what as keyof Held]]),
    ) as unknown as Held;
    const seconds = (performance.now() - started) / 1000;
    results.push({ name, count, seconds, before, growth });
    onPart(results.at(-1)!);
  }
  return results;
}

/** What grew beyond its limit, in words. */
export const faults = ({ name, growth }: Soaked): string[] =>
  (Object.keys(limits) as (keyof Held)[])
    .filter((what) => growth[what] > limits[what])
    .map((what) => `${name}: ${growth[what]} more ${what}, at most ${limits[what]}`);

async function held(): Promise<Held> {
  for (let i = 0; i < 3; i++) {
    globalThis.gc?.();
    await setImmediate();
  }
  return {
    memory: process.memoryUsage.rss(),
    tensors: tf.memory().numTensors,
    handles: process.getActiveResourcesInfo().length,
    files: openFiles(),
  };
}

function openFiles(): number {
  try {
    return readdirSync("/proc/self/fd").length;
  } catch {
    return 0;
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const { scale, parts: list } = new Command("soak")
    .description("much of everything in one process, which must not grow")
    .option(
      "--scale <number>",
      "share of the 100,000 steps, 300 trainings, 500 shapes and 200 pictures",
      Number,
      1,
    )
    .option("--parts <names>", `some of ${partNames}`, `${partNames}`)
    .parse()
    .opts<{ scale: number; parts: string }>();
  if (!(scale > 0)) throw new Error("--scale is a number > 0");
  const only = list.split(",");
  const unknown = only.filter((name) => !partNames.includes(name));
  if (unknown.length > 0) throw new Error(`--parts: no ${unknown}: there are ${partNames}`);
  console.log(`engine: ${await currentDevice()}`);
  const print = ({ name, count, seconds, growth }: Soaked): void => {
    const more = Object.entries(growth).map(([what, value]) =>
      what === "memory" ? `${(value / 2 ** 20).toFixed(1)} MiB` : `${value} ${what}`,
    );
    console.log(`${count} ${name}: ${more.join(", ")} more, ${seconds.toFixed(1)} s`);
  };
  const results = await soak(scale, print, only);
  const wrong = results.flatMap(faults);
  for (const fault of wrong) console.error(fault);
  process.exitCode = wrong.length > 0 ? 1 : 0;
}
