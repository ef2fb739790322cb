import { check } from "../../src/errors.js";
import type { Points } from "../spec.js";
import { type Candidates, nearestCandidates } from "./candidates.js";
import { checkRows } from "./check.js";
import { squaredDistance } from "./distance.js";
import { fewPoints, type Prepared, prepare, rowsOf } from "./prepared.js";
import { matrixShape } from "./projection.js";
import { searchVectors } from "./search-vectors.js";
import { inTurns, type Work } from "./turns.js";

/** The nearest neighbours of every point among all points, itself first. */
export interface Neighbors {
  readonly indices: readonly (readonly number[])[];
  /** Euclidean, rising along each row; the first is 0. */
  readonly distances: readonly (readonly number[])[];
}

/** As `Neighbors`, row by row. */
export interface NeighborTable {
  readonly k: number;
  /** [count, k]. */
  readonly indices: Int32Array;
  readonly distances: Float64Array;
}

/** Points that are taken up at once. */
const blockRows = 512;

/** Every dimension of the points, centred and scaled, [count, dim]. */
function everyDimension(prepared: Prepared): Float32Array {
  const { count, dim } = prepared;
  const vectors = new Float32Array(count * dim);
  for (let start = 0; start < count; start += blockRows)
    vectors.set(rowsOf(prepared, start, Math.min(blockRows, count - start)), start * dim);
  return vectors;
}

/** Candidates beyond the neighbours wanted, for what float32 does not tell apart. */
const spare = 8;

/** The `k` nearest neighbours of every point, itself among them, exactly. */
export function* exactNeighbors(prepared: Prepared, k: number): Work<NeighborTable> {
  const { count, dim } = prepared;
  const size = Math.min(count - 1, k - 1 + spare);
  return yield* ranked(prepared, yield* nearestCandidates(everyDimension(prepared), dim, size), k);
}

/**
 * The `k` nearest neighbours of every point, itself among them, nearly: twice as many candidates by the directions of most variance, of which the nearest are
 * taken by their distances. As many directions as find 95% of the neighbours of some points; where 128 do not, all dimensions, and then exactly.
 */
export function* likelyNeighbors(prepared: Prepared, k: number): Work<NeighborTable> {
  const { count } = prepared;
  const size = 2 * k;
  const vectors = count < fewPoints || count <= size ? undefined : yield* searchVectors(prepared, k, size);
  if (!vectors) return yield* exactNeighbors(prepared, k);
  return yield* ranked(prepared, yield* nearestCandidates(vectors, vectors.length / count, size), k);
}

/** The nearest k - 1 of each point's candidates by their distances in double precision, itself before them. */
export function* ranked(
  prepared: Prepared,
  { indices: near, size }: Candidates,
  k: number,
): Work<NeighborTable> {
  const { values, count, dim } = prepared;
  const indices = new Int32Array(count * k);
  const distances = new Float64Array(count * k);
  const kept = k - 1;
  for (let i = 0; i < count; i++) {
    const first = i * k;
    indices[first] = i;
    // What is kept so far, ascending, lies behind the point itself; squared until the end.
    let found = 0;
    for (let c = i * size; c < (i + 1) * size; c++) {
      const j = near[c]!;
      const limit = found < kept ? Number.POSITIVE_INFINITY : distances[first + kept]!;
      const square = squaredDistance(values, i * dim, values, j * dim, dim, limit);
      if (square > limit || (square === limit && j > indices[first + kept]!)) continue;
      let at = first + Math.min(found + 1, kept);
      if (kept === 0) break;
      for (; at > first + 1; at--) {
        const before = distances[at - 1]!;
        if (before < square || (before === square && indices[at - 1]! < j)) break;
        distances[at] = before;
        indices[at] = indices[at - 1]!;
      }
      distances[at] = square;
      indices[at] = j;
      if (found < kept) found++;
    }
    for (let c = first + 1; c < first + k; c++) distances[c] = Math.sqrt(distances[c]!);
    if (i % 256 === 255) yield;
  }
  return { k, indices, distances };
}

/**
 * The `k` nearest neighbours of every point, itself among them, exactly: distances between all points as matrix products, block by block, in turns with
 * whatever else waits for the event loop. Time grows with count².
 * @param points [count, dim] or [count, height, width, channels].
 * @throws TangentLabError `invalid-argument` where k is not an integer from 1 to the number of points, or values are not finite.
 */
export async function nearestNeighbors(points: Points, k: number): Promise<Neighbors> {
  checkRows("points", points, 2);
  const [count] = matrixShape(points);
  check(Number.isInteger(k) && k >= 1 && k <= count, "k", k, `an integer from 1 to ${count}`);
  const exactly = function* (): Work<NeighborTable> {
    return yield* exactNeighbors(yield* prepare(points), k);
  };
  const table = await inTurns(exactly());
  const row = <T>(values: ArrayLike<T>, i: number): T[] =>
    Array.prototype.slice.call(values, i * k, (i + 1) * k);
  return {
    indices: Array.from({ length: count }, (_, i) => row(table.indices, i)),
    distances: Array.from({ length: count }, (_, i) => row(table.distances, i)),
  };
}
