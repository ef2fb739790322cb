import { addProduct } from "../../src/engine/simd/product.js";
import { type Prepared, rowsOf } from "./prepared.js";
import type { Work } from "./turns.js";

/** How many directions of most variance are tried. */
const tried = [32, 48, 64, 96, 128] as const;
/** Points whose neighbours are looked up exactly, and the share of them that must be found. */
const [probes, recall] = [48, 0.95];
/** Points that are taken up at once. */
const blockRows = 512;

/**
 * The points along so many directions of most variance that the `size` nearest there hold nearly all of the `k` nearest (itself among those): as few as do,
 * judged by 48 of the points. Undefined where none of the numbers tried will do, or spares nothing.
 * @returns [count, directions].
 */
export function* searchVectors(prepared: Prepared, k: number, size: number): Work<Float32Array | undefined> {
  const { count, dim, axes, components } = prepared;
  const choices = tried.filter((directions) => directions <= components && 2 * directions <= dim);
  if (choices.length === 0) return undefined;
  const most = choices.at(-1)!;
  const probed = Int32Array.from({ length: Math.min(probes, count) }, (_, i) =>
    Math.floor((i * count) / Math.min(probes, count)),
  );
  const factors = new Float64Array((most + probed.length) * dim);
  factors.set(axes.subarray(0, most * dim));
  for (const [i, point] of probed.entries()) factors.set(rowsOf(prepared, point, 1), (most + i) * dim);

  const vectors = new Float32Array(count * most);
  /** Of each probe to each point, half their squared distance but for the probe's own norm. */
  const distances = new Float32Array(probed.length * count);
  for (let start = 0; start < count; start += blockRows) {
    const rows = rowsOf(prepared, start, Math.min(blockRows, count - start));
    const width = most + probed.length;
    const products = new Float64Array((rows.length / dim) * width);
    addProduct(rows, factors, dim, products);
    for (let r = 0; r * dim < rows.length; r++) {
      let half = 0;
      for (let d = r * dim; d < (r + 1) * dim; d++) half += rows[d]! ** 2 / 2;
      vectors.set(products.subarray(r * width, r * width + most), (start + r) * most);
      for (let p = 0; p < probed.length; p++)
        distances[p * count + start + r] = half - products[r * width + most + p]!;
    }
    yield;
  }

  const nearest = Array.from(probed, (point, p) =>
    leastOf(distances.subarray(p * count, (p + 1) * count), point, k - 1),
  );
  // From here on the probes' distances along the directions so far.
  distances.fill(0);
  let from = 0;
  for (const directions of choices) {
    let found = 0;
    for (const [p, point] of probed.entries()) {
      const along = distances.subarray(p * count, (p + 1) * count);
      addSquares(along, vectors, most, point, from, directions);
      const candidates = new Set(leastOf(along, point, size));
      found += nearest[p]!.filter((j) => candidates.has(j)).length;
      yield;
    }
    if (found >= recall * probed.length * (k - 1)) return first(vectors, most, directions);
    from = directions;
  }
  return undefined;
}

/** Adds to `out` the squared distances of all vectors from one of them, along some directions. */
function addSquares(
  out: Float32Array,
  vectors: Float32Array,
  dim: number,
  point: number,
  from: number,
  to: number,
): void {
  const own = vectors.slice(point * dim, (point + 1) * dim);
  for (let j = 0, at = 0; j < out.length; j++, at += dim) {
    let sum = 0;
    for (let d = from; d < to; d++) {
      const difference = vectors[at + d]! - own[d]!;
      sum += difference * difference;
    }
    out[j]! += sum;
  }
}

/** The first numbers of each vector. */
function first(vectors: Float32Array, dim: number, kept: number): Float32Array {
  if (kept === dim) return vectors;
  const count = vectors.length / dim;
  const out = new Float32Array(count * kept);
  for (let i = 0; i < count; i++) out.set(vectors.subarray(i * dim, i * dim + kept), i * kept);
  return out;
}

/** Where the least `size` values are, without `self`. */
function leastOf(values: Float32Array, self: number, size: number): Int32Array {
  const places = new Int32Array(size);
  const least = new Float32Array(size).fill(Number.POSITIVE_INFINITY);
  for (let j = 0; j < values.length; j++) {
    const value = values[j]!;
    if (!(value < least[size - 1]!) || j === self) continue;
    let at = size - 1;
    for (; at > 0 && least[at - 1]! > value; at--) {
      least[at] = least[at - 1]!;
      places[at] = places[at - 1]!;
    }
    least[at] = value;
    places[at] = j;
  }
  return places;
}
