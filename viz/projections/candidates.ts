import { hit, kernels, memoryOf, panelBytes, panelRows } from "../../src/engine/simd/kernels.js";
import { roundUp } from "../../src/engine/simd/product.js";
import type { Work } from "./turns.js";

/** Points whose distances from as many others are computed at once: they stay in a core's cache. */
const block = 256;

/** Sets of numbers of which each is near the point of its row. */
export interface Candidates {
  /** [count, size], nearest first. */
  readonly indices: Int32Array;
  readonly size: number;
}

/**
 * For every vector the others with the least distances: all pairs, each once, block by block in float32. Time grows with count², memory with count.
 * @param vectors row by row, [count, dim]; numbers about 1.
 * @param size how many for each, less than count.
 */
export function* nearestCandidates(vectors: Float32Array, dim: number, size: number): Work<Candidates> {
  const count = vectors.length / dim;
  const high = panelRows.float32;
  const padded = roundUp(count, high);
  const depth = dim + 2;
  // Columns hold [v, 1, |v|²/2] and rows [-v, |v|²/2, 1]: their products are half the squared distances.
  const bytes = {
    columns: (padded / high) * depth * panelBytes,
    rows: (block / high) * depth * panelBytes,
    products: 4 * block * block,
    limits: 4 * padded,
    hits: block * block,
  };
  const memory = memoryOf(Object.values(bytes).reduce((a, b) => a + b));
  const { multiply32, below } = kernels(memory);
  const columns = new Float32Array(memory.buffer, 0, bytes.columns / 4);
  const rows = new Float32Array(memory.buffer, bytes.columns, bytes.rows / 4);
  const products = new Float32Array(memory.buffer, rows.byteOffset + bytes.rows, block * block);
  const limits = new Float32Array(memory.buffer, products.byteOffset + bytes.products, padded);
  const hits = new Int32Array(memory.buffer, limits.byteOffset + bytes.limits, bytes.hits / 4);
  for (let i = 0; i < padded; i++) {
    let to = (i - (i % high)) * depth + (i % high);
    let half = i < count ? 0 : Number.POSITIVE_INFINITY;
    for (let d = 0; d < dim; d++, to += high) {
      const value = i < count ? vectors[i * dim + d]! : 0;
      columns[to] = value;
      half += (value * value) / 2;
    }
    columns[to] = 1;
    columns[to + high] = half;
  }
  limits.fill(Number.POSITIVE_INFINITY, 0, count).fill(Number.NEGATIVE_INFINITY, count);
  const indices = new Int32Array(count * size);
  const nearness = new Float32Array(count * size).fill(Number.POSITIVE_INFINITY);
  const insert = (i: number, j: number, value: number): void => {
    const first = i * size;
    let at = first + size - 1;
    for (; at > first && nearness[at - 1]! > value; at--) {
      nearness[at] = nearness[at - 1]!;
      indices[at] = indices[at - 1]!;
    }
    nearness[at] = value;
    indices[at] = j;
    limits[i] = nearness[first + size - 1]!;
  };

  for (let start = 0; start < padded; start += block) {
    const height = Math.min(block, padded - start);
    for (let r = 0; r < height; r += high) {
      const panel = columns.subarray((start + r) * depth, (start + r + high) * depth);
      const to = r * depth;
      for (let k = 0; k < dim * high; k++) rows[to + k] = -panel[k]!;
      rows.set(panel.subarray((dim + 1) * high), to + dim * high);
      rows.fill(1, to + (dim + 1) * high, to + depth * high);
    }
    for (let from = start; from < padded; from += block) {
      const width = Math.min(block, padded - from);
      products.fill(0, 0, height * width);
      multiply32(rows.byteOffset, from * depth * 4, products.byteOffset, depth, height, width);
      const end = below(
        products.byteOffset,
        limits.byteOffset + 4 * start,
        limits.byteOffset + 4 * from,
        hits.byteOffset,
        height,
        width,
      );
      const found = (end - hits.byteOffset) / 4;
      for (let h = 0; h < found; h++) {
        const entry = hits[h]!;
        const row = hit.row(entry);
        const i = start + row;
        for (let lanes = hit.lanes(entry), column = hit.column(entry); lanes > 0; lanes >>= 1, column++) {
          if ((lanes & 1) === 0) continue;
          const j = from + column;
          const value = products[row * width + column]!;
          if (i === j) continue;
          if (value < limits[i]!) insert(i, j, value);
          // A block of the diagonal holds both orders.
          if (from > start && value < limits[j]!) insert(j, i, value);
        }
      }
      if (((from - start) / block) % 16 === 15) yield;
    }
    yield;
  }
  return { indices, size };
}
