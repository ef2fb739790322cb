import type { UMAP } from "umap-js";

/** What umap-js keeps of a fit that is about to begin: edges, how often each is sampled, and the curve of membership. */
interface LayoutState {
  head: readonly number[];
  tail: readonly number[];
  /** Epochs from one sample of an edge to the next. */
  epochsPerSample: readonly number[];
  epochsPerNegativeSample: readonly number[];
  headEmbedding: readonly (readonly number[])[];
  a: number;
  b: number;
  gamma: number;
  initialAlpha: number;
  nEpochs: number;
}

/** No coordinate moves further than this times the step size at once. */
const clip = 4;

/**
 * UMAP's stochastic descent, the same updates in the same order as umap-js's own, on typed arrays and with the forces read from
 * tables (to 0.4%, one power per entry instead of one per pair): several times as fast.
 * Places are moved from those of `initializeFit`; negative samples come from a small generator seeded with `seed`.
 * @returns [count, 2], row by row.
 */
export function optimizeLayout(map: UMAP, seed: number): Float64Array {
  const state = (map as unknown as { optimizationState: LayoutState }).optimizationState;
  const { a, b, gamma, initialAlpha, nEpochs } = state;
  const [head, tail] = [Int32Array.from(state.head), Int32Array.from(state.tail)];
  const every = Float64Array.from(state.epochsPerSample);
  const everyNegative = Float64Array.from(state.epochsPerNegativeSample);
  const [next, nextNegative] = [every.slice(), everyNegative.slice()];
  const places = Float64Array.from(state.headEmbedding.flat());
  const count = places.length / 2;
  const pulls = table((square) => (-2 * a * b * square ** (b - 1)) / (a * square ** b + 1));
  const pushes = table((square) => (2 * gamma * b) / ((0.001 + square) * (a * square ** b + 1)));
  const float = new Float32Array(1);
  const bits = new Uint32Array(float.buffer);
  let random = seed | 0 || 1;
  for (let epoch = 0; epoch < nEpochs; epoch++) {
    // umap-js lowers the step size at the end of each epoch.
    const alpha = initialAlpha * (1 - Math.max(0, epoch - 1) / nEpochs);
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
        const pull = pulls[bits[0]! >>> dropped]!;
        dx = alpha * limited(pull * dx);
        dy = alpha * limited(pull * dy);
        x += dx;
        y += dy;
        places[j] = places[j]! - dx;
        places[j + 1] = places[j + 1]! - dy;
      }
      next[e] = next[e]! + every[e]!;
      const negatives = Math.floor((epoch - nextNegative[e]!) / everyNegative[e]!);
      for (let n = 0; n < negatives; n++) {
        // xorshift32 (Marsaglia 2003).
        random ^= random << 13;
        random ^= random >>> 17;
        random ^= random << 5;
        const k = 2 * Math.floor(((random >>> 0) / 4294967296) * count);
        if (k === i) continue;
        dx = x - places[k]!;
        dy = y - places[k + 1]!;
        square = dx * dx + dy * dy;
        if (square > 0) {
          float[0] = square;
          const push = pushes[bits[0]! >>> dropped]!;
          x += alpha * limited(push * dx);
          y += alpha * limited(push * dy);
        } else {
          x += alpha * clip;
          y += alpha * clip;
        }
      }
      if (negatives > 0) nextNegative[e] = nextNegative[e]! + negatives * everyNegative[e]!;
      places[i] = x;
      places[i + 1] = y;
    }
  }
  return places;
}

/** A table has an entry per 128th of an octave: a float's exponent and the first 7 bits of its mantissa. */
const dropped = 16;

/** The force at every squared distance, evaluated in the middle of each entry. */
function table(force: (square: number) => number): Float64Array {
  const float = new Float32Array(1);
  const bits = new Uint32Array(float.buffer);
  return Float64Array.from({ length: 2 ** (31 - dropped) }, (_, i) => {
    bits[0] = (i << dropped) | (1 << (dropped - 1));
    const value = force(float[0]!);
    return Number.isFinite(value) ? value : 0;
  });
}

const limited = (value: number): number => Math.max(-clip, Math.min(clip, value));
