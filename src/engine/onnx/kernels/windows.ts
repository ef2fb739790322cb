import type { backend_util } from "@tensorflow/tfjs-core";
import { reshapeTo } from "../backend.js";
import { type Graph, sizeOf, type Value } from "../graph.js";

/**
 * Convolution, pooling and resizing all read windows of pixels. An image batch [n, h, w, c] is a matrix of pixels [n*h*w, c], and a window
 * table says which pixels each output needs: [outputs, window] row numbers, -1 for outside. One Gather makes the windows; with pixels
 * as rows it copies whole channel vectors, which is what makes this faster than ONNX Runtime's own convolution for weights that change.
 */
export interface WindowTable {
  key: string;
  /** Number of outputs and of pixels in each window. */
  rows: number;
  width: number;
  index: () => Int32Array;
}

export type Geometry = Pick<
  backend_util.Conv2DInfo,
  | "batchSize"
  | "inHeight"
  | "inWidth"
  | "outHeight"
  | "outWidth"
  | "filterHeight"
  | "filterWidth"
  | "strideHeight"
  | "strideWidth"
  | "dilationHeight"
  | "dilationWidth"
> & { padInfo: { top: number; left: number } };

const keyOf = (g: Geometry): string =>
  [
    g.batchSize,
    g.inHeight,
    g.inWidth,
    g.outHeight,
    g.outWidth,
    g.filterHeight,
    g.filterWidth,
    g.strideHeight,
    g.strideWidth,
    g.dilationHeight,
    g.dilationWidth,
    g.padInfo.top,
    g.padInfo.left,
  ].join();

/** For each output pixel the input pixels under the filter. */
export function inputWindows(g: Geometry): WindowTable {
  const rows = g.batchSize * g.outHeight * g.outWidth;
  const width = g.filterHeight * g.filterWidth;
  const index = (): Int32Array => {
    const out = new Int32Array(rows * width);
    let i = 0;
    for (let n = 0; n < g.batchSize; n++)
      for (let y = 0; y < g.outHeight; y++)
        for (let x = 0; x < g.outWidth; x++)
          for (let ky = 0; ky < g.filterHeight; ky++)
            for (let kx = 0; kx < g.filterWidth; kx++) {
              const row = y * g.strideHeight - g.padInfo.top + ky * g.dilationHeight;
              const column = x * g.strideWidth - g.padInfo.left + kx * g.dilationWidth;
              const inside = row >= 0 && row < g.inHeight && column >= 0 && column < g.inWidth;
              out[i++] = inside ? (n * g.inHeight + row) * g.inWidth + column : -1;
            }
    return out;
  };
  return { key: `in:${keyOf(g)}`, rows, width, index };
}

/** For each input pixel and filter position the output pixel that it contributes to. */
export function outputWindows(g: Geometry): WindowTable {
  const rows = g.batchSize * g.inHeight * g.inWidth;
  const width = g.filterHeight * g.filterWidth;
  const index = (): Int32Array => {
    const out = new Int32Array(rows * width);
    let i = 0;
    for (let n = 0; n < g.batchSize; n++)
      for (let row = 0; row < g.inHeight; row++)
        for (let column = 0; column < g.inWidth; column++)
          for (let ky = 0; ky < g.filterHeight; ky++)
            for (let kx = 0; kx < g.filterWidth; kx++) {
              const y = (row + g.padInfo.top - ky * g.dilationHeight) / g.strideHeight;
              const x = (column + g.padInfo.left - kx * g.dilationWidth) / g.strideWidth;
              const inside =
                Number.isInteger(y) &&
                Number.isInteger(x) &&
                y >= 0 &&
                y < g.outHeight &&
                x >= 0 &&
                x < g.outWidth;
              out[i++] = inside ? (n * g.outHeight + y) * g.outWidth + x : -1;
            }
    return out;
  };
  return { key: `out:${keyOf(g)}`, rows, width, index };
}

/**
 * The adjoint of a table: for each of `inputs` rows the places (row * width + position) where it stands in `table`, or only the rows
 * if `rowsOnly`. As wide as the most used row.
 */
