import { findABParams } from "umap-js/dist/umap.js";
import * as random from "../../src/engine/random.js";
import { check } from "../../src/errors.js";
import type { Points } from "../spec.js";
import { checkRows } from "./check.js";
import { fuzzyGraph } from "./fuzzy-graph.js";
import { likelyNeighbors, type Neighbors, type NeighborTable } from "./neighbors.js";
import { overlap, place, type Surroundings, surroundings } from "./placing.js";
import { type Prepared, prepare, rowsOf } from "./prepared.js";
import { matrixShape, type Projection, thin } from "./projection.js";
import { trustworthiness } from "./trustworthiness.js";
import { atOnce, inTurns, type Work } from "./turns.js";
import { optimizeLayout } from "./umap-layout.js";

/** Options of `umap`. */
export interface UmapOptions {
  /** Same seed, same map. Default 0. */
  seed?: number;
  /** Size of the neighbourhoods that are kept together. Default 15, less where there are fewer points. */
  neighbors?: number;
  /** Least distance of points in the plane, 0 to 1. Default 0.1. */
  minDistance?: number;
  /** How many of the first points others are placed by: give the data first, then what is compared with it. Default all. */
  anchors?: number;
  /** The points' nearest neighbours, itself first, `neighbors` each, where they are known. */
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

/**
 * UMAP (McInnes, Healy and Melville, 2018), seeded, begun from the plane of most variance. Fitted once, which takes a second for 2,000 points of 784 numbers;
 * `project` then places a point where its nearest anchors, weighted by UMAP's membership strengths, hold it in balance. UMAP's own random descent
 * moves a point further than a small tangent does (a median of 0.4 for a step of 0.001 on digits); this placing is continuous.
 * @throws TangentLabError `invalid-argument` for fewer than 8 points or values that are not finite.
 */
export function umap(points: Points, options: UmapOptions = {}): UmapProjection {
  const settings = checked(points, options);
  return projection(points, settings, atOnce(fit(points, settings)));
}

/**
 * The same map as `umap`, in turns with whatever else waits for the event loop: for thousands of points.
 * @throws TangentLabError `invalid-argument` as `umap`.
 */
export async function fitUmap(
  points: Points,
  options: Omit<UmapOptions, "nearest"> = {},
): Promise<UmapProjection> {
  const settings = checked(points, options);
  return projection(points, settings, await inTurns(fit(points, settings)));
}

type Settings = Required<Omit<UmapOptions, "nearest">> & Pick<UmapOptions, "nearest">;

function checked(points: Points, options: UmapOptions): Settings {
  checkRows("points", points, 8);
  const [count] = matrixShape(points);
  const {
    seed = 0,
    neighbors = Math.min(15, count - 1),
    minDistance = 0.1,
    anchors = count,
    nearest,
  } = options;
  const fits = Number.isInteger(neighbors) && neighbors >= 2 && neighbors < count;
  check(fits, "neighbors", neighbors, `an integer from 2 to ${count - 1}, less than the number of points`);
  check.number("minDistance", minDistance, (d) => d >= 0 && d <= 1, "a number from 0 to 1");
  const enough = Number.isInteger(anchors) && anchors >= 3 && anchors <= count;
  check(enough, "anchors", anchors, `an integer from 3 to ${count}, the number of points`);
  if (nearest) {
    for (const [name, rows] of Object.entries({ indices: nearest.indices, distances: nearest.distances })) {
      const complete = rows.length === count && rows.every((row) => row.length === neighbors);
      check(complete, `nearest.${name}`, [rows.length, rows[0]?.length], `[${count}, ${neighbors}]`);
    }
  }
  return { seed, neighbors, minDistance, anchors, ...(nearest && { nearest }) };
}

/** As umap-js has them: fewer for more points. */
const epochsOf = (count: number): number =>
  count <= 2500 ? 500 : count <= 5000 ? 400 : count <= 7500 ? 300 : 200;

/** The places of all points, [count, 2]. */
function* fit(points: Points, { seed, neighbors, minDistance, nearest }: Settings): Work<Float64Array> {
  const prepared = yield* prepare(points);
  const table = nearest ? asTable(nearest, neighbors) : yield* likelyNeighbors(prepared, neighbors);
  const epochs = epochsOf(prepared.count);
  const { a, b } = findABParams(1, minDistance);
  const key = random.key(seed);
  const places = beginning(prepared, random.foldIn(key, 1));
  yield* optimizeLayout(places, fuzzyGraph(table, 1 / epochs), {
    a,
    b,
    epochs,
    seed: random.foldIn(key, 0)[0],
  });
  return places;
}

const asTable = ({ indices, distances }: Neighbors, k: number): NeighborTable => ({
  k,
  indices: Int32Array.from(indices.flat()),
  distances: Float64Array.from(distances.flat()),
});

/** The square in which points begin, and the noise that parts those that are alike. */
const [side, noise] = [10, 1e-4];

/** The points along the two directions of most variance, as far as the square reaches. */
function beginning(prepared: Prepared, key: random.Key): Float64Array {
  const { count, dim, axes } = prepared;
  const places = Float64Array.from(random.normal(key, 2 * count), (value) => value * noise);
  const along = new Float64Array(2 * count);
  for (let i = 0; i < count; i++) {
    const row = rowsOf(prepared, i, 1);
    for (let d = 0; d < dim; d++) {
      along[2 * i]! += row[d]! * axes[d]!;
      along[2 * i + 1]! += row[d]! * axes[dim + d]!;
    }
  }
  for (const axis of [0, 1]) {
    let [low, high] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
    for (let i = axis; i < along.length; i += 2) {
      low = Math.min(low, along[i]!);
      high = Math.max(high, along[i]!);
    }
    const scale = high > low ? side / (high - low) : 0;
    for (let i = axis; i < along.length; i += 2) places[i]! += (along[i]! - low) * scale;
  }
  return places;
}

/** Points on which trustworthiness is measured: it takes seconds for more. */
const maxJudged = 600;

function projection(points: Points, settings: Settings, places: Float64Array): UmapProjection {
  const [count, dim] = matrixShape(points);
  const { seed, neighbors, anchors } = settings;
  const embedding = { shape: [count, 2], values: places };
  const k = Math.min(neighbors, anchors);
  const around = (other: Points): Surroundings[] => {
    checkRows("points", other, 1);
    check(matrixShape(other)[1] === dim, "points.shape", other.shape, `points of ${dim} dimensions`);
    return surroundings(other, points, anchors, k);
  };
  return {
    name: "UMAP",
    axes: ["UMAP 1", "UMAP 2"],
    embedding,
    neighbors,
    seed,
    get note() {
      const trust = trustworthiness(thin(points, maxJudged), thin(embedding, maxJudged)).toFixed(2);
      return `UMAP, fitted once (${neighbors} neighbours, seed ${seed}); trustworthiness ${trust} (1: all neighbours in the plane are neighbours in the data). Other points lie among their nearest neighbours.`;
    },
    project: (other) => fromRows(around(other).map((surrounding) => place(surrounding, places))),
    move(from, before, after) {
      const [start, end] = [around(before), around(after)];
      return fromRows(
        end.map((surrounding, j) => {
          const kept = overlap(start[j]!, surrounding);
          const origin = place(start[j]!, places);
          return place(surrounding, places).map(
            (value, axis) => value + kept * (from.values[2 * j + axis]! - origin[axis]!),
          );
        }),
      );
    },
  };
}

const fromRows = (rows: readonly (readonly number[])[]): Points => ({
  shape: [rows.length, 2],
  values: rows.flat(),
});
