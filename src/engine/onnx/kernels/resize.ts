import { type Kernel, reshapeTo } from "../backend.js";
import type { Graph, Value } from "../graph.js";
import { gemm } from "./matmul.js";
import { reduce } from "./reduce.js";
import { adjoint, gatherWindows, type WindowTable } from "./windows.js";

interface ResizeAttributes {
  alignCorners: boolean;
  halfPixelCenters: boolean;
}

function ratioOf(from: number, to: number, { alignCorners }: ResizeAttributes): number {
  return alignCorners && to > 1 ? (from - 1) / (to - 1) : from / to;
}

function nearestSource(from: number, to: number, attrs: ResizeAttributes): number[] {
  const ratio = ratioOf(from, to, attrs);
  return Array.from({ length: to }, (_, i) => {
    const position = attrs.halfPixelCenters ? ratio * (i + 0.5) : ratio * i;
    return Math.min(from - 1, Math.max(0, attrs.alignCorners ? Math.round(position) : Math.floor(position)));
  });
}

function nearestTable(
  n: number,
  from: readonly [number, number],
  to: readonly [number, number],
  attrs: ResizeAttributes,
): WindowTable {
  const rows = nearestSource(from[0], to[0], attrs);
  const columns = nearestSource(from[1], to[1], attrs);
  return {
    key: `nearest:${[n, ...from, ...to, attrs.alignCorners, attrs.halfPixelCenters]}`,
    rows: n * to[0] * to[1],
    width: 1,
    index: () => {
      const images = Array.from({ length: n }, (_, image) =>
        rows.flatMap((row) => columns.map((column) => (image * from[0] + row) * from[1] + column)),
      );
      return Int32Array.from(images.flat());
    },
  };
}

/** The interpolation along one axis as a matrix [to, from]. */
function bilinearMatrix(graph: Graph, from: number, to: number, attrs: ResizeAttributes): Value {
  return graph.cached(`bilinear:${[from, to, attrs.alignCorners, attrs.halfPixelCenters]}`, () => {
    const ratio = ratioOf(from, to, attrs);
    const data = new Float32Array(to * from);
    for (let i = 0; i < to; i++) {
      const position = attrs.halfPixelCenters ? ratio * (i + 0.5) - 0.5 : ratio * i;
      const floor = Math.max(0, Math.floor(position));
      const fraction = position - floor;
      data[i * from + floor]! += 1 - fraction;
      data[i * from + Math.min(from - 1, Math.ceil(position))]! += fraction;
    }
    return { data, shape: [to, from], type: "float32" };
  });
}

/** Applies a matrix [to, from] (or its transpose) along height, then one along width. */
function separable(graph: Graph, x: Value, height: Value, width: Value, transposed: boolean): Value {
  const [n, h, w, c] = x.shape as [number, number, number, number];
  const to = transposed ? 1 : 0;
  const along = (matrix: Value, v: Value, batch: number, from: number, rest: number): Value => {
    const size = matrix.shape[to]!;
    const input = reshapeTo(graph, v, [batch, from, rest]);
    if (batch === 1) return gemm(graph, matrix, reshapeTo(graph, v, [from, rest]), transposed);
    if (!transposed) return graph.op("MatMul", [matrix, input], [batch, size, rest], "float32");
    return graph.op(
      "FusedMatMul",
      [matrix, input],
      [batch, size, rest],
      "float32",
      { transA: 1, transB: 0 },
      "com.microsoft",
    );
  };
  const outHeight = height.shape[to]!;
  const tall = along(height, x, n, h, w * c);
  return reshapeTo(graph, along(width, tall, n * outHeight, w, c), [n, outHeight, width.shape[to]!, c]);
}

export const resizes: Record<string, Kernel> = {
  ResizeNearestNeighbor: ({ graph, inputs: { images }, attrs }) => {
    const [n, h, w, c] = images!.shape as [number, number, number, number];
    const table = nearestTable(n, [h, w], attrs.size, attrs);
    return reshapeTo(graph, gatherWindows(graph, images!, table), [n, ...attrs.size, c]);
  },
  ResizeNearestNeighborGrad: ({ graph, inputs: { images, dy }, attrs }) => {
    const [n, h, w] = images!.shape as [number, number, number, number];
    const table = nearestTable(n, [h, w], [dy!.shape[1]!, dy!.shape[2]!], {
      halfPixelCenters: false,
      ...attrs,
    });
    const windows = gatherWindows(graph, dy!, adjoint(table, n * h * w));
    return reshapeTo(graph, reduce(graph, "ReduceSum", windows, [1]), images!.shape);
  },
  ResizeBilinear: ({ graph, inputs: { images }, attrs }) => {
    const [, h, w] = images!.shape as [number, number, number, number];
    const [outHeight, outWidth] = attrs.size;
    return separable(
      graph,
      images!,
      bilinearMatrix(graph, h, outHeight, attrs),
      bilinearMatrix(graph, w, outWidth, attrs),
      false,
    );
  },
  ResizeBilinearGrad: ({ graph, inputs: { images, dy }, attrs }) => {
    const [, h, w] = images!.shape as [number, number, number, number];
    const full = { halfPixelCenters: false, ...attrs };
    const matrices = [
      bilinearMatrix(graph, h, dy!.shape[1]!, full),
      bilinearMatrix(graph, w, dy!.shape[2]!, full),
    ] as const;
    return separable(graph, dy!, ...matrices, true);
  },
};
