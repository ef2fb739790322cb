import { backend_util } from "@tensorflow/tfjs-core";
import { TangentLabError } from "../../../errors.js";
import { type Kernel, reshapeTo } from "../backend.js";
import { type Graph, sizeOf, type Value } from "../graph.js";
import { binary } from "./elementwise.js";
import { activations, gemm } from "./matmul.js";
import { reduce } from "./reduce.js";
import { concat, transpose } from "./shape.js";
import { chunks, gatherWindows, inputWindows, outputWindows, pixels, type WindowTable } from "./windows.js";

type Shape4 = [number, number, number, number];

interface ConvAttributes {
  strides: number | [number, number];
  pad: "valid" | "same" | number;
  dataFormat?: "NHWC" | "NCHW";
  dilations?: number | [number, number];
  dimRoundingMode?: "floor" | "round" | "ceil";
}

function geometry(
  x: readonly number[],
  filter: readonly number[],
  attrs: ConvAttributes,
  depthwise = false,
): backend_util.Conv2DInfo {
  if (attrs.dataFormat === "NCHW") {
    throw new TangentLabError("unsupported-op", "convolutions of compiled steps are NHWC", {
      argument: "dataFormat",
      given: attrs.dataFormat,
      allowed: "NHWC",
    });
  }
  const dilations = attrs.dilations ?? 1;
  return backend_util.computeConv2DInfo(
    x as Shape4,
    filter as Shape4,
    attrs.strides,
    dilations,
    attrs.pad as never,
    attrs.dimRoundingMode,
    depthwise,
  );
}

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
function convolve(graph: Graph, x: Value, filter: Value, info: backend_util.Conv2DInfo): Value {
  const depth = info.filterHeight * info.filterWidth * info.inChannels;
  const matrix = reshapeTo(graph, filter, [depth, info.outChannels]);
  return reshapeTo(graph, multiplyWindows(graph, x, inputWindows(info), matrix), info.outShape);
}

/** dx = windows of dy, seen from the input's pixels, times the filter with its channels exchanged. */
function backpropInput(graph: Graph, dy: Value, filter: Value, info: backend_util.Conv2DInfo): Value {
  const [kh, kw, c, out] = filter.shape as Shape4;
  // [c, kh*kw*out], transposed by the product itself: this order moves whole rows of the filter, the other one single numbers.
  const rows = transpose(graph, reshapeTo(graph, filter, [kh * kw, c, out]), [1, 0, 2]);
  const matrix = reshapeTo(graph, rows, [c, kh * kw * out]);
  return reshapeTo(graph, multiplyWindows(graph, dy, outputWindows(info), matrix, true), info.inShape);
}

function backpropFilter(graph: Graph, x: Value, dy: Value, info: backend_util.Conv2DInfo): Value {
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
  return reshapeTo(graph, accumulate(graph, windows, pixelParts(graph, dy, windows.length)), filterShape);
}

/** Depthwise windows times filter [kh*kw, c, m], summed over the window. */
function depthwise(graph: Graph, x: Value, filter: Value, info: backend_util.Conv2DInfo): Value {
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

export const convolutions: Record<string, Kernel> = {
  Conv2D: ({ graph, inputs: { x, filter }, attrs }) =>
    convolve(graph, x!, filter!, geometry(x!.shape, filter!.shape, attrs)),
  FusedConv2D: ({ graph, inputs: { x, filter, bias, preluActivationWeights }, attrs }) => {
    const y = convolve(graph, x!, filter!, geometry(x!.shape, filter!.shape, attrs));
    const sum = bias ? binary(graph, "Add", y, bias) : y;
    return activations[attrs.activation ?? "linear"]!(
      graph,
      sum,
      preluActivationWeights,
      attrs.leakyreluAlpha,
    );
  },
  Conv2DBackpropInput: ({ graph, inputs: { dy, filter }, attrs }) =>
    backpropInput(graph, dy!, filter!, geometry(attrs.inputShape, filter!.shape, attrs)),
  Conv2DBackpropFilter: ({ graph, inputs: { x, dy }, attrs }) =>
    backpropFilter(graph, x!, dy!, geometry(x!.shape, attrs.filterShape, attrs)),
  DepthwiseConv2dNative: ({ graph, inputs: { x, filter }, attrs }) =>
    depthwise(graph, x!, filter!, geometry(x!.shape, filter!.shape, attrs, true)),
  DepthwiseConv2dNativeBackpropInput: ({ graph, inputs: { dy, filter }, attrs }) => {
    const info = geometry(attrs.inputShape, filter!.shape, attrs, true);
    const windows = gatherWindows(graph, dy!, outputWindows(info));
    const [rows, width] = windows.shape as [number, number, number];
    const [c, m] = filter!.shape.slice(2) as [number, number];
    const weighted = binary(
      graph,
      "Mul",
      reshapeTo(graph, windows, [rows, width, c, m]),
      reshapeTo(graph, filter!, [width, c, m]),
    );
    return reshapeTo(graph, reduce(graph, "ReduceSum", weighted, [1, 3]), info.inShape);
  },
  DepthwiseConv2dNativeBackpropFilter: ({ graph, inputs: { x, dy }, attrs }) => {
    const info = geometry(x!.shape, attrs.filterShape, attrs, true);
    const windows = gatherWindows(graph, x!, inputWindows(info));
    const [rows, width, c] = windows.shape as [number, number, number];
    const weighted = binary(
      graph,
      "Mul",
      reshapeTo(graph, windows, [rows, width, c, 1]),
      reshapeTo(graph, dy!, [rows, 1, c, sizeOf(dy!.shape) / rows / c]),
    );
    return reshapeTo(graph, reduce(graph, "ReduceSum", weighted, [0]), attrs.filterShape);
  },
};
