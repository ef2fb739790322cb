import { backend_util, slice_util, util } from "@tensorflow/tfjs-core";
import { type Kernel, reshapeTo } from "../backend.js";
import { blocksOf, fitsBlocks, fromBlocks, toBlocks } from "../blocks.js";
import { type Graph, sizeOf, type Value } from "../graph.js";
import { broadcast, cast, scalar } from "./elementwise.js";

export function slice(
  graph: Graph,
  x: Value,
  begin: readonly number[],
  size: readonly number[],
  steps?: readonly number[],
): Value {
  if (!steps && size.every((d, i) => d === x.shape[i])) return x;
  const shape = steps ? size.map((d, i) => Math.ceil(d / Math.abs(steps[i]!))) : [...size];
  if (x.constant?.splat) return graph.splat(x.constant.data[0]!, shape, x.type);
  const below = steps ? undefined : sliceBlocks(graph, x, begin, size);
  if (below) return below;
  const axes = x.shape.map((_, i) => i).filter((i) => size[i] !== x.shape[i] || (steps && steps[i] !== 1));
  const end = begin.map((b, i) => b + size[i]!);
  const pick = (list: readonly number[]): Value => graph.integers(axes.map((i) => list[i]!));
  return graph.op(
    "Slice",
    [x, pick(begin), pick(end), graph.integers(axes), pick(steps ?? begin.map(() => 1))],
    shape,
    x.type,
  );
}

/** Blocks [n, c, h, w] as [n, c/b, h*w*b]: samples and blocks of channels are its axes. */
function blockRows(graph: Graph, blocks: Value): Value {
  const [n, c, h, w] = blocks.shape as [number, number, number, number];
  return reshapeTo(graph, blocks, [n, c / graph.block, h * w * graph.block]);
}

/** A part of an image in blocks, if it is of whole samples and whole blocks. */
function sliceBlocks(
  graph: Graph,
  x: Value,
  begin: readonly number[],
  size: readonly number[],
): Value | undefined {
  const blocks = blocksOf(x);
  const [n, h, w, c] = size as [number, number, number, number];
  const b = graph.block;
  if (!blocks || h !== x.shape[1] || w !== x.shape[2] || begin[3]! % b !== 0 || c % b !== 0) return undefined;
  const part = slice(graph, blockRows(graph, blocks), [begin[0]!, begin[3]! / b, 0], [n, c / b, h * w * b]);
  return fromBlocks(graph, reshapeTo(graph, part, [n, c, h, w]));
}

export function transpose(graph: Graph, x: Value, perm: readonly number[]): Value {
  const shape = perm.map((i) => x.shape[i]!);
  if (x.constant?.splat) return graph.splat(x.constant.data[0]!, shape, x.type);
  if (x.node?.op === "Transpose") {
    const inner = x.node.attributes.perm as number[];
    return transpose(
      graph,
      x.node.inputs[0]!,
      perm.map((i) => inner[i]!),
    );
  }
  // Moving axes of length 1 moves nothing in memory.
  const order = perm.filter((i) => x.shape[i] !== 1);
  if (order.every((axis, i) => i === 0 || axis > order[i - 1]!)) return reshapeTo(graph, x, shape);
  return graph.op("Transpose", [x], shape, x.type, { perm: [...perm] });
}

export function concat(graph: Graph, parts: readonly Value[], axis: number): Value {
  const present = parts.filter((part) => sizeOf(part.shape) > 0);
  if (present.length === 1) return present[0]!;
  const shape = [...parts[0]!.shape];
  shape[axis] = parts.reduce((n, part) => n + part.shape[axis]!, 0);
  if (
    (axis === 0 || axis === 3) &&
    present.some(blocksOf) &&
    present.every((part) => fitsBlocks(graph, part.shape))
  ) {
    const rows = present.map((part) => blockRows(graph, toBlocks(graph, part)));
    const joined = concat(graph, rows, axis === 0 ? 0 : 1);
    const [n, h, w, c] = shape as [number, number, number, number];
    return fromBlocks(graph, reshapeTo(graph, joined, [n, c, h, w]));
  }
  return graph.op("Concat", present, shape, parts[0]!.type, { axis });
}

