import { UMAP } from "umap-js";
import * as random from "../../src/engine/random.js";
import { check } from "../../src/errors.js";
import type { Points } from "../spec.js";
import { checkRows } from "./check.js";
import { type Neighbors, nearestNeighbors } from "./neighbors.js";
import { matrixShape, type Projection, thin, toRows } from "./projection.js";
import { trustworthiness } from "./trustworthiness.js";
import { optimizeLayout } from "./umap-layout.js";

export interface UmapOptions {
  /** Same seed, same map. Default 0. */
  seed?: number;
  /** Size of the neighbourhoods that are kept together. Default 15, less where there are fewer points. */
  neighbors?: number;
  /** Least distance of points in the plane, 0 to 1. Default 0.1. */
  minDistance?: number;
  /** How many of the first points others are placed by: give the data first, then what is compared with it. Default all. */
  anchors?: number;
  /** The points' nearest neighbours, itself first, `neighbors` each; without them umap-js searches, which takes much longer for many points. */
  nearest?: Neighbors;
}

export interface UmapProjection extends Projection {
  readonly name: "UMAP";
  /** Where the points that the map was fitted on lie, [count, 2]. */
  readonly embedding: Points;
  readonly neighbors: number;
  readonly seed: number;
  /**
   * Where points of the map get when they move: as far as `project` moves them, from where they lie, as long as they keep their nearest anchors, and
   * to where `project` puts them where they get to others.
   * @param places of `from` on the map, [count, 2].
   */
  move(places: Points, from: Points, to: Points): Points;
}

/** Trustworthiness takes seconds for more points. */
const maxJudged = 600;

/**
 * UMAP (McInnes, Healy and Melville, 2018) by umap-js, seeded. Fitted once; `project` then places a point at the mean of its nearest
 * anchors, weighted by UMAP's membership strengths: where UMAP's own transform starts. Its random descent after that moves a point
 * further than a small tangent does (a median of 0.4 for a step of 0.001 on digits), so it is left out; what remains is continuous.
 * Takes seconds for 1,000 points; for more, `fitUmap` has the engine find the neighbours.
 * @throws TangentLabError `invalid-argument` for fewer than 8 points or values that are not finite.
 */
export function umap(points: Points, options: UmapOptions = {}): UmapProjection {
  checkRows("points", points, 8);
  const [count, dim] = matrixShape(points);
  const { seed = 0, neighbors = Math.min(15, count - 1), minDistance = 0.1 } = options;
  const fits = Number.isInteger(neighbors) && neighbors >= 2 && neighbors < count;
  check(fits, "neighbors", neighbors, `an integer from 2 to ${count - 1}, less than the number of points`);
  check(minDistance >= 0 && minDistance <= 1, "minDistance", minDistance, "a number from 0 to 1");

  const { anchors = count } = options;
  const enough = Number.isInteger(anchors) && anchors >= 3 && anchors <= count;
  check(enough, "anchors", anchors, `an integer from 3 to ${count}, the number of points`);
  const map = new UMAP({ nNeighbors: neighbors, minDist: minDistance, random: draws(random.key(seed)) });
  const { nearest } = options;
  if (nearest) {
    for (const [name, rows] of Object.entries({ indices: nearest.indices, distances: nearest.distances })) {
      const complete = rows.length === count && rows.every((row) => row.length === neighbors);
      check(complete, `nearest.${name}`, [rows.length, rows[0]?.length], `[${count}, ${neighbors}]`);
    }
    map.setPrecomputedKNN(nearest.indices as number[][], nearest.distances as number[][]);
  }
  const k = Math.min(neighbors, anchors);
  const weighed = (other: Points): Weight[][] => {
    checkRows("points", other, 1);
    check(matrixShape(other)[1] === dim, "points.shape", other.shape, `points of ${dim} dimensions`);
    return toRows(other).map((point) => weigh(point, points, anchors, k));
  };
  map.initializeFit(toRows(points));
  const embedding = { shape: [count, 2], values: optimizeLayout(map, random.foldIn(random.key(seed), 0)[0]) };
  return {
    name: "UMAP",
    axes: ["UMAP 1", "UMAP 2"],
    embedding,
    neighbors,
    seed,
    get note() {
      const trust = trustworthiness(thin(points, maxJudged), thin(embedding, maxJudged)).toFixed(2);
      return `UMAP, fitted once (${neighbors} neighbours, seed ${seed}); trustworthiness ${trust} (1: all neighbours in the plane are neighbours in the data). Other points lie at the weighted mean of their nearest neighbours.`;
    },
    project: (other) => fromRows(weighed(other).map((weights) => mean(weights, embedding))),
    move(places, from, to) {
      const before = weighed(from);
      const after = weighed(to);
      return fromRows(
        after.map((weights, j) => {
          const kept = overlap(before[j]!, weights);
          const start = mean(before[j]!, embedding);
          return mean(weights, embedding).map(
            (value, axis) => value + kept * (places.values[2 * j + axis]! - start[axis]!),
          );
        }),
      );
    },
  };
}

