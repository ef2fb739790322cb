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
export const inputWindows = (g: Geometry): WindowTable =>
  windowTable(
    `in:${keyOf(g)}`,
    g.batchSize,
    {
      count: g.outHeight,
      taps: g.filterHeight,
      size: g.inHeight,
      at: (y, ky) => y * g.strideHeight - g.padInfo.top + ky * g.dilationHeight,
    },
    {
      count: g.outWidth,
      taps: g.filterWidth,
      size: g.inWidth,
      at: (x, kx) => x * g.strideWidth - g.padInfo.left + kx * g.dilationWidth,
    },
  );

/** For each input pixel and filter position the output pixel that it contributes to. */
export const outputWindows = (g: Geometry): WindowTable =>
  windowTable(
    `out:${keyOf(g)}`,
    g.batchSize,
    {
      count: g.inHeight,
      taps: g.filterHeight,
      size: g.outHeight,
      at: (row, ky) => (row + g.padInfo.top - ky * g.dilationHeight) / g.strideHeight,
    },
    {
      count: g.inWidth,
      taps: g.filterWidth,
      size: g.outWidth,
      at: (column, kx) => (column + g.padInfo.left - kx * g.dilationWidth) / g.strideWidth,
    },
  );

/** One of the two axes of windows: `count` windows of `taps` places among `size`; what is no integer or outside is no place. */
interface Axis {
  count: number;
  taps: number;
  size: number;
  at(window: number, tap: number): number;
}

/** Rectangular windows are the product of those of their axes. */
function windowTable(key: string, batchSize: number, vertical: Axis, horizontal: Axis): WindowTable {
  const rows = batchSize * vertical.count * horizontal.count;
  const width = vertical.taps * horizontal.taps;
  const index = once((): Int32Array => {
    const out = new Int32Array(rows * width);
    const [ys, xs] = [places(vertical), places(horizontal)];
    let i = 0;
    for (let n = 0; n < batchSize; n++)
      for (const windowYs of ys)
        for (const windowXs of xs)
          for (const y of windowYs)
            for (const x of windowXs)
              out[i++] = y < 0 || x < 0 ? -1 : (n * vertical.size + y) * horizontal.size + x;
    return out;
  });
  return { key, rows, width, index };
}

/** A table is read several times: in parts, and for its adjoint. */
function once(make: () => Int32Array): () => Int32Array {
  let made: Int32Array | undefined;
  return () => (made ??= make());
}

/** The places of each window of an axis, -1 for none. */
const places = ({ count, taps, size, at }: Axis): Int32Array[] =>
  Array.from({ length: count }, (_, window) =>
    Int32Array.from({ length: taps }, (_, tap) => {
      const place = at(window, tap);
      return Number.isInteger(place) && place >= 0 && place < size ? place : -1;
    }),
  );

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
    index: once(() => {
      const out = new Int32Array(inputs * width).fill(-1);
      const next = new Int32Array(inputs);
      for (let place = 0; place < index.length; place++) {
        const row = index[place]!;
        if (row >= 0) out[row * width + next[row]!++] = rowsOnly ? Math.floor(place / table.width) : place;
      }
      return out;
    }),
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
  const index = graph.cached(`${table.key}:index`, () => {
    const data = table.index().map((row) => (row < 0 ? count : row));
    return { data, shape: [table.rows, table.width], type: "int32" };
  });
  const { outside, identity } = lookAt(index.constant!, count);
  // Of all pixels: the first part of a table begins like the identity, too.
  if (identity && index.shape[0]! * index.shape[1]! === count) return reshapeTo(graph, matrix, shape);
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

/** Rows of windows that stay in the processor's cache between being gathered and being multiplied. */
const cachedWindows = 6e5;

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

const looked = new WeakMap<object, { count: number; outside: boolean; identity: boolean }>();

/** Whether a table has places outside of `count` rows, which are number `count`, and whether it is 0, 1, 2, ... */
function lookAt(
  table: NonNullable<Value["constant"]>,
  count: number,
): { outside: boolean; identity: boolean } {
  const known = looked.get(table);
  if (known?.count === count) return known; // equal tables are one constant, whatever they are of
  const data = table.data as Int32Array;
  const seen = { count, outside: false, identity: !table.splat };
  for (let i = 0; i < data.length; i++) {
    if (data[i] === count) seen.outside = true;
    if (data[i] !== i) seen.identity = false;
  }
  looked.set(table, seen);
  return seen;
}