/** Storage buffers of a shader that every WebGPU adapter has (maxStorageBuffersPerShaderStage): one is what is split. */
const webGpuBuffers = 8;

/** Parts of these sizes along an axis. Where a node may not have that many outputs, first parts of parts. */
function split(graph: Graph, x: Value, sizes: readonly number[], axis: number): Value[] {
  const most = graph.webgpu ? webGpuBuffers - 1 : Number.POSITIVE_INFINITY;
  if (sizes.length === 1) return [x];
  if (sizes.length <= most) {
    const outputs = sizes.map((n) => ({
      shape: x.shape.map((d, i) => (i === axis ? n : d)),
      type: x.type,
    }));
    return graph.ops("Split", [x, graph.integers(sizes)], outputs, { axis });
  }
  const groups = inGroups(sizes, most);
  const sums = groups.map((group) => group.reduce((a, b) => a + b, 0));
  const parts = split(graph, x, sums, axis);
  return groups.flatMap((group, i) => split(graph, parts[i]!, group, axis));
}

/** A list in lists of at most so many. */
const inGroups = <T>(list: readonly T[], most: number): T[][] =>
  range(0, list.length, most).map((i) => list.slice(i, i + most));

const pad =
  (mode: "constant" | "reflect" | "edge"): Kernel =>
  ({ graph, list: [x], attrs }) => {
    const paddings = attrs.paddings as [number, number][];
    const shape = x!.shape.map((d, i) => d + paddings[i]![0] + paddings[i]![1]);
    if (paddings.every(([a, b]) => a === 0 && b === 0)) return x!;
    const number = x!.type === "bool" ? cast(graph, x!, "int32") : x!;
    const amounts = graph.integers([...paddings.map((p) => p[0]), ...paddings.map((p) => p[1])]);
    const fill = mode === "constant" ? [scalar(graph, attrs.constantValue ?? 0, number.type)] : [];
    return cast(graph, graph.op("Pad", [number, amounts, ...fill], shape, number.type, { mode }), x!.type);
  };

const range = (begin: number, end: number, step: number): number[] => {
  const out: number[] = [];
  for (let i = begin; step > 0 ? i < end : i > end; i += step) out.push(i);
  return out;
};

