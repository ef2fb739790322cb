import { reshapeTo } from "./backend.js";
import { type Graph, sameShape, sizeOf, type Value } from "./graph.js";
import { type Attributes, blockedDomain } from "./proto.js";

// ONNX Runtime's fastest convolutions on a CPU work on images in blocks of channels: [n, c/b, h, w, b], declared as [n, c, h, w], b being 16 or 8. Here an
// image [n, h, w, c] may have a twin in blocks. Ops on images find it and work on it; the image itself is a ReorderOutput of the twin, which is
// left out of the graph unless something needs the pixels one after the other.

const twins = new WeakMap<Value, Value>();

/** The image's twin in blocks, if it has one. */
export const blocksOf = (image: Value): Value | undefined => twins.get(image);

/** Whether an image of this shape can be kept in blocks: its channels fill them. */
export const fitsBlocks = (graph: Graph, shape: readonly number[]): boolean =>
  graph.block > 0 && shape.length === 4 && shape[3]! % graph.block === 0 && sizeOf(shape) > 0;

/** One block of channels or one pixel: both layouts are the same numbers in the same order, and no twin is needed. */
const same = (graph: Graph, blocks: readonly number[]): boolean =>
  blocks[1] === graph.block || blocks[2]! * blocks[3]! === 1;

/** An image [n, h, w, c] in blocks. */
export function toBlocks(graph: Graph, image: Value): Value {
  const known = twins.get(image);
  if (known) return known;
  const [n, h, w, c] = image.shape as [number, number, number, number];
  const shape = [n, c, h, w];
  if (image.constant?.splat || same(graph, shape)) return reshapeTo(graph, image, shape);
  if (image.type === "float32")
    return graph.op("ReorderInput", [image], shape, "float32", { channels_last: 1 }, blockedDomain);
  const split = reshapeTo(graph, image, [n, h * w, c / graph.block, graph.block]);
  return reshapeTo(graph, swapped(graph, split), shape);
}

/** The image [n, h, w, channels] that blocks [n, c, h, w] hold; channels that only fill the last block are left out. */
export function fromBlocks(graph: Graph, blocks: Value, channels = blocks.shape[1]!): Value {
  const [n, c, h, w] = blocks.shape as [number, number, number, number];
  const shape = [n, h, w, channels];
  const all = channels === c;
  if (blocks.constant?.splat) return graph.splat(blocks.constant.data[0]!, shape, blocks.type);
  if (all && same(graph, blocks.shape)) return reshapeTo(graph, blocks, shape);
  const image =
    blocks.type === "float32"
      ? graph.op("ReorderOutput", [blocks], shape, "float32", { channels, channels_last: 1 }, blockedDomain)
      : reshapeTo(graph, swapped(graph, rowsOf(graph, blocks)), shape);
  if (all) twins.set(image, blocks);
  return image;
}

/** [n, x, y, b] as [n, y, x, b]. */
function swapped(graph: Graph, value: Value): Value {
  const [n, x, y, b] = value.shape as [number, number, number, number];
  return graph.op("Transpose", [value], [n, y, x, b], value.type, { perm: [0, 2, 1, 3] });
}

/** Blocks [n, c, h, w] as rows of one block each, [n, c/b, h*w, b]: what has a number for each channel is broadcast along the third axis. */
export function rowsOf(graph: Graph, blocks: Value): Value {
  const [n, c, h, w] = blocks.shape as [number, number, number, number];
  return reshapeTo(graph, blocks, [n, c / graph.block, h * w, graph.block]);
}

/** How an operand of an elementwise op meets an image [n, h, w, c]; undefined if it varies with the place. */
function kindOf(operand: Value, shape: readonly number[]): "image" | "channel" | "number" | undefined {
  if (sizeOf(operand.shape) === 1) return "number";
  if (sameShape(operand.shape, shape)) return "image";
  const padded = [...Array(4 - operand.shape.length).fill(1), ...operand.shape] as number[];
  if (padded[1] !== 1 || padded[2] !== 1) return undefined;
  return padded[3] === 1 || padded[3] === shape[3] ? "channel" : undefined;
}

/** Not so a number for each sample, of which there may be as many as channels. */
const variesByChannel = (operand: Value, shape: readonly number[]): boolean =>
  kindOf(operand, shape) === "channel" && operand.shape.at(-1) === shape[3];

/**
 * An image in blocks times a number for each channel, or for each channel of each sample, as a depthwise 1x1 convolution: one pass, to which the addition of
 * a second number for each and of another image can be joined. Samples count as channels of one image where each has numbers of its own.
 */
export function timesChannels(graph: Graph, image: Value, factor: Value): Value | undefined {
  const blocks = twins.get(image);
  if (!blocks || factor.constant?.splat || !variesByChannel(factor, image.shape)) return undefined;
  const [n, c, h, w] = blocks.shape as [number, number, number, number];
  const each = sizeOf(factor.shape) === n * c && n > 1;
  if (!each && sizeOf(factor.shape) !== c) return undefined;
  const shape = each ? [1, n * c, h, w] : [n, c, h, w];
  const weights = reshapeTo(graph, factor, [shape[1]!, 1, 1, 1]);
  const x = reshapeTo(graph, blocks, shape);
  const attributes = { kernel_shape: [1, 1], group: shape[1]! };
  const y = graph.op("Conv", [x, weights], shape, "float32", attributes, blockedDomain);
  return fromBlocks(graph, reshapeTo(graph, y, blocks.shape));
}

