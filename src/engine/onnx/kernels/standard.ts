import type { backend_util } from "@tensorflow/tfjs-core";
import { reshapeTo } from "../backend.js";
import type { Graph, Value } from "../graph.js";
import { transpose } from "./shape.js";

// Convolutions as ONNX's Conv on [n, c, h, w], between transposes.

type Info = backend_util.Conv2DInfo;

function run(
  graph: Graph,
  x: Value,
  weights: Value,
  pads: readonly number[],
  strides: readonly number[],
  info: Info,
  size: readonly [number, number],
  group = 1,
): Value {
  const shape = [x.shape[0]!, weights.shape[0]!, ...size];
  const attributes = {
    kernel_shape: [info.filterHeight, info.filterWidth],
    dilations: [info.dilationHeight, info.dilationWidth],
    pads,
    strides,
    group,
  };
  const y = graph.op("Conv", [transpose(graph, x, [0, 3, 1, 2]), weights], shape, "float32", attributes);
  return transpose(graph, y, [0, 2, 3, 1]);
}

const forwardPads = ({ padInfo: { top, left, bottom, right } }: Info): number[] => [top, left, bottom, right];

/** Borders with which a convolution by the turned filter is the gradient for the input; undefined for strides, and where borders were cut off. */
function turnedPads(info: Info): number[] | undefined {
  if (info.strideHeight !== 1 || info.strideWidth !== 1) return undefined;
  const pads = [
    (info.filterHeight - 1) * info.dilationHeight - info.padInfo.top,
    (info.filterWidth - 1) * info.dilationWidth - info.padInfo.left,
    info.inHeight - info.outHeight + info.padInfo.top,
    info.inWidth - info.outWidth + info.padInfo.left,
  ];
  return pads.every((pad) => pad >= 0) ? pads : undefined;
}

/** A filter [kh, kw, a, b] turned by half a turn. */
function turned(graph: Graph, filter: Value): Value {
  const [kh, kw, a, b] = filter.shape as [number, number, number, number];
  const taps = kh * kw;
  if (taps === 1) return filter;
  const backwards = graph.integers(Array.from({ length: taps }, (_, i) => taps - 1 - i));
  const rows = reshapeTo(graph, filter, [taps, a, b]);
  return reshapeTo(
    graph,
    graph.op("Gather", [rows, backwards], rows.shape, "float32", { axis: 0 }),
    filter.shape,
  );
}

const strides = (info: Info): number[] => [info.strideHeight, info.strideWidth];

export const convolve = (graph: Graph, x: Value, filter: Value, info: Info): Value =>
  run(graph, x, transpose(graph, filter, [3, 2, 0, 1]), forwardPads(info), strides(info), info, [
    info.outHeight,
    info.outWidth,
  ]);

export function backpropInput(graph: Graph, dy: Value, filter: Value, info: Info): Value | undefined {
  const pads = turnedPads(info);
  const weights = pads && transpose(graph, turned(graph, filter), [2, 3, 0, 1]);
  return weights && run(graph, dy, weights, pads, [1, 1], info, [info.inHeight, info.inWidth]);
}

export function depthwise(graph: Graph, x: Value, filter: Value, info: Info): Value {
  const [kh, kw, c, multiplier] = filter.shape as [number, number, number, number];
  const weights = transpose(graph, reshapeTo(graph, filter, [kh, kw, c * multiplier, 1]), [2, 3, 0, 1]);
  return run(graph, x, weights, forwardPads(info), strides(info), info, [info.outHeight, info.outWidth], c);
}

export function depthwiseBackpropInput(
  graph: Graph,
  dy: Value,
  filter: Value,
  info: Info,
): Value | undefined {
  const [, , c, multiplier] = filter.shape as [number, number, number, number];
  const pads = turnedPads(info);
  if (!pads || multiplier !== 1) return undefined;
  const weights = transpose(graph, turned(graph, filter), [2, 3, 0, 1]);
  return run(graph, dy, weights, pads, [1, 1], info, [info.inHeight, info.inWidth], c);
}
