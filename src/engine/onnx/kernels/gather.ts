import { backend_util, util } from "@tensorflow/tfjs-core";
import { type Kernel, reshapeTo } from "../backend.js";
import { type Graph, sizeOf, type Value } from "../graph.js";
import { cast, scalar } from "./elementwise.js";

/** Adds `updates` [n, ...] into zeros at the rows named by `indices` [n, depth]. */
function scatterAdd(graph: Graph, indices: Value, updates: Value, shape: readonly number[]): Value {
  const zeros = graph.splat(0, shape, updates.type);
  return graph.op("ScatterND", [zeros, cast(graph, indices, "int64"), updates], shape, updates.type, {
    reduction: "add",
  });
}

export const gathers: Record<string, Kernel> = {
  GatherV2: ({ graph, inputs: { x, indices }, attrs }) => {
    const axis = util.parseAxisParam(attrs.axis, [...x!.shape])[0]!;
    const info = backend_util.segment_util.collectGatherOpShapeInfo(
      { shape: [...x!.shape] } as never,
      { shape: [...indices!.shape] } as never,
      axis,
      attrs.batchDims ?? 0,
    );
    if ((attrs.batchDims ?? 0) === 0) {
      const shape = [...x!.shape.slice(0, axis), ...indices!.shape, ...x!.shape.slice(axis + 1)];
      return reshapeTo(
        graph,
        graph.op("Gather", [x!, cast(graph, indices!, "int32")], shape, x!.type, { axis }),
        info.outputShape,
      );
    }
    // Batched: rows of all batches in one matrix, indices moved by the start of their batch.
    const { batchSize, outerSize, dimSize, sliceSize } = info;
    const perBatch = sizeOf(indices!.shape) / batchSize;
    const rows = reshapeTo(graph, x!, [batchSize * outerSize * dimSize, sliceSize]);
    const starts = Int32Array.from({ length: batchSize * outerSize }, (_, i) => i * dimSize);
    const offset = graph.constant(starts, [batchSize, outerSize, 1], "int32");
    const local = reshapeTo(graph, cast(graph, indices!, "int32"), [batchSize, 1, perBatch]);
    const flat = graph.op("Add", [local, offset], [batchSize, outerSize, perBatch], "int32");
    const picked = graph.op("Gather", [rows, flat], [batchSize, outerSize, perBatch, sliceSize], x!.type, {
      axis: 0,
    });
    return reshapeTo(graph, picked, info.outputShape);
  },
  GatherNd: ({ graph, inputs: { params, indices } }) => {
    const depth = indices!.shape.at(-1)!;
    const shape = [...indices!.shape.slice(0, -1), ...params!.shape.slice(depth)];
    return graph.op("GatherND", [params!, cast(graph, indices!, "int64")], shape, params!.type);
  },
  TopK: ({ graph, list: [x], attrs }) => {
    const shape = [...x!.shape.slice(0, -1), attrs.k as number];
    const [values, places] = graph.ops(
      "TopK",
      [x!, graph.integers([attrs.k])],
      [
        { shape, type: x!.type },
        { shape, type: "int64" },
      ],
      { axis: -1, largest: 1, sorted: 1 },
    );
    return [values!, cast(graph, places!, "int32")];
  },
  ScatterNd: ({ graph, inputs: { indices, updates }, attrs }) =>
    scatterAdd(graph, indices!, updates!, attrs.shape),
  UnsortedSegmentSum: ({ graph, inputs: { x, segmentIds }, attrs }) => {
    const ids = reshapeTo(graph, segmentIds!, [...segmentIds!.shape, 1]);
    return scatterAdd(graph, ids, x!, [attrs.numSegments, ...x!.shape.slice(segmentIds!.shape.length)]);
  },
  OneHot: ({ graph, inputs: { indices }, attrs }) => {
    const shape = [...indices!.shape, attrs.depth];
    const type = attrs.dtype ?? "int32";
    const classes = graph.constant(
      Int32Array.from({ length: attrs.depth }, (_, i) => i),
      [attrs.depth],
      "int32",
    );
    const column = reshapeTo(graph, cast(graph, indices!, "int32"), [...indices!.shape, 1]);
    const hit = graph.op("Equal", [column, classes], shape, "bool");
    return graph.op(
      "Where",
      [hit, scalar(graph, attrs.onValue, type), scalar(graph, attrs.offValue, type)],
      shape,
      type,
    );
  },
};
