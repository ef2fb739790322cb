import { UMAP } from "umap-js";
import { check } from "../../src/errors.js";
import * as random from "../../src/engine/random.js";
import type { Points } from "../spec.js";
import { checkRows } from "./check.js";
import { matrixShape, type Projection, toRows } from "./projection.js";

export interface UmapOptions {
  /** Same seed, same map. Default 0. */
  seed?: number;
  /** Size of the neighbourhoods that are kept together. Default 15, less where there are fewer points. */
  neighbors?: number;
  /** Least distance of points in the plane, 0 to 1. Default 0.1. */
  minDistance?: number;
}

export interface UmapProjection extends Projection {
  readonly name: "UMAP";
  /** Where the points that the map was fitted on lie, [count, 2]. */
  readonly embedding: Points;
  readonly neighbors: number;
  readonly seed: number;
}

/**
 * UMAP (McInnes, Healy and Melville, 2018) by umap-js, seeded. Fitted once; `project` then places other points in the same map
 * by their neighbours among the fitted ones, always alike.
 * Takes seconds for 1,000 points; thin larger sets first.
 * @throws TangentLabError `invalid-argument` for fewer than 8 points or values that are not finite.
 */
export function umap(points: Points, options: UmapOptions = {}): UmapProjection {
  checkRows("points", points, 8);
  const [count, dim] = matrixShape(points);
  const { seed = 0, neighbors = Math.min(15, count - 1), minDistance = 0.1 } = options;
  const fits = Number.isInteger(neighbors) && neighbors >= 2 && neighbors < count;
  check(fits, "neighbors", neighbors, `an integer from 2 to ${count - 1}, less than the number of points`);
  check(minDistance >= 0 && minDistance <= 1, "minDistance", minDistance, "a number from 0 to 1");

  // The map reads its random numbers through here, so that every later projection can start from the same ones.
  let draw = draws(random.key(seed));
  const map = new UMAP({ nNeighbors: neighbors, minDist: minDistance, random: () => draw() });
  const embedding = fromRows(map.fit(toRows(points)));
  return {
    name: "UMAP",
    axes: ["UMAP 1", "UMAP 2"],
    embedding,
    neighbors,
    seed,
    project(other) {
      checkRows("points", other, 1);
      check(matrixShape(other)[1] === dim, "points.shape", other.shape, `points of ${dim} dimensions`);
      draw = draws(random.foldIn(random.key(seed), 1));
      return fromRows(map.transform(toRows(other)));
    },
  };
}

const chunk = 4096;

/** Uniform draws from [0, 1), one at a time. */
function draws(key: random.Key): () => number {
  let values = new Float32Array(0);
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

const fromRows = (rows: readonly (readonly number[])[]): Points => ({ shape: [rows.length, 2], values: rows.flat() });
