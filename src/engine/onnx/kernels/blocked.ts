import type { backend_util } from "@tensorflow/tfjs-core";
import { reshapeTo } from "../backend.js";
import { blocksOf, fitsBlocks, fromBlocks, toBlocks } from "../blocks.js";
import type { Graph, Value } from "../graph.js";
import { type Attributes, blockedDomain } from "../proto.js";
import { transpose } from "./shape.js";
import { forwardPads, turnedPads, turnTaps } from "./turned.js";
import { inputWindows, outputWindows, type WindowTable } from "./windows.js";

// Convolutions on blocks of channels. ONNX Runtime's optimizer makes them of Convs with constant weights only, but they take weights that are computed.

type Info = backend_util.Conv2DInfo;

/** Arithmetic with channels that only fill blocks, as a multiple of what is needed, up to which it is still worth it. */
const mostFilling = 2;

const filled = (graph: Graph, channels: number): number => Math.ceil(channels / graph.block) * graph.block;

/** Whether a convolution is faster on blocks than gathered. */
function worthwhile(graph: Graph, x: Value, taps: number, inputs: number, outputs: number): boolean {
  const few = inputs < graph.block;
  // Channels are put in blocks four at a time.
  if (!few && inputs % 4 !== 0) return false;
  const filling = (few ? 1 : filled(graph, inputs) / inputs) * (filled(graph, outputs) / outputs);
  if (filling > mostFilling) return false;
  // A 1x1 convolution of pixels in the plain layout is a matrix product.
  return taps > 1 || blocksOf(x) !== undefined;
}

/** An NCHW image with its channels in blocks. */
const inBlocks = (graph: Graph, x: Value): Value =>
  graph.op("ReorderInput", [x], x.shape, "float32", { channels_last: 0 }, blockedDomain);

/** What varies between the forward pass and the gradient for the input. */
interface Pass {
  readonly kernel: readonly [number, number];
  readonly pads: readonly number[];
  readonly strides: readonly [number, number];
  readonly dilations: readonly [number, number];
  readonly outHeight: number;
  readonly outWidth: number;
}

const attributesOf = ({ kernel, pads, strides, dilations }: Pass, group: number): Attributes => ({
  kernel_shape: kernel,
  pads,
  strides,
  dilations,
  group,
});

function forwardPass(info: Info): Pass {
  return {
    kernel: [info.filterHeight, info.filterWidth],
    pads: forwardPads(info),
    strides: [info.strideHeight, info.strideWidth],
    dilations: [info.dilationHeight, info.dilationWidth],
    outHeight: info.outHeight,
    outWidth: info.outWidth,
  };
}

/** The gradient for the input is a convolution with the filter turned by half a turn; undefined for strides, and where borders were cut off. */
function inputPass(info: Info): Pass | undefined {
  const pads = turnedPads(info);
  return pads && { ...forwardPass(info), pads, outHeight: info.inHeight, outWidth: info.inWidth };
}

/** A filter [kh, kw, I, O] with channels added so that they fill blocks; few input channels stay as they are. */
function fill(graph: Graph, filter: Value, inputs: number, outputs: number): Value {
  const [kh, kw, i, o] = filter.shape as [number, number, number, number];
  if (i === inputs && o === outputs) return filter;
  const amounts = graph.integers([0, 0, 0, 0, 0, 0, inputs - i, outputs - o]);
  return graph.op("Pad", [filter, amounts], [kh, kw, inputs, outputs], "float32", { mode: "constant" });
}

/** A filter [kh, kw, I, O] as the kernels take it: [O/b, I/b, kh, kw, b of I, b of O], or [O/b, I, kh, kw, b of O] of few input channels. */
function forwardFilter(graph: Graph, filter: Value): Value {
  const [kh, kw, inputs, outputs] = filter.shape as [number, number, number, number];
  const b = graph.block;
  const blocks =
    inputs < b
      ? transpose(graph, reshapeTo(graph, filter, [kh * kw, inputs, outputs / b, b]), [2, 1, 0, 3])
      : transpose(graph, reshapeTo(graph, filter, [kh * kw, inputs / b, b, outputs / b, b]), [3, 1, 0, 2, 4]);
  return reshapeTo(graph, blocks, [outputs, inputs, kh, kw]);
}

/** The same of the filter turned by half a turn, with the roles of its channels exchanged. */
function turnedFilter(graph: Graph, filter: Value): Value {
  const [kh, kw, outputs, inputs] = filter.shape as [number, number, number, number];
  const b = graph.block;
  const taps = kh * kw;
  const shape = [outputs, inputs, kh, kw];
  let blocks: Value;
  if (inputs < b) {
    blocks = transpose(graph, reshapeTo(graph, filter, [taps, outputs / b, b, inputs]), [1, 3, 0, 2]);
  } else {
    // As an image of `inputs` columns for each tap: putting its channels in blocks is a transpose six times as fast as Transpose.
    const images = reshapeTo(graph, filter, [taps, outputs, 1, inputs]);
    const rows = inBlocks(graph, images);
    blocks = transpose(graph, reshapeTo(graph, rows, [taps, outputs / b, inputs / b, b, b]), [1, 2, 0, 3, 4]);
  }
  return reshapeTo(graph, turnTaps(graph, blocks, 2), shape);
}

