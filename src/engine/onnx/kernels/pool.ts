import { backend_util } from "@tensorflow/tfjs-core";
import { type Kernel, reshapeTo } from "../backend.js";
import { blocksOf, perChannel } from "../blocks.js";
import { type Graph, sizeOf, type Value } from "../graph.js";
import * as blocked from "./blocked.js";
import { binary, cast, scalar } from "./elementwise.js";
import { reduce } from "./reduce.js";
import * as standard from "./standard.js";
import { adjoint, gatherWindows, inputWindows, pixels, type WindowTable } from "./windows.js";

const LOWEST = -3.4028234663852886e38;

interface PoolAttributes {
  filterSize: number | [number, number];
  strides: number | [number, number];
  pad: "valid" | "same" | number;
  dimRoundingMode?: "floor" | "round" | "ceil";
}

type Info = backend_util.Conv2DInfo;

function geometry(x: Value, attrs: PoolAttributes): { info: Info; table: WindowTable; inputs: number } {
  const { filterSize, strides, pad, dimRoundingMode } = attrs;
  const info = backend_util.computePool2DInfo(
    x.shape as never,
    filterSize,
    strides,
    1,
    pad as never,
    dimRoundingMode,
  );
  return { info, table: inputWindows(info), inputs: info.batchSize * info.inHeight * info.inWidth };
}

/** Whether the windows are tiles without gaps or borders. */
const tiled = (info: Info): boolean =>
  info.strideHeight === info.filterHeight &&
  info.strideWidth === info.filterWidth &&
  info.outHeight * info.filterHeight === info.inHeight &&
  info.outWidth * info.filterWidth === info.inWidth;

/** 1 / (pixels of the window inside the image), [rows, 1]. */
const inverseCounts = (graph: Graph, table: WindowTable): Value =>
  graph.cached(`counts:${table.key}`, () => {
    const index = table.index();
    const data = Float32Array.from({ length: table.rows }, (_, row) => {
      const window = index.subarray(row * table.width, (row + 1) * table.width);
      return 1 / window.reduce((n, i) => n + Number(i >= 0), 0);
    });
    return { data, shape: [table.rows, 1], type: "float32" };
  });

/** Sums what the rows of the adjoint table point to, back into the input's shape. */
function collect(graph: Graph, rows: Value, table: WindowTable, shape: readonly number[]): Value {
  return reshapeTo(graph, reduce(graph, "ReduceSum", gatherWindows(graph, rows, table), [1]), shape);
}

/** Pairs of neighbours, side by side in the rows of a matrix, as two matrices. */
function halves(graph: Graph, x: Value, rows: number): [Value, Value] {
  const columns = sizeOf(x.shape) / rows / 2;
  const half = { shape: [rows, columns], type: x.type };
  const sizes = graph.integers([columns, columns]);
  const pairs = reshapeTo(graph, x, [rows, 2 * columns]);
  return graph.ops("Split", [pairs, sizes], [half, half], { axis: 1 }) as [Value, Value];
}

/** What comes to the larger of each pair's two, the first of equal ones, side by side again. */
function choose(graph: Graph, [first, second]: [Value, Value], dy: Value): Value {
  const [rows, columns] = first.shape as [number, number];
  const share = reshapeTo(graph, dy, first.shape);
  const wins = cast(graph, binary(graph, "GreaterOrEqual", first, second, "bool"), "float32");
  const toFirst = binary(graph, "Mul", share, wins);
  const both = [toFirst, binary(graph, "Sub", share, toFirst)];
  return graph.op("Concat", both, [rows, 2 * columns], "float32", { axis: 1 });
}

/** Gradient of the largest of 2x2 tiles: of the larger of each two rows of what is the larger of each two columns. */
function maxOfTilesGrad(graph: Graph, input: Value, dy: Value): Value {
  const [n, h, w] = input.shape as [number, number, number];
  const columns = halves(graph, input, (n * h * w) / 2);
  const rows = halves(graph, binary(graph, "Max", ...columns), (n * h) / 2);
  return reshapeTo(graph, choose(graph, columns, choose(graph, rows, dy)), input.shape);
}