export function adjoint(table: WindowTable, inputs: number, rowsOnly = false): WindowTable {
  const index = table.index();
  const count = new Int32Array(inputs);
  for (const row of index) if (row >= 0) count[row]!++;
  const width = count.reduce((a, b) => Math.max(a, b), 1);
  return {
    key: `${rowsOnly ? "rows" : "places"}:${table.key}`,
    rows: inputs,
    width,
    index: () => {
      const out = new Int32Array(inputs * width).fill(-1);
      const next = new Int32Array(inputs);
      index.forEach((row, place) => {
        if (row >= 0) out[row * width + next[row]!++] = rowsOnly ? Math.floor(place / table.width) : place;
      });
      return out;
    },
  };
}

/** Pixels [n, ..., c] or [rows, c] as a matrix of rows. */
export const pixels = (graph: Graph, x: Value): Value => {
  const channels = x.shape.at(-1)!;
  return reshapeTo(graph, x, [sizeOf(x.shape) / channels, channels]);
};

/** The windows [table.rows, table.width, c] of the pixels of x; `fill` stands for pixels outside. */
export function gatherWindows(graph: Graph, x: Value, table: WindowTable, fill = 0): Value {
  const matrix = pixels(graph, x);
  const [count, channels] = matrix.shape as [number, number];
  const shape = [table.rows, table.width, channels];
  let outside = false;
  const index = graph.cached(`${table.key}:index`, () => {
    const data = table.index().map((row) => (row < 0 ? count : row));
    return { data, shape: [table.rows, table.width], type: "int32" };
  });
  if (index.constant) outside = index.constant.data.some((row) => Number(row) === count);
  // Of all pixels: the first part of a table begins like the identity, too.
  if (!outside && index.shape[0]! * index.shape[1]! === count && isIdentity(index))
    return reshapeTo(graph, matrix, shape);
  const border = graph.splat(fill, [1, channels], matrix.type);
  const source = outside
    ? graph.op("Concat", [matrix, border], [count + 1, channels], matrix.type, { axis: 0 })
    : matrix;
  if (channels <= fewChannels) return gatherNumbers(graph, source, table, index);
  return graph.op("Gather", [source, index], shape, matrix.type, { axis: 0 });
}

/** Up to here picking single numbers is faster than copying rows of them. */
const fewChannels = 4;

/** The same windows of rows with few channels, number by number. */
function gatherNumbers(graph: Graph, matrix: Value, table: WindowTable, rows: Value): Value {
  const channels = matrix.shape[1]!;
  const index = graph.cached(`${table.key}:numbers:${channels}`, () => {
    const row = (i: number): number => Number(rows.constant!.data[rows.constant!.splat ? 0 : i]);
    const data = Int32Array.from(
      { length: table.rows * table.width * channels },
      (_, i) => row(Math.floor(i / channels)) * channels + (i % channels),
    );
    return { data, shape: [data.length], type: "int32" };
  });
  const numbers = graph.op(
    "GatherElements",
    [reshapeTo(graph, matrix, [sizeOf(matrix.shape)]), index],
    index.shape,
    matrix.type,
    { axis: 0 },
  );
  return reshapeTo(graph, numbers, [table.rows, table.width, channels]);
}

/** Rows of windows that stay in the processor's cache between being gathered and being multiplied: 1.5 M numbers. */
const cachedWindows = 1.5e6;

/**
 * Splits a table whose windows of `channels` channels would leave the cache into tables of equally many rows; a large batch's product
 * is taken in as many parts.
 */
export function chunks(table: WindowTable, channels: number): WindowTable[] {
  let count = 1;
  while ((table.rows * table.width * channels) / count > cachedWindows && table.rows % (2 * count) === 0)
    count *= 2;
  if (count === 1) return [table];
  const rows = table.rows / count;
  return Array.from({ length: count }, (_, i) => ({
    key: `${table.key}:${i}/${count}`,
    rows,
    width: table.width,
    index: () => table.index().subarray(i * rows * table.width, (i + 1) * rows * table.width),
  }));
}

const isIdentity = (index: Value): boolean =>
  index.constant !== undefined &&
  !index.constant.splat &&
  index.constant.data.every((row, i) => Number(row) === i);
