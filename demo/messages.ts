import type { Stroke } from "../datasets/drawn.js";
import type { Shape } from "./settings.js";
import type { Phase } from "./training/preparation.js";
import type { Pushes } from "./training/pushes.js";

export const arms = ["pixel", "MFD"] as const;
export type ArmName = (typeof arms)[number];

/** The picture shows [-VIEW, VIEW] in both coordinates; data have a standard deviation of 0.5. */
export const VIEW = 1.25;

/** Length of an arrow, in the data's units. */
export const ARROW = 0.22;

/** Iterations between two recordings. */
export const STRIDE = 10;

/** Recordings over which tangents are summed up. */
export const WINDOW = 30;

/** What one model looks like at a recording; rows of 2, `levels` one after the other. */
export interface ArmRecording {
  /** f(x_t, t). */
  outputs: Float32Array;
  /** Directions, length 1. */
  tangents: Float32Array;
  /** One-step samples of the average parameters. */
  samples: Float32Array;
  /** For each level, over the last recordings. */
  pushes: Pushes[];
  /** Sliced Wasserstein distance of the samples to data. */
  quality: number;
}

export type Recording = { readonly iteration: number } & { readonly [arm in ArmName]: ArmRecording };

/** What a visitor may change while it trains. */
export interface Dials {
  batchSize: number;
  learningRate: number;
  /** Iterations per second, at most. */
  speed: number;
}

/** What the page asks of the worker. */
export type Request =
  | { kind: "prepare"; shape: Shape; strokes: readonly Stroke[]; seed: number; dials: Dials }
  | { kind: "dials"; dials: Dials }
  | { kind: "run"; running: boolean }
  | { kind: "step" }
  | { kind: "reset" };

/** Heights of the feature map on a square grid, row by row from the lower left corner. */
export interface Relief {
  values: Float32Array;
  size: number;
}

/** What the worker tells the page. */
export type Report =
  | { kind: "engine"; description: string }
  | { kind: "manifold"; points: Float32Array }
  | { kind: "preparing"; phase: Phase; done: number; total: number }
  | { kind: "ready"; relief: Relief }
  | { kind: "recording"; recording: Recording }
  | { kind: "finished" }
  | { kind: "failed"; message: string };
