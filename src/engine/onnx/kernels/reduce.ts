import { util } from "@tensorflow/tfjs-core";
import { type Kernel, reshapeTo } from "../backend.js";
import { blocksOf, rowsOf, sourceOf } from "../blocks.js";
import { type Graph, sizeOf, type Value } from "../graph.js";
import { blockedDomain } from "../proto.js";
import { binary, cast, op1, scalar, where } from "./elementwise.js";

/** Shape after reducing `axes`, with and without the reduced axes kept as 1. */
function reducedShape(shape: readonly number[], axes: readonly number[], keepDims: boolean): number[] {
  return keepDims
    ? shape.map((d, i) => (axes.includes(i) ? 1 : d))
    : shape.filter((_, i) => !axes.includes(i));
}

export function reduce(graph: Graph, op: string, x: Value, axes: readonly number[], keepDims = false): Value {
  const shape = reducedShape(x.shape, axes, keepDims);
  if (axes.every((axis) => x.shape[axis] === 1)) return reshapeTo(graph, x, shape);
  const below = reduceBlocks(graph, op, x, axes);
  if (below) return reshapeTo(graph, below, shape);
  const columns = op === "ReduceSum" && x.type === "float32" ? sumColumns(graph, x, axes) : undefined;
  if (columns) return reshapeTo(graph, columns, shape);
  return graph.op(op, [x, graph.integers([...axes].sort((a, b) => a - b))], shape, x.type, {
    keepdims: Number(keepDims),
  });
}

/** An image in blocks is reduced over its places first, then over what else there is to reduce. */
function reduceBlocks(graph: Graph, op: string, x: Value, axes: readonly number[]): Value | undefined {
  const blocks = blocksOf(x);
  if (!blocks || !axes.includes(1) || !axes.includes(2)) return undefined;
  const [n, c, h, w] = blocks.shape as [number, number, number, number];
  const rest = axes.filter((axis) => axis === 0 || axis === 3).map((axis) => (axis === 3 ? 1 : 0));
  const over = (op: string, places: Value): Value =>
    reduce(graph, op, reshapeTo(graph, places, [n, c]), rest);
  if ((op === "ReduceSum" || op === "ReduceMean") && x.type === "float32") {
    const sum = sumOfProducts(graph, blocks);
    const known = sum ?? meanOfPlaces(graph, blocks);
    const factor = sum ? (op === "ReduceSum" ? 1 : 1 / (h * w)) : op === "ReduceSum" ? h * w : 1;
    return over(op, binary(graph, "Mul", reshapeTo(graph, known, [n, c]), scalar(graph, factor)));
  }
  const rows = rowsOf(graph, blocks);
  const perChannel = [n, c / graph.block, graph.block];
  return over(op, graph.op(op, [rows, graph.integers([2])], perChannel, x.type, { keepdims: 0 }));
}

/** The value before a change of shape that left height and width alone. */
function asImage(blocks: Value): Value {
  const source = sourceOf(blocks);
  const alike =
    source.shape.length === 4 && source.shape[2] === blocks.shape[2] && source.shape[3] === blocks.shape[3];
  return alike ? source : blocks;
}

/** Means over the places of each channel, [n, c, 1, 1]. */
function meanOfPlaces(graph: Graph, blocks: Value): Value {
  const x = asImage(blocks);
  const [n, c] = x.shape as [number, number];
  return graph.op("GlobalAveragePool", [x], [n, c, 1, 1], "float32", {}, blockedDomain);
}

/**
 * Sums over the places of each channel of a product of two images: a depthwise convolution of one by the other, a filter as large as the image, so that the
 * product is never written. Undefined for anything but a product.
 */
function sumOfProducts(graph: Graph, blocks: Value): Value | undefined {
  const { node } = sourceOf(blocks);
  if (node?.op !== "Mul" || !node.inputs.every((factor) => sizeOf(factor.shape) === sizeOf(blocks.shape)))
    return undefined;
  const [n, c, h, w] = blocks.shape as [number, number, number, number];
  const [x, y] = node.inputs as [Value, Value];
  const image = reshapeTo(graph, x, [1, n * c, h, w]);
  const filter = reshapeTo(graph, y, [n * c, 1, h, w]);
  const attributes = { kernel_shape: [h, w], group: n * c };
  return graph.op("Conv", [image, filter], [1, n * c, 1, 1], "float32", attributes, blockedDomain);
}

/** Up to so many rows ONNX Runtime's reduction is as fast, and one node less. */
const manyRows = 100;

/** Sums over all axes but the last as a product with a row of ones: several times faster than ONNX Runtime's reduction. */
function sumColumns(graph: Graph, x: Value, axes: readonly number[]): Value | undefined {
  const last = x.shape.length - 1;
  const columns = x.shape[last]!;
  const rows = sizeOf(x.shape) / columns;
  const leading = x.shape.every((d, i) => (i === last ? !axes.includes(i) : axes.includes(i) || d === 1));
  if (!leading || rows < manyRows || columns < 2) return undefined;
  const ones = graph.splat(1, [1, rows], "float32");
  return graph.op("MatMul", [ones, reshapeTo(graph, x, [rows, columns])], [1, columns], "float32");
}

