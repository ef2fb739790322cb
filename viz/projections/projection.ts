import type { Points } from "../spec.js";

/** A fixed map from data space to a plane to look at. */
export interface Projection {
  readonly name: "plane" | "PCA" | "UMAP" | "view";
  /** Titles of the two axes. */
  readonly axes: readonly [string, string];
  /** What the reader must know to trust it, a sentence for the caption. */
  readonly note?: string;
  /** Maps [count, dim] (or images, [count, ...shape]) to [count, 2]. */
  project(points: Points): Points;
  /** Per point, how near it is to the eye, where there is depth: what is far is drawn fainter. */
  depth?(points: Points): Float64Array;
}

/** Opacity of each point by its depth: far ones are fainter. Undefined where a projection has no depth. */
export function fading(projection: Projection, points: Points): number[] | undefined {
  const depth = projection.depth?.(points);
  if (!depth) return undefined;
  const [low, high] = depth.reduce(
    ([a, b], value) => [Math.min(a!, value), Math.max(b!, value)],
    [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY],
  );
  return Array.from(depth, (value) =>
    Number((0.12 + (0.68 * (value - low!)) / (high! - low! || 1)).toFixed(2)),
  );
}

/** Two-dimensional data as it is. */
export const plane: Projection = { name: "plane", axes: ["x₁", "x₂"], project: (points) => points };

/** [count, dim] of points of any shape. */
export const matrixShape = ({ shape }: Points): [count: number, dim: number] => [
  shape[0]!,
  shape.slice(1).reduce((a, b) => a * b, 1),
];

/** Every k-th point, so that at most `count` remain. */
export function thin(points: Points, count: number): Points {
  const [all, dim] = matrixShape(points);
  if (all <= count) return points;
  const values = new Float64Array(count * dim);
  for (let i = 0; i < count; i++) {
    const from = Math.floor((i * all) / count) * dim;
    for (let k = 0; k < dim; k++) values[i * dim + k] = points.values[from + k]!;
  }
  return { shape: [count, ...points.shape.slice(1)], values };
}

/** The first points, or all where there are fewer. */
export function first(points: Points, count: number): Points {
  const [all, dim] = matrixShape(points);
  const kept = Math.min(all, count);
  return { shape: [kept, ...points.shape.slice(1)], values: Array.from(points.values).slice(0, kept * dim) };
}

/** The points of several sets one after the other; all have the same shape but for the count. */
export function concatenate(sets: readonly Points[]): Points {
  const values = new Float64Array(sets.reduce((sum, set) => sum + set.values.length, 0));
  let offset = 0;
  for (const set of sets) {
    values.set(set.values, offset);
    offset += set.values.length;
  }
  return { shape: [sets.reduce((sum, set) => sum + set.shape[0]!, 0), ...sets[0]!.shape.slice(1)], values };
}

/** The points as nested arrays. */
export function toRows(points: Points): number[][] {
  const [count, dim] = matrixShape(points);
  return Array.from({ length: count }, (_, i) =>
    Array.from({ length: dim }, (_, k) => points.values[i * dim + k]!),
  );
}

/** points + step * directions. */
export function move(points: Points, directions: Points, step: number): Points {
  return {
    shape: points.shape,
    values: Float64Array.from(points.values, (value, i) => value + step * directions.values[i]!),
  };
}

/** At most `count` of the items, evenly, first and last included. */
export function spread<T>(items: readonly T[], count: number): T[] {
  if (items.length <= count) return [...items];
  return Array.from({ length: count }, (_, i) => items[Math.round((i * (items.length - 1)) / (count - 1))]!);
}

/** Item `index` of several, as a set of one. */
export function item(points: Points, index: number): Points {
  const [, size] = matrixShape(points);
  return {
    shape: [1, ...points.shape.slice(1)],
    values: Array.from({ length: size }, (_, k) => points.values[index * size + k]!),
  };
}
