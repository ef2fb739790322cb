import type { Edges } from "./fuzzy-graph.js";
import type { Work } from "./turns.js";

export interface LayoutOptions {
  /** Of the curve 1 / (1 + a d^(2b)) of strength over distance in the plane. */
  a: number;
  b: number;
  epochs: number;
  seed: number;
}

/** No coordinate moves further than this times the step size at once. */
const clip = 4;
/** Points that each sample of an edge is pushed away from. */
const negatives = 5;

/**
 * UMAP's stochastic descent (McInnes et al. 2018, algorithm 5) on one thread, so that the same seed gives the same map: an edge is sampled as often as it is
 * strong, pulls its two points together and pushes the first from five others, which a small generator draws. Forces are read from tables (to 0.4%, one
 * power per entry instead of one per pair). A part of the work is an epoch.
 * @param places [count, 2], where the points begin; moved.
 */
export function* optimizeLayout(
  places: Float64Array,
  { head, tail, weights }: Edges,
  { a, b, epochs, seed }: LayoutOptions,
): Work<void> {
  let greatest = 0;
  for (const weight of weights) greatest = Math.max(greatest, weight);
  /** Epochs from one sample of an edge to the next. */
  const every = Float64Array.from(weights, (weight) => greatest / weight);
  const next = every.slice();
  // Of negative samples to the next.
  const nextNegative = every.map((epochsPerSample) => epochsPerSample / negatives);
  const pulls = table((square) => (-2 * a * b * square ** (b - 1)) / (a * square ** b + 1));
  const pushes = table((square) => (2 * b) / ((0.001 + square) * (a * square ** b + 1)));
  // No force times a distance d is above 2 b / d: further apart there is nothing to limit.
  const near = ((2 * b) / clip) ** 2;
  const descent = { places, head, tail, every, next, nextNegative, pulls, pushes, near };
  let random = seed | 0 || 1;
  for (let epoch = 0; epoch < epochs; epoch++) {
    random = descend(descent, epoch, 1 - epoch / epochs, random);
    yield;
  }
}

interface Descent {
  readonly places: Float64Array;
  readonly head: Int32Array;
  readonly tail: Int32Array;
  readonly every: Float64Array;
  readonly next: Float64Array;
  readonly nextNegative: Float64Array;
  readonly pulls: Float32Array;
  readonly pushes: Float32Array;
  readonly near: number;
}

/** An epoch, with the generator's state before and after it. */
function descend(descent: Descent, epoch: number, alpha: number, state: number): number {
  const { places, head, tail, every, next, nextNegative, pulls, pushes, near } = descent;
  const share = places.length / 2 / 2 ** 32;
  const most = alpha * clip;
  const float = new Float32Array(1);
  const bits = new Uint32Array(float.buffer);
  let random = state;
  for (let e = 0; e < every.length; e++) {
    if (next[e]! > epoch) continue;
    const i = 2 * head[e]!;
    const j = 2 * tail[e]!;
    let x = places[i]!;
    let y = places[i + 1]!;
    let dx = x - places[j]!;
    let dy = y - places[j + 1]!;
    let square = dx * dx + dy * dy;
    if (square > 0) {
      float[0] = square;
      const pull = alpha * pulls[bits[0]! >>> dropped]!;
      dx *= pull;
      dy *= pull;
      if (square < near) {
        dx = limited(dx, most);
        dy = limited(dy, most);
      }
      x += dx;
      y += dy;
      places[j] = places[j]! - dx;
      places[j + 1] = places[j + 1]! - dy;
    }
    next[e] = next[e]! + every[e]!;
    const everyNegative = every[e]! / negatives;
    const pushed = Math.floor((epoch - nextNegative[e]!) / everyNegative);
    for (let n = 0; n < pushed; n++) {
      // xorshift32 (Marsaglia 2003).
      random ^= random << 13;
      random ^= random >>> 17;
      random ^= random << 5;
      const k = 2 * Math.floor((random >>> 0) * share);
      if (k === i) continue;
      dx = x - places[k]!;
      dy = y - places[k + 1]!;
      square = dx * dx + dy * dy;
      if (square > 0) {
        float[0] = square;
        const push = alpha * pushes[bits[0]! >>> dropped]!;
        dx *= push;
        dy *= push;
        if (square < near) {
          dx = limited(dx, most);
          dy = limited(dy, most);
        }
        x += dx;
        y += dy;
      } else {
        x += most;
        y += most;
      }
    }
    if (pushed > 0) nextNegative[e] = nextNegative[e]! + pushed * everyNegative;
    places[i] = x;
    places[i + 1] = y;
  }
  return random;
}

/** A table has an entry per 128th of an octave: a float's exponent and the first 7 bits of its mantissa. */
const dropped = 16;

/** The force at every squared distance, evaluated in the middle of each entry. */
function table(force: (square: number) => number): Float32Array {
  const float = new Float32Array(1);
  const bits = new Uint32Array(float.buffer);
  return Float32Array.from({ length: 2 ** (31 - dropped) }, (_, i) => {
    bits[0] = (i << dropped) | (1 << (dropped - 1));
    const value = force(float[0]!);
    return Number.isFinite(value) ? value : 0;
  });
}

const limited = (value: number, most: number): number => Math.min(most, Math.max(-most, value));
