import { check } from "../../src/errors.js";
import type { Points } from "../spec.js";
import { checkRows } from "./check.js";
import { matrixShape } from "./projection.js";

/**
 * How far neighbours in a projection are neighbours in the data: 1 where all are, about 0.5 at random (Venna and Kaski, 2001).
 * Takes time and memory of count²; thin more than about 1,000 points first.
 * @param neighbors size k of the neighbourhoods compared, less than half of the points. Default 5, less where there are few points.
 */
export function trustworthiness(original: Points, projected: Points, neighbors?: number): number {
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

  let penalty = 0;
  const ranks = new Int32Array(n);
  for (let i = 0; i < n; i++) {
    for (const [rank, j] of byDistance(original, i).entries()) ranks[j] = rank + 1;
    for (const j of byDistance(projected, i).slice(0, k)) penalty += Math.max(0, ranks[j]! - k);
  }
  return 1 - (2 / (n * k * (2 * n - 3 * k - 1))) * penalty;
}

/** All other points, nearest to point `i` first. */
function byDistance(points: Points, i: number): number[] {
  const [n, dim] = matrixShape(points);
  const { values } = points;
  const distances = new Float64Array(n);
  for (let j = 0; j < n; j++) {
    for (let d = 0; d < dim; d++) distances[j]! += (values[j * dim + d]! - values[i * dim + d]!) ** 2;
  }
  return Array.from({ length: n }, (_, j) => j)
    .filter((j) => j !== i)
    .sort((a, b) => distances[a]! - distances[b]!);
}
