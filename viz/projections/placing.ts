import type { Points } from "../spec.js";
import { squaredDistance, typed } from "./distance.js";
import { matrixShape } from "./projection.js";

/** A point's nearest anchors. */
export interface Surroundings {
  readonly anchors: Int32Array;
  /** How much each counts; they sum to 1. */
  readonly weights: Float64Array;
}

/** For each of the other points its `k` nearest of the first `anchors` points, weighted by exp(-(d - nearest) / sigma), sigma such that these sum to log2(k). */
export function surroundings(other: Points, points: Points, anchors: number, k: number): Surroundings[] {
  const [count, dim] = matrixShape(other);
  const [x, y] = [typed(other.values), typed(points.values)];
  return Array.from({ length: count }, (_, i) => {
    const nearest = new Int32Array(k);
    const squares = new Float64Array(k).fill(Number.POSITIVE_INFINITY);
    for (let j = 0; j < anchors; j++) {
      const limit = squares[k - 1]!;
      const square = squaredDistance(x, i * dim, y, j * dim, dim, limit);
      if (!(square < limit)) continue;
      let at = k - 1;
      for (; at > 0 && squares[at - 1]! > square; at--) {
        squares[at] = squares[at - 1]!;
        nearest[at] = nearest[at - 1]!;
      }
      squares[at] = square;
      nearest[at] = j;
    }
    const distances = squares.map(Math.sqrt);
    const strengths = membership(
      distances.map((distance) => distance - distances[0]!),
      Math.log2(k),
    );
    const total = strengths.reduce((a, b) => a + b, 0);
    return { anchors: nearest, weights: strengths.map((strength) => strength / total) };
  });
}

/** Finds sigma by bisection on its logarithm. */
function membership(excess: Float64Array, target: number): Float64Array {
  let [low, high] = [-30, 30];
  for (let i = 0; i < 60; i++) {
    const middle = (low + high) / 2;
    const sigma = Math.exp(middle);
    let sum = 0;
    for (const distance of excess) sum += Math.exp(-distance / sigma);
    if (sum < target) low = middle;
    else high = middle;
  }
  return excess.map((distance) => Math.exp(-distance / Math.exp(high)));
}

/** The weighted mean of the anchors' places. */
export function centre({ anchors, weights }: Surroundings, places: ArrayLike<number>): [number, number] {
  let [x, y] = [0, 0];
  for (let a = 0; a < anchors.length; a++) {
    x += weights[a]! * places[2 * anchors[a]!]!;
    y += weights[a]! * places[2 * anchors[a]! + 1]!;
  }
  return [x, y];
}

/** How far two points have the same anchors: 1 with the same weights, 0 with none in common. */
export function overlap(a: Surroundings, b: Surroundings): number {
  let sum = 0;
  for (const [i, anchor] of b.anchors.entries()) {
    const at = a.anchors.indexOf(anchor);
    if (at >= 0) sum += Math.min(a.weights[at]!, b.weights[i]!);
  }
  return sum;
}
