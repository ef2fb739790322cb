import type { NeighborTable } from "./neighbors.js";

/** Edges of a weighted graph; of two points that are joined both orders. */
export interface Edges {
  readonly head: Int32Array;
  readonly tail: Int32Array;
  /** Membership strengths, in (0, 1]. */
  readonly weights: Float32Array;
}

/** Sigma is found to this difference of the sum of strengths from its target, in at most so many steps. */
const [tolerance, steps] = [1e-5, 64];
/** Sigma is at least this times the mean distance. */
const leastScale = 1e-3;

/**
 * How strongly each neighbour belongs to a point's neighbourhood (McInnes et al. 2018, algorithm 3): exp(-(d - rho) / sigma), with rho the distance of
 * the nearest other point and sigma such that the strengths sum to log2(k).
 * @returns [count, k]; 0 for the point itself.
 */
export function memberships({ k, distances }: NeighborTable): Float64Array {
  const count = distances.length / k;
  const target = Math.log2(k);
  const strengths = new Float64Array(count * k);
  const meanOfAll = mean(distances, 0, distances.length);
  for (let i = 0; i < count; i++) {
    const [first, end] = [i * k, (i + 1) * k];
    let rho = 0;
    for (let j = first + 1; j < end && rho === 0; j++) rho = distances[j]!;
    let [low, sigma, high] = [0, 1, Number.POSITIVE_INFINITY];
    for (let step = 0; step < steps; step++) {
      let sum = 0;
      for (let j = first + 1; j < end; j++) {
        const excess = distances[j]! - rho;
        sum += excess > 0 ? Math.exp(-excess / sigma) : 1;
      }
      if (Math.abs(sum - target) < tolerance) break;
      if (sum > target) {
        high = sigma;
        sigma = (low + high) / 2;
      } else {
        low = sigma;
        sigma = high === Number.POSITIVE_INFINITY ? 2 * sigma : (low + high) / 2;
      }
    }
    sigma = Math.max(sigma, leastScale * (rho > 0 ? mean(distances, first, end) : meanOfAll));
    for (let j = first + 1; j < end; j++) {
      const excess = distances[j]! - rho;
      strengths[j] = excess > 0 ? Math.exp(-excess / sigma) : 1;
    }
  }
  return strengths;
}

function mean(values: Float64Array, from: number, to: number): number {
  let sum = 0;
  for (let i = from; i < to; i++) sum += values[i]!;
  return sum / (to - from);
}

/**
 * The union of all points' neighbourhoods, a + b - ab of the strengths in both directions. Edges below `least` times the greatest are left out.
 */
export function fuzzyGraph(table: NeighborTable, least: number): Edges {
  const { k, indices } = table;
  const strengths = memberships(table);
  const count = indices.length / k;
  /** Strength of j in i's neighbourhood. */
  const strength = (i: number, j: number): number => {
    for (let at = i * k + 1; at < (i + 1) * k; at++) if (indices[at] === j) return strengths[at]!;
    return 0;
  };
  // Each pair once: from the point that has the other as a neighbour; of two that have each other, from the first.
  const unions = new Float32Array(count * k);
  const degrees = new Int32Array(count + 1);
  let greatest = 0;
  for (let i = 0; i < count; i++) {
    for (let at = i * k + 1; at < (i + 1) * k; at++) {
      const j = indices[at]!;
      const [there, back] = [strengths[at]!, strength(j, i)];
      if (back > 0 && j < i) continue;
      unions[at] = there + back - there * back;
      greatest = Math.max(greatest, unions[at]!);
    }
  }
  for (let i = 0; i < count; i++) {
    for (let at = i * k + 1; at < (i + 1) * k; at++) {
      if (unions[at] === 0 || unions[at]! < least * greatest) {
        unions[at] = 0;
        continue;
      }
      degrees[i + 1]!++;
      degrees[indices[at]! + 1]!++;
    }
  }
  for (let i = 0; i < count; i++) degrees[i + 1]! += degrees[i]!;
  const next = degrees.slice(0, count);
  const edges = degrees[count]!;
  const [head, tail, weights] = [new Int32Array(edges), new Int32Array(edges), new Float32Array(edges)];
  const add = (from: number, to: number, weight: number): void => {
    const at = next[from]!++;
    head[at] = from;
    tail[at] = to;
    weights[at] = weight;
  };
  for (let i = 0; i < count; i++) {
    for (let at = i * k + 1; at < (i + 1) * k; at++) {
      if (unions[at] === 0) continue;
      add(i, indices[at]!, unions[at]!);
      add(indices[at]!, i, unions[at]!);
    }
  }
  return { head, tail, weights };
}