function maxPoolGrad(graph: Graph, dy: Value, input: Value, attrs: PoolAttributes): Value {
  const { info, table, inputs } = geometry(input, attrs);
  if (tiled(info) && info.filterHeight === 2 && info.filterWidth === 2)
    return maxOfTilesGrad(graph, input, dy);
  const windows = gatherWindows(graph, input, table, LOWEST);
  const [rows, width, c] = windows.shape as [number, number, number];
  // The first of equal maxima gets the gradient, as in PyTorch and TensorFlow.
  const first = graph.op("ArgMax", [windows], [rows, 1, c], "int64", {
    axis: 1,
    keepdims: 1,
    select_last_index: 0,
  });
  const positions = reshapeTo(graph, graph.integers(Array.from({ length: width }, (_, i) => i)), [width, 1]);
  const hit = graph.op("Equal", [first, positions], windows.shape, "bool");
  const share = reshapeTo(graph, dy, [rows, 1, c]);
  const spread = graph.op("Where", [hit, share, scalar(graph, 0)], windows.shape, "float32");
  return collect(graph, reshapeTo(graph, spread, [rows * width, c]), adjoint(table, inputs), input.shape);
}

function avgPoolGrad(graph: Graph, dy: Value, input: Value, attrs: PoolAttributes): Value {
  const { table, inputs } = geometry(input, attrs);
  const share = binary(graph, "Mul", pixels(graph, dy), inverseCounts(graph, table));
  return collect(graph, share, adjoint(table, inputs, true), input.shape);
}

const isStandard = (graph: Graph, x: Value): boolean =>
  graph.convolution === "standard" && x.type === "float32";

export const pools: Record<string, Kernel> = {
  MaxPool: ({ graph, inputs: { x }, attrs }) => {
    const { info, table } = geometry(x!, attrs);
    if (blocksOf(x!)) return blocked.pool(graph, "MaxPool", x!, info);
    if (isStandard(graph, x!)) return standard.pool(graph, "MaxPool", x!, info);
    const windows = gatherWindows(graph, x!, table, LOWEST);
    return reshapeTo(graph, reduce(graph, "ReduceMax", windows, [1]), info.outShape);
  },
  MaxPoolGrad: ({ graph, inputs: { dy, input }, attrs }) =>
    perChannel(graph, [input!, dy!], ([input, dy]) => maxPoolGrad(graph, dy!, input!, attrs)) ??
    maxPoolGrad(graph, dy!, input!, attrs),
  AvgPool: ({ graph, inputs: { x }, attrs }) => {
    const { info, table } = geometry(x!, attrs);
    if (blocksOf(x!)) return blocked.pool(graph, "AveragePool", x!, info);
    if (isStandard(graph, x!)) return standard.pool(graph, "AveragePool", x!, info);
    const sum = reduce(graph, "ReduceSum", gatherWindows(graph, x!, table), [1]);
    return reshapeTo(graph, binary(graph, "Mul", sum, inverseCounts(graph, table)), info.outShape);
  },
  AvgPoolGrad: ({ graph, inputs: { dy, input }, attrs }) => {
    const { info } = geometry(input!, attrs);
    if (tiled(info) && blocksOf(dy!)) {
      const { filterHeight: rows, filterWidth: columns } = info;
      return blocked.repeat(
        graph,
        binary(graph, "Mul", dy!, scalar(graph, 1 / (rows * columns))),
        rows,
        columns,
      );
    }
    return (
      perChannel(graph, [input!, dy!], ([input, dy]) => avgPoolGrad(graph, dy!, input!, attrs)) ??
      avgPoolGrad(graph, dy!, input!, attrs)
    );
  },
};
