import type { backend_util } from "@tensorflow/tfjs-core";
import { reshapeTo } from "../backend.js";
import { type Graph, sizeOf, type Value } from "../graph.js";
import { transpose } from "./shape.js";
import { forwardPads, turnedPads, turnTaps } from "./turned.js";

// Convolutions and pooling as ONNX has them, on [n, c, h, w], between transposes; enlarging without tables of places.

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
): Value | undefined {
  if (graph.webgpu && group === 1 && inThrees(x.shape[3]!)) return undefined;
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

/**
 * Channels that WebGPU's Conv of ONNX Runtime 1.30 reads by threes; of more than three its numbers are wrong
 * (https://github.com/microsoft/onnxruntime/issues/29651).
 */
const inThrees = (channels: number): boolean => channels > 3 && channels % 3 === 0 && channels % 4 !== 0;

/** A filter [kh, kw, a, b] turned by half a turn. */
function turned(graph: Graph, filter: Value): Value {
  const [kh, kw, a, b] = filter.shape as [number, number, number, number];
  return reshapeTo(graph, turnTaps(graph, reshapeTo(graph, filter, [kh * kw, a, b]), 0), filter.shape);
}

const strides = (info: Info): number[] => [info.strideHeight, info.strideWidth];

export const convolve = (graph: Graph, x: Value, filter: Value, info: Info): Value | undefined =>
  run(graph, x, transpose(graph, filter, [3, 2, 0, 1]), forwardPads(info), strides(info), info, [
    info.outHeight,
    info.outWidth,
  ]);

export function backpropInput(graph: Graph, dy: Value, filter: Value, info: Info): Value | undefined {
  const pads = turnedPads(info);
  const weights = pads && transpose(graph, turned(graph, filter), [2, 3, 0, 1]);
  return weights && run(graph, dy, weights, pads, [1, 1], info, [info.inHeight, info.inWidth]);
}

export function depthwise(graph: Graph, x: Value, filter: Value, info: Info): Value | undefined {
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

/** Windows of an image: their largest numbers, or the means of what they hold. */
export function pool(graph: Graph, op: "MaxPool" | "AveragePool", x: Value, info: Info): Value {
  const attributes = {
    kernel_shape: [info.filterHeight, info.filterWidth],
    pads: forwardPads(info),
    strides: strides(info),
  };
  const shape = [info.batchSize, info.outChannels, info.outHeight, info.outWidth];
  const y = graph.op(op, [transpose(graph, x, [0, 3, 1, 2])], shape, "float32", attributes);
  return transpose(graph, y, [0, 2, 3, 1]);
}

/** Every pixel so many times down and across, by concatenation: of the batch's size nothing is known. */
export function repeat(graph: Graph, x: Value, rows: number, columns: number): Value {
  const [n, h, w, c] = x.shape as [number, number, number, number];
  const times = (x: Value, count: number, parts: number): Value => {
    if (count === 1) return x;
    const rest = sizeOf(x.shape) / parts;
    const row = reshapeTo(graph, x, [parts, 1, rest]);
    return graph.op("Concat", Array(count).fill(row), [parts, count, rest], x.type, { axis: 1 });
  };
  const wide = times(x, columns, n * h * w);
  return reshapeTo(graph, times(wide, rows, n * h), [n, h * rows, w * columns, c]);
}