/** An image in blocks plus a number for each channel: part of the convolution that it comes from, or a convolution that does nothing else. */
export function plusChannels(graph: Graph, image: Value, bias: Value): Value | undefined {
  if (!fitsBlocks(graph, image.shape) || bias.constant?.splat) return undefined;
  if (!variesByChannel(bias, image.shape)) return undefined;
  const blocks = toBlocks(graph, image);
  const [n, c, h, w] = blocks.shape as [number, number, number, number];
  const source = sourceOf(blocks);
  const { node } = source;
  const size = sizeOf(bias.shape);
  const add = (inputs: readonly Value[], shape: readonly number[], attributes: Attributes): Value => {
    const all = [...inputs, reshapeTo(graph, bias, [size])];
    const y = graph.op("Conv", all, shape, "float32", attributes, blockedDomain);
    return fromBlocks(graph, reshapeTo(graph, y, blocks.shape));
  };
  if (
    node?.op === "Conv" &&
    node.domain === blockedDomain &&
    node.inputs.length === 2 &&
    source.shape[1] === size
  )
    return add(node.inputs, source.shape, node.attributes);
  if (!twins.has(image) || (size !== c && size !== n * c)) return undefined;
  const shape = size === c ? blocks.shape : [1, n * c, h, w];
  const ones = graph.splat(1, [size, 1, 1, 1], "float32");
  return add([reshapeTo(graph, blocks, shape), ones], shape, { kernel_shape: [1, 1], group: size });
}

/** A difference of two images in blocks plus one number: the second times -1 as a convolution that adds both; undefined for anything else. */
export function differencePlus(graph: Graph, difference: Value, number: number): Value | undefined {
  const blocks = twins.get(difference);
  const { node } = (blocks && sourceOf(blocks)) ?? {};
  if (!blocks || node?.op !== "Sub") return undefined;
  const [a, b] = node.inputs as [Value, Value];
  if (!sameShape(a.shape, b.shape) || a.shape.length !== 4) return undefined;
  const [, c] = a.shape as [number, number];
  const constants = [graph.splat(-1, [c, 1, 1, 1], "float32"), graph.splat(number, [c], "float32")];
  const attributes = { kernel_shape: [1, 1], group: c };
  const negated = graph.op("Conv", [b, ...constants], b.shape, "float32", attributes, blockedDomain);
  return fromBlocks(graph, reshapeTo(graph, graph.op("Add", [negated, a], a.shape, "float32"), blocks.shape));
}

/** What a value was before it was given another shape. */
export const sourceOf = (value: Value): Value =>
  value.node?.op === "Reshape" ? value.node.inputs[0]! : value;

/**
 * An elementwise op on images of which at least one is in blocks; undefined where none is, or where an operand does not fit. `f` gets the operands so that they
 * broadcast against each other, and gives the result of the shape of the largest.
 */
export function inBlocks(
  graph: Graph,
  operands: readonly Value[],
  shape: readonly number[],
  f: (operands: Value[]) => Value,
): Value | undefined {
  if (!fitsBlocks(graph, shape)) return undefined;
  if (!operands.some((operand) => twins.has(operand) && sameShape(operand.shape, shape))) return undefined;
  const kinds = operands.map((operand) => kindOf(operand, shape));
  if (kinds.includes(undefined)) return undefined;
  const [n, h, w, c] = shape as [number, number, number, number];
  const inRows = kinds.includes("channel");
  const views = operands.map((operand, i) => {
    if (kinds[i] === "number") return reshapeTo(graph, operand, []);
    if (kinds[i] === "image") {
      const blocks = toBlocks(graph, operand);
      return inRows ? rowsOf(graph, blocks) : blocks;
    }
    const padded = [...Array(4 - operand.shape.length).fill(1), ...operand.shape] as number[];
    const [samples, channels] = [padded[0]!, padded[3]!];
    if (channels === 1) return reshapeTo(graph, operand, [samples, 1, 1, 1]);
    return reshapeTo(graph, operand, [samples, c / graph.block, 1, graph.block]);
  });
  return fromBlocks(graph, reshapeTo(graph, f(views), [n, c, h, w]));
}

/**
 * An op that treats every channel alike and apart from the others, such as pooling: to it blocks are images [n c/b, h, w, b] in the plain layout. `f` gets
 * them all so if one of them is in blocks; undefined if none is.
 */
export function perChannel(
  graph: Graph,
  images: readonly Value[],
  f: (images: Value[]) => Value,
): Value | undefined {
  if (!images.some(blocksOf) || !images.every((image) => fitsBlocks(graph, image.shape))) return undefined;
  const [n, , , c] = images[0]!.shape as [number, number, number, number];
  const out = f(
    images.map((image) => {
      const [, h, w] = image.shape as [number, number, number];
      return reshapeTo(graph, toBlocks(graph, image), [(n * c) / graph.block, h, w, graph.block]);
    }),
  );
  return fromBlocks(graph, reshapeTo(graph, out, [n, c, out.shape[1]!, out.shape[2]!]));
}

/** Applies an elementwise function of one value below changes of layout and shape, so that these meet and cancel. */
export function beneath(graph: Graph, x: Value, f: (x: Value) => Value): Value {
  const blocks = twins.get(x);
  if (blocks) return fromBlocks(graph, beneath(graph, blocks, f));
  if (x.node?.op === "Reshape") return reshapeTo(graph, f(x.node.inputs[0]!), x.shape);
  return f(x);
}
