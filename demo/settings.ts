import type { Stroke } from "../datasets/drawn.js";

/** Noise levels t at which tangents are measured. Training's own have their median at 0.33. */
export const levels = [0.05, 0.1, 0.2, 0.4, 0.8, 1.6, 3.2, 6.4] as const;

export const shapes = ["circle", "moons", "spiral", "drawn"] as const;
export type Shape = (typeof shapes)[number];

/** Iterations of the schedule, after which training stops. */
export const ITERATIONS = 3000;

/** What computes the training steps. */
export const engines = ["wasm", "webgpu"] as const;
export type Engine = (typeof engines)[number];

/** What can be drawn over the data. */
export const layers = ["tangents", "past", "samples", "levels"] as const;
export type Layer = (typeof layers)[number];

/** All that a visitor chooses, and a shared link carries. */
export interface Settings {
  shape: Shape;
  /** Of a drawn shape, in [0, 1] x [0, 1]. */
  strokes: readonly Stroke[];
  /** A power of 2. */
  batchSize: number;
  learningRate: number;
  /** One of `levels`. */
  t: number;
  /** Iterations per second, at most. */
  speed: number;
  seed: number;
  /** WebGPU is on request: steps as small as these take longer to hand to a graphics card than to compute. */
  engine: Engine;
  /** What is shown. */
  show: readonly Layer[];
}

export const batchSizes = [4, 8, 16, 32, 64, 128, 256] as const;
export const learningRates = [1e-4, 2e-4, 5e-4, 1e-3, 2e-3, 5e-3, 1e-2] as const;

export const speeds = [20, 50, 100, 200, 400, Number.POSITIVE_INFINITY] as const;

export const defaults: Settings = {
  shape: "circle",
  strokes: [],
  batchSize: 16,
  learningRate: 1e-3,
  t: 0.4,
  speed: 200,
  seed: 0,
  engine: "wasm",
  show: layers,
};

/** Settings as a query, without what is as by default: "?shape=spiral&batch=32", or "". */
export function format(settings: Settings): string {
  const query = new URLSearchParams();
  const { shape, strokes, batchSize, learningRate, t, speed, seed, engine, show } = settings;
  if (shape !== defaults.shape) query.set("shape", shape);
  if (shape === "drawn") query.set("path", strokes.map(encode).join("."));
  if (batchSize !== defaults.batchSize) query.set("batch", String(batchSize));
  if (learningRate !== defaults.learningRate) query.set("rate", String(learningRate));
  if (t !== defaults.t) query.set("t", String(t));
  if (speed !== defaults.speed) query.set("speed", String(speed));
  if (seed !== defaults.seed) query.set("seed", String(seed));
  if (engine !== defaults.engine) query.set("engine", engine);
  if (show.length !== layers.length) query.set("show", show.join(".") || "none");
  const text = query.toString();
  return text === "" ? "" : `?${text}`;
}

/** Settings from a query. What is missing, unknown or out of range is as by default: links come from everywhere. */
export function parse(query: string): Settings {
  const given = new URLSearchParams(query);
  const oneOf = <T extends number>(name: string, allowed: readonly T[], otherwise: T): T =>
    allowed.find((value) => value === Number(given.get(name) ?? Number.NaN)) ?? otherwise;
  const strokes = (given.get("path") ?? "").split(".").slice(0, MOST_STROKES).map(decode).filter(hasLength);
  const shape = shapes.find((name) => name === given.get("shape")) ?? defaults.shape;
  const seed = Number(given.get("seed") ?? defaults.seed);
  const show = given.get("show")?.split(".");
  return {
    shape: shape === "drawn" && strokes.length === 0 ? defaults.shape : shape,
    strokes: shape === "drawn" ? strokes : [],
    batchSize: oneOf("batch", batchSizes, defaults.batchSize as (typeof batchSizes)[number]),
    learningRate: oneOf("rate", learningRates, defaults.learningRate as (typeof learningRates)[number]),
    t: oneOf("t", levels, defaults.t as (typeof levels)[number]),
    speed: oneOf("speed", speeds, defaults.speed as (typeof speeds)[number]),
    seed: Number.isInteger(seed) && seed >= 0 && seed < 1000 ? seed : defaults.seed,
    engine: engines.find((name) => name === given.get("engine")) ?? defaults.engine,
    show: show ? layers.filter((layer) => show.includes(layer)) : layers,
  };
}

export const MOST_STROKES = 4;

/** Points of a stroke that a link carries. */
const MOST_POINTS = 40;

const digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/** A stroke of at most `MOST_POINTS` of its points, as the same stroke will be after `decode(encode(stroke))`: two digits to base 64 for each coordinate. */
export function encode(stroke: Stroke): string {
  const every = Math.max(1, (stroke.length - 1) / (MOST_POINTS - 1));
  const kept = stroke.length <= 1 ? stroke.length : Math.floor((stroke.length - 1) / every + 1e-9) + 1;
  let text = "";
  for (let i = 0; i < kept; i++) {
    for (const value of stroke[Math.round(i * every)]!) {
      const whole = Math.round(Math.min(Math.max(value, 0), 1) * 4095);
      text += digits[whole >> 6]! + digits[whole & 63]!;
    }
  }
  return text;
}

/** The stroke of a text; characters that are not digits end it. */
export function decode(text: string): Stroke {
  const values: number[] = [];
  for (let i = 0; i + 1 < text.length && values.length < 2 * MOST_POINTS; i += 2) {
    const [high, low] = [digits.indexOf(text[i]!), digits.indexOf(text[i + 1]!)];
    if (high < 0 || low < 0) break;
    values.push((64 * high + low) / 4095);
  }
  return Array.from({ length: values.length >> 1 }, (_, i) => [values[2 * i]!, values[2 * i + 1]!] as const);
}

/** Whether a stroke is more than a dot. */
export const hasLength = (stroke: Stroke): boolean =>
  stroke.some(([x, y]) => Math.hypot(x - stroke[0]![0], y - stroke[0]![1]) > 0.02);
