import type { Points } from "../spec.js";
import { type Numbers, typed } from "./distance.js";
import { leadingComponents } from "./leading-components.js";
import { matrixShape } from "./projection.js";
import type { Work } from "./turns.js";

/** Points as the search takes them: centred, in units of their spread. */
export interface Prepared {
  /** As they were given, [count, dim]. */
  readonly values: Numbers;
  readonly count: number;
  readonly dim: number;
  readonly mean: Float64Array;
  /** Root mean square of the centred numbers; 1 where all points are alike. */
  readonly scale: number;
  /** The directions of most variance, [components, dim]. */
  readonly axes: Float64Array;
  readonly components: number;
}

/** Fewer points are compared in all dimensions: that takes no longer than to look for better ones. */
export const fewPoints = 2048;
/** Directions that are looked for: of few points some more than the two in which a map begins, so that those two are found soon. */
const [fewComponents, mostComponents] = [8, 128];

/** Of points that were checked, what a search needs. */
export function* prepare(points: Points): Work<Prepared> {
  const [count, dim] = matrixShape(points);
  const values = typed(points.values);
  const mean = new Float64Array(dim);
  for (let i = 0, at = 0; i < count; i++) for (let d = 0; d < dim; d++, at++) mean[d]! += values[at]!;
  for (let d = 0; d < dim; d++) mean[d]! /= count;
  let squares = 0;
  for (let i = 0, at = 0; i < count; i++)
    for (let d = 0; d < dim; d++, at++) squares += (values[at]! - mean[d]!) ** 2 / (count * dim);
  const centred = { values, count, dim, mean, scale: Math.sqrt(squares) || 1 };
  const some = Math.min(count, fewPoints);
  const sample = new Float64Array(some * dim);
  for (let s = 0; s < some; s++) sample.set(rowsOf(centred, Math.floor((s * count) / some), 1), s * dim);
  const components = Math.min(count < fewPoints ? fewComponents : mostComponents, dim);
  return { ...centred, axes: yield* leadingComponents(sample, dim, components), components };
}

/** Rows from `first` on, centred and scaled. */
export function rowsOf(
  { values, dim, mean, scale }: Omit<Prepared, "axes" | "components">,
  first: number,
  rows: number,
): Float64Array {
  const out = new Float64Array(rows * dim);
  let at = first * dim;
  for (let r = 0; r < rows; r++)
    for (let d = 0; d < dim; d++, at++) out[r * dim + d] = (values[at]! - mean[d]!) / scale;
  return out;
}