/**
 * `umap` for thousands of points: the same map, but their nearest neighbours are found exactly, as matrix products on the device in use.
 * @throws TangentLabError `invalid-argument` as `umap`.
 */
export async function fitUmap(
  points: Points,
  options: Omit<UmapOptions, "nearest"> = {},
): Promise<UmapProjection> {
  checkRows("points", points, 8);
  const [count] = matrixShape(points);
  const { neighbors = Math.min(15, count - 1) } = options;
  return umap(points, { ...options, neighbors, nearest: await nearestNeighbors(points, neighbors) });
}

/** How much an anchor counts for a point; of a point they sum to 1. */
interface Weight {
  anchor: number;
  weight: number;
}

/** The k nearest anchors of a point, weighted by exp(-(d - nearest) / sigma), sigma such that these sum to log2(k). */
function weigh(point: readonly number[], points: Points, anchors: number, k: number): Weight[] {
  const dim = point.length;
  const nearest = Array.from({ length: anchors }, (_, anchor) => {
    let square = 0;
    for (let d = 0; d < dim; d++) square += (points.values[anchor * dim + d]! - point[d]!) ** 2;
    return { anchor, distance: Math.sqrt(square) };
  })
    .sort((a, b) => a.distance - b.distance)
    .slice(0, k);
  const excess = nearest.map(({ distance }) => distance - nearest[0]!.distance);
  const strengths = membership(excess, Math.log2(k));
  const total = strengths.reduce((a, b) => a + b, 0);
  return nearest.map(({ anchor }, i) => ({ anchor, weight: strengths[i]! / total }));
}

/** The weighted mean of the anchors' places. */
const mean = (weights: readonly Weight[], embedding: Points): number[] =>
  [0, 1].map((axis) =>
    weights.reduce((sum, { anchor, weight }) => sum + weight * embedding.values[2 * anchor + axis]!, 0),
  );

/** How far two points have the same anchors: 1 with the same weights, 0 with none in common. */
function overlap(a: readonly Weight[], b: readonly Weight[]): number {
  const others = new Map(b.map(({ anchor, weight }) => [anchor, weight]));
  return a.reduce((sum, { anchor, weight }) => sum + Math.min(weight, others.get(anchor) ?? 0), 0);
}

/** Finds sigma by bisection on its logarithm. */
function membership(excess: readonly number[], target: number): number[] {
  const at = (sigma: number): number[] => excess.map((distance) => Math.exp(-distance / sigma));
  let [low, high] = [-30, 30];
  for (let i = 0; i < 60; i++) {
    const middle = (low + high) / 2;
    const sum = at(Math.exp(middle)).reduce((a, b) => a + b, 0);
    if (sum < target) low = middle;
    else high = middle;
  }
  return at(Math.exp(high));
}

const chunk = 4096;

/** Uniform draws from [0, 1), one at a time. */
function draws(key: random.Key): () => number {
  let values: Float32Array = new Float32Array(0);
  let next = 0;
  let chunks = 0;
  return () => {
    if (next === values.length) {
      values = random.uniform(random.foldIn(key, chunks++), chunk);
      next = 0;
    }
    return values[next++]!;
  };
}

const fromRows = (rows: readonly (readonly number[])[]): Points => ({
  shape: [rows.length, 2],
  values: rows.flat(),
});