const axesOf = (x: Value, axis: number | number[] | undefined | null): number[] =>
  util.parseAxisParam(axis ?? x.shape.map((_, i) => i), [...x.shape]);

const reduction =
  (op: string): Kernel =>
  ({ graph, list: [x], attrs }) =>
    reduce(graph, op, x!, axesOf(x!, attrs.axis ?? attrs.reductionIndices), attrs.keepDims ?? false);

/** The largest or smallest; NaN wherever there is one, which ONNX Runtime's reductions may leave out. */
const extreme =
  (op: "ReduceMax" | "ReduceMin"): Kernel =>
  (context) => {
    const {
      graph,
      list: [x],
    } = context;
    const found = reduction(op)(context) as Value;
    if (x!.type !== "float32" || sizeOf(x!.shape) === sizeOf(found.shape)) return found;
    const bad = cast(graph, op1(graph, "IsNaN", x!, {}, "bool"), "float32");
    const any = reduction("ReduceMax")({ ...context, list: [bad] }) as Value;
    return where(graph, cast(graph, any, "bool"), scalar(graph, Number.NaN), found);
  };

/** Sums; a splat's sum is known. */
const sum: Kernel = ({ graph, list: [x], attrs }) => {
  const axes = axesOf(x!, attrs.axis);
  const numeric = x!.type === "bool" ? cast(graph, x!, "int32") : x!;
  if (numeric.constant?.splat && numeric.type === "float32") {
    const count = axes.reduce((n, axis) => n * x!.shape[axis]!, 1);
    return graph.splat(
      Math.fround(Number(numeric.constant.data[0]) * count),
      reducedShape(x!.shape, axes, attrs.keepDims ?? false),
      "float32",
    );
  }
  return reduce(graph, "ReduceSum", numeric, axes, attrs.keepDims ?? false);
};

const mean: Kernel = ({ graph, list: [x], attrs }) =>
  reduce(graph, "ReduceMean", cast(graph, x!, "float32"), axesOf(x!, attrs.axis), attrs.keepDims ?? false);

const truth =
  (op: string): Kernel =>
  ({ graph, list: [x], attrs }) =>
    cast(
      graph,
      reduce(graph, op, cast(graph, x!, "int32"), axesOf(x!, attrs.axis), attrs.keepDims ?? false),
      "bool",
    );

const argument =
  (op: string): Kernel =>
  ({ graph, list: [x], attrs }) => {
    const [axis] = axesOf(x!, attrs.axis);
    const numeric = x!.type === "bool" ? cast(graph, x!, "int32") : x!;
    return cast(
      graph,
      graph.op(op, [numeric], reducedShape(x!.shape, [axis!], false), "int64", { axis: axis!, keepdims: 0 }),
      "int32",
    );
  };

const scan =
  (combine: "sum" | "product"): Kernel =>
  ({ graph, list: [x], attrs }) => {
    const { axis, exclusive, reverse } = attrs;
    const flags = { exclusive: Number(exclusive), reverse: Number(reverse) };
    const cumulative = (v: Value): Value =>
      graph.op("CumSum", [v, scalar(graph, axis, "int32")], v.shape, v.type, flags);
    if (combine === "sum") return cumulative(x!);
    // A product is the exponential of a sum of logarithms; sign and zeros are counted separately.
    const size = graph.op(
      "Log",
      [graph.op("Abs", [nonZero(graph, x!)], x!.shape, "float32")],
      x!.shape,
      "float32",
    );
    const count = (test: string): Value =>
      cumulative(cast(graph, graph.op(test, [x!, scalar(graph, 0)], x!.shape, "bool"), "float32"));
    const parity = binary(
      graph,
      "Mul",
      graph.op("Mod", [count("Less"), scalar(graph, 2)], x!.shape, "float32", { fmod: 1 }),
      scalar(graph, -2),
    );
    const signed = binary(
      graph,
      "Mul",
      graph.op("Exp", [cumulative(size)], x!.shape, "float32"),
      binary(graph, "Add", parity, scalar(graph, 1)),
    );
    const zeros = graph.op("Greater", [count("Equal"), scalar(graph, 0)], x!.shape, "bool");
    return graph.op("Where", [zeros, scalar(graph, 0), signed], x!.shape, "float32");
  };

const nonZero = (graph: Graph, x: Value): Value => {
  const zero = graph.op("Equal", [x, scalar(graph, 0)], x.shape, "bool");
  return graph.op("Where", [zero, scalar(graph, 1), x], x.shape, "float32");
};

export const reductions: Record<string, Kernel> = {
  Sum: sum,
  Mean: mean,
  Max: extreme("ReduceMax"),
  Min: extreme("ReduceMin"),
  Prod: reduction("ReduceProd"),
  Any: truth("ReduceMax"),
  All: truth("ReduceMin"),
  ArgMax: argument("ArgMax"),
  ArgMin: argument("ArgMin"),
  Cumsum: scan("sum"),
  Cumprod: scan("product"),
  Softmax: ({ graph, list: [x], attrs }) =>
    graph.op("Softmax", [x!], x!.shape, "float32", { axis: attrs.dim }),
};