/** The image in blocks; with few channels [n, c, h, w], as the kernels want it then. */
function operand(graph: Graph, x: Value): Value {
  const [n, h, w, c] = x.shape as [number, number, number, number];
  if (c < graph.block) return transpose(graph, x, [0, 3, 1, 2]);
  if (c % graph.block === 0) return toBlocks(graph, x);
  const shape = [n, filled(graph, c), h, w];
  return graph.op("ReorderInput", [x], shape, "float32", { channels_last: 1 }, blockedDomain);
}

/** One convolution of x by `filter` [kh, kw, I, O], turned or not. */
function run(graph: Graph, x: Value, filter: Value, pass: Pass, turned: boolean): Value {
  const [kh, kw, ...channels] = filter.shape as [number, number, number, number];
  const [inputs, outputs] = turned ? [channels[1]!, channels[0]!] : (channels as [number, number]);
  const [i, o] = [inputs < graph.block ? inputs : filled(graph, inputs), filled(graph, outputs)];
  const whole = turned ? fill(graph, filter, o, i) : fill(graph, filter, i, o);
  const shape = [x.shape[0]!, o, pass.outHeight, pass.outWidth];
  const blocks = graph.op(
    "Conv",
    [operand(graph, x), turned ? turnedFilter(graph, whole) : forwardFilter(graph, whole)],
    shape,
    "float32",
    attributesOf({ ...pass, kernel: [kh, kw] }, 1),
    blockedDomain,
  );
  return fromBlocks(graph, blocks, outputs);
}

export function convolve(graph: Graph, x: Value, filter: Value, info: Info): Value | undefined {
  const taps = info.filterHeight * info.filterWidth;
  if (!worthwhile(graph, x, taps, info.inChannels, info.outChannels)) return undefined;
  return run(graph, x, filter, forwardPass(info), false);
}

export function backpropInput(graph: Graph, dy: Value, filter: Value, info: Info): Value | undefined {
  const taps = info.filterHeight * info.filterWidth;
  const pass = inputPass(info);
  if (!pass || !worthwhile(graph, dy, taps, info.outChannels, info.inChannels)) return undefined;
  return run(graph, dy, filter, pass, true);
}

/** Depthwise: x [n, h, w, c] by a filter [kh, kw, c, 1]; also the gradient for the input, with the filter turned. */
function runDepthwise(graph: Graph, x: Value, filter: Value, pass: Pass, turned: boolean): Value | undefined {
  const [kh, kw, c, multiplier] = filter.shape as [number, number, number, number];
  const b = graph.block;
  if (multiplier !== 1 || c % b !== 0) return undefined;
  const taps = kh * kw;
  const rows = reshapeTo(graph, filter, [taps, c / b, b]);
  const ordered = turned ? turnTaps(graph, rows, 0) : rows;
  const weights = reshapeTo(graph, transpose(graph, ordered, [1, 0, 2]), [c, 1, kh, kw]);
  const shape = [x.shape[0]!, c, pass.outHeight, pass.outWidth];
  const attributes = attributesOf(pass, c);
  const blocks = graph.op("Conv", [toBlocks(graph, x), weights], shape, "float32", attributes, blockedDomain);
  return fromBlocks(graph, blocks);
}

export const depthwise = (graph: Graph, x: Value, filter: Value, info: Info): Value | undefined =>
  runDepthwise(graph, x, filter, forwardPass(info), false);

export function depthwiseBackpropInput(
  graph: Graph,
  dy: Value,
  filter: Value,
  info: Info,
): Value | undefined {
  const pass = inputPass(info);
  return pass && runDepthwise(graph, dy, filter, pass, true);
}

/** Rows of windows that are multiplied at a time: more leave the processor's cache. */
const cachedRows = 2048;

/** From so many channels and rows on, gathering windows block by block costs less than a matrix product loses by reordering them. */
const [manyChannels, manyRows] = [64, 4096];

/**
 * The gradient of a filter [kh, kw, I, O] as a 1x1 convolution: its channels are the pixels, its filter the windows as they lie in blocks, and its places
 * the channels of the other side. Of a large one, whose sides have whole blocks; undefined for others.
 */
