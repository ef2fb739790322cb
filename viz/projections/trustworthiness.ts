import { check } from "../../src/errors.js";
import type { Points } from "../spec.js";
import { checkRows } from "./check.js";
import { type Numbers, squaredDistance, typed } from "./distance.js";
import { matrixShape } from "./projection.js";

/**
 * How far neighbours in a projection are neighbours in the data: 1 where all are, about 0.5 at random (Venna and Kaski, 2001).
 * Takes time of count², or of count times `judged`.
 * @param neighbors size k of the neighbourhoods compared, less than half of the points. Default 5, less where there are few points.
 * @param judged of how many of the points, evenly among them, the neighbours are looked at: the mean of those is an estimate for all. Default all.
 */
export function trustworthiness(
  original: Points,
  projected: Points,
  neighbors?: number,
  judged = Number.MAX_SAFE_INTEGER,
): number {
  checkRows("original", original, 4);
  checkRows("projected", projected, 4);
  const [n] = matrixShape(original);
  check(
    matrixShape(projected)[0] === n,
    "projected.shape[0]",
    projected.shape[0],
    `${n}, as many as in original`,
  );
  const most = Math.ceil(n / 2) - 1;
  const k = neighbors ?? Math.min(5, most);
  check(
    Number.isInteger(k) && k >= 1 && k <= most,
    "neighbors",
    k,
    `an integer from 1 to ${most}, less than half of the points`,
  );

  const some = Math.min(n, judged);
  check(Number.isInteger(judged) && judged >= 1, "judged", judged, "an integer >= 1");
  const [data, plane] = [typed(original.values), typed(projected.values)];
  const [dim, planeDim] = [matrixShape(original)[1], matrixShape(projected)[1]];
  let penalty = 0;
  for (let s = 0; s < some; s++) {
    const i = Math.floor((s * n) / some);
    const distances = distancesFrom(data, i, dim);
    const near = distancesFrom(plane, i, planeDim);
    for (const j of byDistance(near, i, k)) penalty += Math.max(0, rankOf(distances, i, j) - k);
  }
  return 1 - (2 / (some * k * (2 * n - 3 * k - 1))) * penalty;
}

/** Squared. */
function distancesFrom(values: Numbers, i: number, dim: number): Float64Array {
  const out = new Float64Array(values.length / dim);
  for (let j = 0; j < out.length; j++)
    out[j] = squaredDistance(values, i * dim, values, j * dim, dim, Number.POSITIVE_INFINITY);
  return out;
}

/** The `k` other points nearest to point `i`. */
function byDistance(distances: Float64Array, i: number, k: number): number[] {
  const nearest: number[] = [];
  for (let j = 0; j < distances.length; j++) {
    if (j === i || (nearest.length === k && !(distances[j]! < distances[nearest[k - 1]!]!))) continue;
    if (nearest.length === k) nearest.pop();
    let at = nearest.length;
    while (at > 0 && distances[nearest[at - 1]!]! > distances[j]!) at--;
    nearest.splice(at, 0, j);
  }
  return nearest;
}

/** Which of the others, nearest first, j is: 1 the nearest. Of two as far away the first comes first. */
function rankOf(distances: Float64Array, i: number, j: number): number {
  let rank = 1;
  for (let other = 0; other < distances.length; other++) {
    if (other === i || other === j) continue;
    if (distances[other]! < distances[j]! || (distances[other] === distances[j] && other < j)) rank++;
  }
  return rank;
}
