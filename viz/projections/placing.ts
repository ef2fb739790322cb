import { addProduct } from "../../src/engine/simd/product.js";
import type { Points } from "../spec.js";
import { type Numbers, squaredDistance, typed } from "./distance.js";
import { matrixShape } from "./projection.js";

/** A point's nearest anchors. */
export interface Surroundings {
  readonly anchors: Int32Array;
  /** How much each counts; they sum to 1. */
  readonly weights: Float64Array;
}

/** Others and anchors whose products are computed at once. */
const [blockOthers, blockAnchors] = [1024, 2048];
/** Candidates beyond the anchors wanted, for what products do not tell apart. */
const spare = 8;

/** For each of the other points its `k` nearest of the first `anchors` points, weighted by exp(-(d - nearest) / sigma), sigma such that these sum to log2(k). */
export function surroundings(other: Points, points: Points, anchors: number, k: number): Surroundings[] {
  const [count, dim] = matrixShape(other);
  const [x, y] = [typed(other.values), typed(points.values)];
  const size = Math.min(anchors, k + spare);
  const out: Surroundings[] = [];
  for (let start = 0; start < count; start += blockOthers) {
    const rows = Math.min(blockOthers, count - start);
    const candidates = candidatesOf(x, start, rows, y, anchors, dim, size);
    for (let i = 0; i < rows; i++) {
      const nearest = Array.from(candidates.subarray(i * size, (i + 1) * size), (anchor) => ({
        anchor,
        square: squaredDistance(x, (start + i) * dim, y, anchor * dim, dim, Number.POSITIVE_INFINITY),
      }))
        .sort((a, b) => a.square - b.square || a.anchor - b.anchor)
        .slice(0, k);
      const distances = Float64Array.from(nearest, ({ square }) => Math.sqrt(square));
      const strengths = membership(
        distances.map((distance) => distance - distances[0]!),
        Math.log2(k),
      );
      const total = strengths.reduce((a, b) => a + b, 0);
      out.push({
        anchors: Int32Array.from(nearest, ({ anchor }) => anchor),
        weights: strengths.map((strength) => strength / total),
      });
    }
  }
  return out;
}

/** The `size` nearest anchors of rows of x, [rows, size], by |y|²/2 - x . y: nearly in order. */
function candidatesOf(
  x: Numbers,
  start: number,
  rows: number,
  y: Numbers,
  anchors: number,
  dim: number,
  size: number,
): Int32Array {
  const others = new Float64Array(x.subarray(start * dim, (start + rows) * dim));
  const nearest = new Int32Array(rows * size);
  const least = new Float64Array(rows * size).fill(Number.POSITIVE_INFINITY);
  for (let from = 0; from < anchors; from += blockAnchors) {
    const to = Math.min(from + blockAnchors, anchors);
    const block = new Float64Array(y.subarray(from * dim, to * dim));
    const products = new Float64Array(rows * (to - from));
    addProduct(others, block, dim, products);
    const halves = new Float64Array(to - from);
    for (let j = 0; j < halves.length; j++)
      for (let d = j * dim; d < (j + 1) * dim; d++) halves[j]! += block[d]! ** 2 / 2;
    for (let i = 0; i < rows; i++) {
      const last = (i + 1) * size - 1;
      for (let j = 0; j < halves.length; j++) {
        const value = halves[j]! - products[i * halves.length + j]!;
        if (!(value < least[last]!)) continue;
        let at = last;
        for (; at > i * size && least[at - 1]! > value; at--) {
          least[at] = least[at - 1]!;
          nearest[at] = nearest[at - 1]!;
        }
        least[at] = value;
        nearest[at] = from + j;
      }
    }
  }
  return nearest;
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

/** Squared distance in the plane within which anchors count alike, and how often a place is moved to the anchors' new mean. */
const [near, rounds] = [0.1, 5];

/**
 * Where UMAP's attraction to the anchors is in balance, found from their weighted mean: it falls off with the distance d in the plane as 1 / (near + d²), so
 * that of anchors in two groups the ones that weigh more win, where the mean would lie between them. Continuous in the weights.
 */
export function place({ anchors, weights }: Surroundings, places: ArrayLike<number>): [number, number] {
  let [x, y] = [0, 0];
  for (let round = 0; round <= rounds; round++) {
    let [sum, sumX, sumY] = [0, 0, 0];
    for (let a = 0; a < anchors.length; a++) {
      const [ax, ay] = [places[2 * anchors[a]!]!, places[2 * anchors[a]! + 1]!];
      const pull = round === 0 ? 1 : 1 / (near + (x - ax) ** 2 + (y - ay) ** 2);
      sum += weights[a]! * pull;
      sumX += weights[a]! * pull * ax;
      sumY += weights[a]! * pull * ay;
    }
    [x, y] = [sumX / sum, sumY / sum];
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
