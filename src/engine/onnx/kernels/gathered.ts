import type { backend_util } from "@tensorflow/tfjs-core";
import { reshapeTo } from "../backend.js";
import { type Graph, sizeOf, type Value } from "../graph.js";
import { binary } from "./elementwise.js";
import { gemm } from "./matmul.js";
import { reduce } from "./reduce.js";
import { concat, transpose } from "./shape.js";
import { chunks, gatherWindows, inputWindows, outputWindows, pixels, type WindowTable } from "./windows.js";

// Convolutions as one Gather of windows and one matrix product. The gradient of a filter is this with every lowering.

type Info = backend_util.Conv2DInfo;
type Shape4 = [number, number, number, number];

/** Rows of windows [rows, width * c] of each part of a table. */
function windowRows(graph: Graph, x: Value, table: WindowTable): Value[] {
  const depth = table.width * x.shape.at(-1)!;
  return chunks(table, x.shape.at(-1)!).map((part) =>
    reshapeTo(graph, gatherWindows(graph, x, part), [part.rows, depth]),
  );
}

/** The windows of x times one matrix [width * c, out], or [out, width * c] if it is stored transposed. */
function multiplyWindows(
  graph: Graph,
  x: Value,
  table: WindowTable,
  matrix: Value,
  transposed = false,
): Value {
  return concat(
    graph,
    windowRows(graph, x, table).map((rows) => gemm(graph, rows, matrix, false, transposed)),
    0,
  );
}

/** left^T right over parts of equally many rows, summed as it goes. */
function accumulate(graph: Graph, left: readonly Value[], right: readonly Value[]): Value {
  let sum = gemm(graph, left[0]!, right[0]!, true);
  for (let i = 1; i < left.length; i++) {
    sum = graph.op("Gemm", [left[i]!, right[i]!, sum], sum.shape, "float32", { transA: 1, transB: 0 });
  }
  return sum;
}

/** The pixels of x in as many parts as there are others. */
function pixelParts(graph: Graph, x: Value, count: number): Value[] {
  const matrix = pixels(graph, x);
  if (count === 1) return [matrix];
  const [rows, channels] = matrix.shape as [number, number];
  const parts = Array.from({ length: count }, () => ({ shape: [rows / count, channels], type: matrix.type }));
  return graph.ops("Split", [matrix, graph.integers(parts.map(() => rows / count))], parts, { axis: 0 });
}

/** y = windows of x times the filter as a matrix [kh*kw*c, out]. */
export function convolve(graph: Graph, x: Value, filter: Value, info: Info): Value {
  const depth = info.filterHeight * info.filterWidth * info.inChannels;
  const matrix = reshapeTo(graph, filter, [depth, info.outChannels]);
  return reshapeTo(graph, multiplyWindows(graph, x, inputWindows(info), matrix), info.outShape);
}

/** dx = windows of dy, seen from the input's pixels, times the filter with its channels exchanged. */
export function backpropInput(graph: Graph, dy: Value, filter: Value, info: Info): Value {
  const [kh, kw, c, out] = filter.shape as Shape4;
  // [c, kh*kw*out], transposed by the product itself: this order moves whole rows of the filter, the other one single numbers.
  const rows = transpose(graph, reshapeTo(graph, filter, [kh * kw, c, out]), [1, 0, 2]);
  const matrix = reshapeTo(graph, rows, [c, kh * kw * out]);
  return reshapeTo(graph, multiplyWindows(graph, dy, outputWindows(info), matrix, true), info.inShape);
}

export function backpropFilter(graph: Graph, x: Value, dy: Value, info: Info): Value {
  const size = info.filterHeight * info.filterWidth;
  const filterShape = [info.filterHeight, info.filterWidth, info.inChannels, info.outChannels];
  const stride1 = info.strideHeight === 1 && info.strideWidth === 1;
  // At stride 1 either side may be spread into windows: the one with fewer channels is smaller, and that of dy serves the input's gradient too.
  if (stride1 && size > 1 && info.outChannels <= info.inChannels) {
    const windows = windowRows(graph, dy, outputWindows(info));
    const product = accumulate(graph, pixelParts(graph, x, windows.length), windows);
    const [c, out] = [info.inChannels, info.outChannels];
    return reshapeTo(
      graph,
      transpose(graph, reshapeTo(graph, product, [c, size, out]), [1, 0, 2]),
      filterShape,
    );
  }
  const windows = windowRows(graph, x, inputWindows(info));
  if (size === 1)
    return reshapeTo(graph, accumulate(graph, windows, pixelParts(graph, dy, windows.length)), filterShape);
  // The wide matrix on the right, and its product transposed, is the faster of both orders.
  const product = accumulate(graph, pixelParts(graph, dy, windows.length), windows);
  return reshapeTo(graph, transpose(graph, product, [1, 0]), filterShape);
}

/** Depthwise windows times filter [kh*kw, c, m], summed over the window. */
export function depthwise(graph: Graph, x: Value, filter: Value, info: Info): Value {
  const windows = gatherWindows(graph, x, inputWindows(info));
  const [rows, width, c] = windows.shape as [number, number, number];
  const m = info.outChannels / c;
  const weighted = binary(
    graph,
    "Mul",
    reshapeTo(graph, windows, [rows, width, c, 1]),
    reshapeTo(graph, filter, [width, c, m]),
  );
  return reshapeTo(graph, reduce(graph, "ReduceSum", weighted, [1]), info.outShape);
}

export function depthwiseBackpropInput(graph: Graph, dy: Value, filter: Value, info: Info): Value {
  const windows = gatherWindows(graph, dy, outputWindows(info));
  const [rows, width] = windows.shape as [number, number, number];
  const [c, m] = filter.shape.slice(2) as [number, number];
  const weighted = binary(
    graph,
    "Mul",
    reshapeTo(graph, windows, [rows, width, c, m]),
    reshapeTo(graph, filter, [width, c, m]),
  );
  return reshapeTo(graph, reduce(graph, "ReduceSum", weighted, [1, 3]), info.inShape);
}

export function depthwiseBackpropFilter(
  graph: Graph,
  x: Value,
  dy: Value,
  info: Info,
  shape: readonly number[],
): Value {
  const windows = gatherWindows(graph, x, inputWindows(info));
  const [rows, width, c] = windows.shape as [number, number, number];
  const weighted = binary(
    graph,
    "Mul",
    reshapeTo(graph, windows, [rows, width, c, 1]),
    reshapeTo(graph, dy, [rows, 1, c, sizeOf(dy.shape) / rows / c]),
  );
  return reshapeTo(graph, reduce(graph, "ReduceSum", weighted, [0]), shape);
}