export const shapes: Record<string, Kernel> = {
  Reshape: ({ graph, list: [x], attrs }) =>
    reshapeTo(graph, x!, util.inferFromImplicitShape(attrs.shape, sizeOf(x!.shape))),
  ExpandDims: ({ graph, list: [x], attrs }) => {
    const shape = [...x!.shape];
    shape.splice(attrs.dim < 0 ? x!.shape.length + attrs.dim + 1 : attrs.dim, 0, 1);
    return reshapeTo(graph, x!, shape);
  },
  Transpose: ({ graph, list: [x], attrs }) => transpose(graph, x!, attrs.perm),
  Concat: ({ graph, list, attrs }) =>
    concat(graph, list, util.parseAxisParam(attrs.axis, [...list[0]!.shape])[0]!),
  Slice: ({ graph, list: [x], attrs }) => {
    const [begin, size] = slice_util.parseSliceParams(
      { shape: [...x!.shape] } as never,
      attrs.begin,
      attrs.size,
    );
    return slice(graph, x!, begin!, size!);
  },
  StridedSlice: ({ graph, list: [x], attrs }) => {
    const { begin, end, strides, beginMask, endMask, ellipsisMask, newAxisMask, shrinkAxisMask } = attrs;
    const info = slice_util.sliceInfo(
      [...x!.shape],
      begin,
      end,
      strides,
      beginMask,
      endMask,
      ellipsisMask,
      newAxisMask,
      shrinkAxisMask,
    );
    let out = x!;
    for (let axis = 0; axis < x!.shape.length; axis++) {
      const indices = range(info.begin[axis]!, info.end[axis]!, info.strides[axis]!);
      if (indices.length === x!.shape[axis] && info.strides[axis] === 1) continue;
      const shape = out.shape.map((d, i) => (i === axis ? indices.length : d));
      out = graph.op("Gather", [out, graph.integers(indices)], shape, out.type, { axis });
    }
    return reshapeTo(graph, out, info.finalShape);
  },
  PadV2: pad("constant"),
  MirrorPad: (context) => {
    if (context.attrs.mode === "reflect") return pad("reflect")(context);
    // Symmetric: the border itself is repeated; ONNX knows only reflection without it, so indices say what goes where.
    const {
      graph,
      list: [x],
      attrs,
    } = context;
    return x!.shape.reduce((out, d, axis) => {
      const [before, after] = attrs.paddings[axis];
      if (before + after === 0) return out;
      const indices = range(-before, d + after, 1).map((i) => (i < 0 ? -1 - i : i >= d ? 2 * d - 1 - i : i));
      const shape = out.shape.map((n, i) => (i === axis ? indices.length : n));
      return graph.op("Gather", [out, graph.integers(indices)], shape, out.type, { axis });
    }, x!);
  },
  Reverse: ({ graph, list: [x], attrs }) =>
    util.parseAxisParam(attrs.dims, [...x!.shape]).reduce((out, axis) => {
      const indices = range(out.shape[axis]! - 1, -1, -1);
      return graph.op("Gather", [out, graph.integers(indices)], out.shape, out.type, { axis });
    }, x!),
  Tile: ({ graph, list: [x], attrs }) => {
    const reps = attrs.reps as number[];
    const shape = x!.shape.map((d, i) => d * reps[i]!);
    if (x!.shape.every((d, i) => d === 1 || reps[i] === 1)) return broadcast(graph, x!, shape);
    return graph.op("Tile", [x!, graph.integers(reps)], shape, x!.type);
  },
  Pack: ({ graph, list, attrs }) => {
    const axis = util.parseAxisParam(attrs.axis, [...list[0]!.shape, 1])[0]!;
    const shape = [...list[0]!.shape];
    shape.splice(axis, 0, 1);
    return concat(
      graph,
      list.map((x) => reshapeTo(graph, x, shape)),
      axis,
    );
  },
  Unpack: ({ graph, list: [x], attrs }) => {
    const axis = util.parseAxisParam(attrs.axis, [...x!.shape])[0]!;
    const shape = x!.shape.filter((_, i) => i !== axis);
    return range(0, x!.shape[axis]!, 1).map((i) => {
      const begin = x!.shape.map((_, a) => (a === axis ? i : 0));
      const size = x!.shape.map((d, a) => (a === axis ? 1 : d));
      return reshapeTo(graph, slice(graph, x!, begin, size), shape);
    });
  },
  SplitV: ({ graph, list: [x], attrs }) => {
    const axis = util.parseAxisParam(attrs.axis, [...x!.shape])[0]!;
    const sizes = backend_util.prepareSplitSize({ shape: x!.shape } as never, attrs.numOrSizeSplits, axis);
    if (sizes.length === 1) return [x!];
    if (blocksOf(x!) && (axis === 0 || axis === 3)) {
      const ends = sizes.map((_, i) => sizes.slice(0, i + 1).reduce((a, b) => a + b, 0));
      if (axis === 0 || sizes.every((size) => size % graph.block === 0)) {
        const at = (list: readonly number[], value: number): number[] =>
          list.map((d, i) => (i === axis ? value : d));
        return sizes.map((size, i) =>
          slice(graph, x!, at([0, 0, 0, 0], ends[i]! - size), at(x!.shape, size)),
        );
      }
    }
    return split(graph, x!, sizes, axis);
  },
  Fill: ({ graph, attrs }) => graph.splat(attrs.value, attrs.shape, attrs.dtype ?? "float32"),
  LinSpace: ({ graph, attrs: { start, stop, num } }) => {
    const step = num > 1 ? (stop - start) / (num - 1) : 0;
    const values = Float32Array.from({ length: num }, (_, i) => start + i * step);
    return graph.constant(values, [num], "float32");
  },
  Range: ({ graph, attrs }) => {
    const values = range(attrs.start, attrs.stop, attrs.step ?? 1);
    return attrs.dtype === "int32"
      ? graph.constant(Int32Array.from(values), [values.length], "int32")
      : graph.constant(Float32Array.from(values), [values.length], "float32");
  },
};
