import { backend_util } from "@tensorflow/tfjs-core";
import { TangentLabError } from "../../../errors.js";
import { type Kernel, reshapeTo } from "../backend.js";
import { type Graph, sizeOf, type Value } from "../graph.js";
import { binary } from "./elementwise.js";
import { activations, gemm } from "./matmul.js";
import { reduce } from "./reduce.js";
import { transpose } from "./shape.js";
import { type Geometry, gatherWindows, inputWindows, outputWindows, pixels } from "./windows.js";

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

/** y = windows of x times the filter as a matrix [kh*kw*c, out]. */
function convolve(graph: Graph, x: Value, filter: Value, info: backend_util.Conv2DInfo): Value {
  const windows = gatherWindows(graph, x, inputWindows(info));
  const depth = windows.shape[1]! * info.inChannels;
  const product = gemm(
    graph,
    reshapeTo(graph, windows, [windows.shape[0]!, depth]),
    reshapeTo(graph, filter, [depth, info.outChannels]),
  );
  return reshapeTo(graph, product, info.outShape);
}

/** Windows of dy seen from the input's pixels: [n*h*w, kh*kw*out]. */
function gradientWindows(graph: Graph, dy: Value, info: Geometry): Value {
  const windows = gatherWindows(graph, dy, outputWindows(info));
  return reshapeTo(graph, windows, [windows.shape[0]!, windows.shape[1]! * windows.shape[2]!]);
}

function backpropInput(graph: Graph, dy: Value, filter: Value, info: backend_util.Conv2DInfo): Value {
  const [kh, kw, c, out] = filter.shape as Shape4;
  const flipped = transpose(graph, reshapeTo(graph, filter, [kh * kw, c, out]), [0, 2, 1]);
  const product = gemm(
    graph,
    gradientWindows(graph, dy, info),
    reshapeTo(graph, flipped, [kh * kw * out, c]),
  );
  return reshapeTo(graph, product, info.inShape);
}

function backpropFilter(graph: Graph, x: Value, dy: Value, info: backend_util.Conv2DInfo): Value {
  const size = info.filterHeight * info.filterWidth;
  const filterShape = [info.filterHeight, info.filterWidth, info.inChannels, info.outChannels];
  const table = inputWindows(info);
  const stride1 = info.strideHeight === 1 && info.strideWidth === 1;
  // At stride 1 either side may be spread into windows: the one with fewer channels is smaller, and that of dy serves the input's gradient too.
  if (stride1 && size > 1 && info.outChannels <= info.inChannels) {
    const product = gemm(graph, pixels(graph, x), gradientWindows(graph, dy, info), true, false);
    const [c, out] = [info.inChannels, info.outChannels];
    return reshapeTo(
      graph,
      transpose(graph, reshapeTo(graph, product, [c, size, out]), [1, 0, 2]),
      filterShape,
    );
  }
  const windows = gatherWindows(graph, x, table);
  const matrix = reshapeTo(graph, windows, [windows.shape[0]!, size * info.inChannels]);
  return reshapeTo(graph, gemm(graph, matrix, pixels(graph, dy), true, false), filterShape);
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
