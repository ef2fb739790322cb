import * as tf from "@tensorflow/tfjs-core";
import type { Dataset } from "../datasets/dataset.js";
import { drawn } from "../datasets/drawn.js";
import { circle, moons, spiral } from "../datasets/toys.js";
import { compile } from "../src/engine/compile.js";
import * as random from "../src/engine/random.js";
import { type Dials, type Relief, type Report, type Request, STRIDE, VIEW } from "./messages.js";
import { defaults, type Engine, ITERATIONS, type Shape } from "./settings.js";
import { Duel } from "./training/duel.js";
import { type Preparation, prepare } from "./training/preparation.js";
import { chooseProvider } from "./training/provider.js";

const datasets: Record<Exclude<Shape, "drawn">, () => Dataset> = { circle, moons, spiral };

const tell = (report: Report): void => self.postMessage(report);

/** The two models of the manifold and seed chosen. */
let duel: Duel | undefined;
let dials: Dials = defaults;
/** In words; chosen before the first training. */
let engine: string | undefined;
let running = false;
/** Counts preparations: one that is not the newest any more stops. */
let newest = 0;
/** Requests that wait for the training to stand still. */
const tasks: (() => Promise<void>)[] = [];
let busy = false;

/** Does what waits; in between, and as long as nothing waits, trains where it is to run. */
async function work(): Promise<void> {
  if (busy) return;
  busy = true;
  try {
    for (;;) {
      const task = tasks.shift();
      if (task) await task();
      else if (running && duel) await advance();
      else break;
      await turn();
    }
  } catch (error) {
    running = false;
    tell({ kind: "failed", message: error instanceof Error ? error.message : String(error) });
  }
  busy = false;
  if (tasks.length > 0) void work();
}

const enqueue = (task: () => Promise<void>): void => {
  tasks.push(task);
  void work();
};

/** Lets messages in. A channel, because timers of browsers wait for 4 ms. */
const turn = (): Promise<void> =>
  new Promise((resolve) => {
    const { port1, port2 } = new MessageChannel();
    port1.onmessage = () => resolve();
    port2.postMessage(0);
  });

let wake = (): void => {};

/** Waits, but not longer than until the next request. */
const rest = (milliseconds: number): Promise<void> =>
  new Promise((resolve) => {
    if (milliseconds < 1) return resolve();
    const timer = setTimeout(resolve, milliseconds);
    wake = () => {
      clearTimeout(timer);
      resolve();
    };
  });

async function start(request: Extract<Request, { kind: "prepare" }>, id: number): Promise<void> {
  if (id !== newest) return;
  await duel?.dispose();
  duel = undefined;
  const data = request.shape === "drawn" ? drawn(request.strokes) : datasets[request.shape]();
  engine ??= await chooseProvider(self.name as Engine);
  tell({ kind: "engine", description: engine });
  tell({ kind: "manifold", points: data.sample(random.key(request.seed), 1500).x });
  const preparation = await prepare(data, request.seed, async (phase, done, total) => {
    tell({ kind: "preparing", phase, done, total });
    await turn();
    return id === newest;
  });
  if (!preparation) return;
  tell({ kind: "ready", relief: await relief(preparation) });
  duel = new Duel(data, preparation, request.seed, ITERATIONS);
  await look();
}

/** The feature map, which regresses the size of noise, over the picture. */
async function relief({ features }: Preparation): Promise<Relief> {
  const size = 72;
  const at = (i: number): number => VIEW * ((2 * i) / (size - 1) - 1);
  const grid = Float32Array.from({ length: size * size * 2 }, (_, i) =>
    i % 2 === 0 ? at((i >> 1) % size) : at(Math.floor((i >> 1) / size)),
  );
  const points = tf.tensor2d(grid, [size * size, 2]);
  const height = compile((parameters: tf.Tensor, points: tf.Tensor) => ({
    height: features.model.apply(parameters, points).labels,
  }));
  const result = await height(features.parameters as tf.Tensor, points);
  const values = result.height.dataSync().slice() as Float32Array;
  tf.dispose([points, result.height as tf.Tensor]);
  return { values, size };
}

async function look(): Promise<void> {
  if (duel) tell({ kind: "recording", recording: await duel.record() });
}

/** A few iterations of both models. At the end of the schedule training stops by itself. */
async function advance(): Promise<void> {
  if (!duel) return;
  const started = performance.now();
  await duel.train(STRIDE, dials);
  await look();
  if (running && duel.iteration % ITERATIONS === 0) {
    running = false;
    tell({ kind: "finished" });
  }
  if (running) await rest((1000 * STRIDE) / dials.speed - (performance.now() - started));
}

self.onmessage = ({ data: request }: MessageEvent<Request>) => {
  wake();
  switch (request.kind) {
    case "prepare": {
      const id = ++newest;
      dials = request.dials;
      enqueue(() => start(request, id));
      break;
    }
    case "dials":
      dials = request.dials;
      break;
    case "run":
      running = request.running;
      void work();
      break;
    case "step":
      enqueue(advance);
      break;
    case "reset":
      enqueue(async () => {
        if (!duel) return;
        await duel.restart();
        await look();
      });
      break;
  }
};
