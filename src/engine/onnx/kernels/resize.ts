import { interpolated, nearestSources, type Resizing } from "../../resizing.js";
import { type Kernel, reshapeTo } from "../backend.js";
import { blocksOf, perChannel } from "../blocks.js";
import type { Graph, Value } from "../graph.js";
import { fusedDomain } from "../proto.js";
import * as blocked from "./blocked.js";
import { gemm } from "./matmul.js";
import { reduce } from "./reduce.js";
import * as standard from "./standard.js";
import { adjoint, gatherWindows, type WindowTable } from "./windows.js";

function nearestTable(
  n: number,
  from: readonly [number, number],
  to: readonly [number, number],
  attrs: Resizing,
): WindowTable {
  const rows = nearestSources(from[0], to[0], attrs);
  const columns = nearestSources(from[1], to[1], attrs);
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
function bilinearMatrix(graph: Graph, from: number, to: number, attrs: Resizing): Value {
  return graph.cached(`bilinear:${[from, to, attrs.alignCorners, attrs.halfPixelCenters]}`, () => {
    const data = new Float32Array(to * from);
    interpolated(from, to, attrs).forEach((sources, i) => {
      for (const [place, weight] of sources) data[i * from + place]! += weight;
    });
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
      fusedDomain,
    );
  };
  const outHeight = height.shape[to]!;
  const tall = along(height, x, n, h, w * c);
  return reshapeTo(graph, along(width, tall, n * outHeight, w, c), [n, outHeight, width.shape[to]!, c]);
}

/** How often a pixel is repeated down and across, where enlarging is just that. */
function repeats(
  [h, w]: readonly [number, number],
  [height, width]: readonly [number, number],
  { alignCorners }: Resizing,
): [number, number] | undefined {
  const times: [number, number] = [height / h, width / w];
  return !alignCorners && times.every(Number.isInteger) ? times : undefined;
}

function nearest(graph: Graph, images: Value, size: [number, number], attrs: Resizing): Value {
  const [n, h, w, c] = images.shape as [number, number, number, number];
  return reshapeTo(graph, gatherWindows(graph, images, nearestTable(n, [h, w], size, attrs)), [
    n,
    ...size,
    c,
  ]);
}

function nearestGrad(graph: Graph, images: Value, dy: Value, attrs: Resizing): Value {
  const [n, h, w] = images.shape as [number, number, number];
  const table = nearestTable(n, [h, w], [dy.shape[1]!, dy.shape[2]!], attrs);
  const windows = gatherWindows(graph, dy, adjoint(table, n * h * w));
  return reshapeTo(graph, reduce(graph, "ReduceSum", windows, [1]), images.shape);
}

export const resizes: Record<string, Kernel> = {
  ResizeNearestNeighbor: ({ graph, inputs: { images }, attrs }) => {
    const [h, w] = images!.shape.slice(1, 3) as [number, number];
    const times = repeats([h, w], attrs.size, attrs);
    if (times && blocksOf(images!)) return blocked.repeat(graph, images!, ...times);
    if (times && graph.convolution === "standard") return standard.repeat(graph, images!, ...times);
    return (
      perChannel(graph, [images!], ([images]) => nearest(graph, images!, attrs.size, attrs)) ??
      nearest(graph, images!, attrs.size, attrs)
    );
  },
  ResizeNearestNeighborGrad: ({ graph, inputs: { images, dy }, attrs }) => {
    const full = { halfPixelCenters: false, ...attrs };
    return (
      perChannel(graph, [images!, dy!], ([images, dy]) => nearestGrad(graph, images!, dy!, full)) ??
      nearestGrad(graph, images!, dy!, full)
    );
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