export function backpropFilter(graph: Graph, x: Value, dy: Value, info: Info): Value | undefined {
  const { filterHeight, filterWidth, inChannels, outChannels, strideHeight, strideWidth } = info;
  const taps = filterHeight * filterWidth;
  const stride1 = strideHeight === 1 && strideWidth === 1;
  // The side with fewer channels is spread into windows.
  const turned = stride1 && outChannels <= inChannels;
  const [spread, other] = turned ? [dy, x] : [x, dy];
  const table = turned ? outputWindows(info) : inputWindows(info);
  const rows = table.rows;
  const b = graph.block;
  if (taps === 1 || rows < manyRows || Math.min(inChannels, outChannels) < manyChannels) return undefined;
  if (rows % b !== 0) return undefined;
  if (!fitsBlocks(graph, spread.shape) || !fitsBlocks(graph, other.shape)) return undefined;
  const [n, h, w, c] = spread.shape as [number, number, number, number];
  const o = other.shape[3]!;
  const count = (n * h * w * c) / b;
  const border = graph.splat(0, [1, b], "float32");
  const source = [reshapeTo(graph, toBlocks(graph, spread), [count, b]), border];
  const bricks = graph.op("Concat", source, [count + 1, b], "float32", { axis: 0 });
  let parts = 1;
  while (rows / parts > cachedRows && rows % (2 * parts * b) === 0) parts *= 2;
  const size = rows / parts;
  // As one image of `rows` channels that is put in blocks: the pixels of each channel side by side.
  const pixels = reshapeTo(graph, other, [parts, size, 1, o]);
  const columns = inBlocks(graph, pixels);
  const pieces =
    parts === 1
      ? [columns]
      : graph.ops(
          "Split",
          [columns, graph.integers(Array(parts).fill(1))],
          Array.from({ length: parts }, () => ({ shape: [1, size, 1, o], type: "float32" as const })),
          { axis: 0 },
        );
  const shape = [1, taps * c, 1, o];
  const attributes = { kernel_shape: [1, 1] };
  const zeros = graph.splat(0, [taps * c], "float32");
  let sum: Value | undefined;
  pieces.forEach((piece, part) => {
    const index = graph.cached(`bricks:${table.key}:${c}:${part}/${parts}`, () => ({
      data: brickIndex(table, part * size, size, c / b, h * w, count),
      shape: [taps * (c / b) * size],
      type: "int32",
    }));
    const windows = graph.op("Gather", [bricks, index], [index.shape[0]!, b], "float32", { axis: 0 });
    const filter = reshapeTo(graph, windows, [taps * c, size, 1, 1]);
    const inputs = [piece, filter, ...(sum ? [zeros, sum] : [])];
    sum = graph.op("Conv", inputs, shape, "float32", attributes, blockedDomain);
  });
  // [taps, c/b, o, b] to [taps, c, o] or, of the output's windows, to [taps, o, c].
  const blocks = reshapeTo(graph, sum!, [taps, c / b, o, b]);
  const filter = transpose(graph, blocks, turned ? [0, 2, 1, 3] : [0, 1, 3, 2]);
  return reshapeTo(graph, filter, [filterHeight, filterWidth, inChannels, outChannels]);
}

/** For each tap, each block of channels and each of some windows: the row of the image's blocks that it needs, or the one after the last. */
function brickIndex(
  table: WindowTable,
  from: number,
  size: number,
  blocks: number,
  places: number,
  outside: number,
): Int32Array {
  const rows = table.index();
  const out = new Int32Array(table.width * blocks * size);
  let next = 0;
  for (let tap = 0; tap < table.width; tap++)
    for (let block = 0; block < blocks; block++)
      for (let i = 0; i < size; i++) {
        const pixel = rows[(from + i) * table.width + tap]!;
        const image = Math.floor(pixel / places);
        out[next++] = pixel < 0 ? outside : (image * blocks + block) * places + (pixel % places);
      }
  return out;
}

/** Windows of an image in blocks: their largest numbers, or the means of what they hold. */
export function pool(graph: Graph, op: "MaxPool" | "AveragePool", x: Value, info: Info): Value {
  const attributes = {
    kernel_shape: [info.filterHeight, info.filterWidth],
    pads: forwardPads(info),
    strides: [info.strideHeight, info.strideWidth],
  };
  const shape = [info.batchSize, info.outChannels, info.outHeight, info.outWidth];
  return fromBlocks(graph, graph.op(op, [toBlocks(graph, x)], shape, "float32", attributes, blockedDomain));
}

/** Every pixel of an image in blocks repeated `rows` times down and `columns` times across. */
export function repeat(graph: Graph, x: Value, rows: number, columns: number): Value {
  const [n, h, w, c] = x.shape as [number, number, number, number];
  const attributes = { scales: [1, 1, rows, columns], mode: "nearest" };
  const shape = [n, c, h * rows, w * columns];
  return fromBlocks(
    graph,
    graph.op("Upsample", [toBlocks(graph, x)], shape, "float32", attributes, blockedDomain),
  );
}
