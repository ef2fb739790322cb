import { backend_util } from "@tensorflow/tfjs-core";
import { type Kernel, reshapeTo } from "../backend.js";
import type { Graph, Value } from "../graph.js";
import { binary, scalar } from "./elementwise.js";
import { reduce } from "./reduce.js";
import { adjoint, gatherWindows, inputWindows, pixels, type WindowTable } from "./windows.js";

const LOWEST = -3.4028234663852886e38;

interface PoolAttributes {
  filterSize: number | [number, number];
  strides: number | [number, number];
  pad: "valid" | "same" | number;
  dimRoundingMode?: "floor" | "round" | "ceil";
}

function geometry(
  x: Value,
  attrs: PoolAttributes,
): { table: WindowTable; outShape: number[]; inputs: number } {
  const { filterSize, strides, pad, dimRoundingMode } = attrs;
  const info = backend_util.computePool2DInfo(
    x.shape as never,
    filterSize,
    strides,
    1,
    pad as never,
    dimRoundingMode,
  );
  return {
    table: inputWindows(info),
    outShape: info.outShape,
    inputs: info.batchSize * info.inHeight * info.inWidth,
  };
}

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

export const pools: Record<string, Kernel> = {
  MaxPool: ({ graph, inputs: { x }, attrs }) => {
    const { table, outShape } = geometry(x!, attrs);
    return reshapeTo(
      graph,
      reduce(graph, "ReduceMax", gatherWindows(graph, x!, table, LOWEST), [1]),
      outShape,
    );
  },
  MaxPoolGrad: ({ graph, inputs: { dy, input }, attrs }) => {
    const { table, inputs } = geometry(input!, attrs);
    const windows = gatherWindows(graph, input!, table, LOWEST);
    const [rows, width, c] = windows.shape as [number, number, number];
    // The first of equal maxima gets the gradient, as in PyTorch and TensorFlow.
    const first = graph.op("ArgMax", [windows], [rows, 1, c], "int64", {
      axis: 1,
      keepdims: 1,
      select_last_index: 0,
    });
    const positions = reshapeTo(graph, graph.integers(Array.from({ length: width }, (_, i) => i)), [
      width,
      1,
    ]);
    const hit = graph.op("Equal", [first, positions], windows.shape, "bool");
    const spread = graph.op(
      "Where",
      [hit, reshapeTo(graph, dy!, [rows, 1, c]), scalar(graph, 0)],
      windows.shape,
      "float32",
    );
    return collect(graph, reshapeTo(graph, spread, [rows * width, c]), adjoint(table, inputs), input!.shape);
  },
  AvgPool: ({ graph, inputs: { x }, attrs }) => {
    const { table, outShape } = geometry(x!, attrs);
    const sum = reduce(graph, "ReduceSum", gatherWindows(graph, x!, table), [1]);
    return reshapeTo(graph, binary(graph, "Mul", sum, inverseCounts(graph, table)), outShape);
  },
  AvgPoolGrad: ({ graph, inputs: { dy, input }, attrs }) => {
    const { table, inputs } = geometry(input!, attrs);
    const share = binary(graph, "Mul", pixels(graph, dy!), inverseCounts(graph, table));
    return collect(graph, share, adjoint(table, inputs, true), input!.shape);
  },
};
