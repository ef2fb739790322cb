import type { backend_util } from "@tensorflow/tfjs-core";
import type { Graph, Value } from "../graph.js";

type Info = backend_util.Conv2DInfo;

/** Borders [top, left, bottom, right] of a convolution. */
export const forwardPads = ({ padInfo: { top, left, bottom, right } }: Info): number[] => [
  top,
  left,
  bottom,
  right,
];

/** Borders with which a convolution by the turned filter is the gradient for the input; undefined for strides, and where borders were cut off. */
export function turnedPads(info: Info): number[] | undefined {
  if (info.strideHeight !== 1 || info.strideWidth !== 1) return undefined;
  const pads = [
    (info.filterHeight - 1) * info.dilationHeight - info.padInfo.top,
    (info.filterWidth - 1) * info.dilationWidth - info.padInfo.left,
    info.inHeight - info.outHeight + info.padInfo.top,
    info.inWidth - info.outWidth + info.padInfo.left,
  ];
  return pads.every((pad) => pad >= 0) ? pads : undefined;
}

/** A filter turned by half a turn: its taps, which lie along `axis`, in reverse order. */
export function turnTaps(graph: Graph, filter: Value, axis: number): Value {
  const taps = filter.shape[axis]!;
  if (taps === 1) return filter;
  const backwards = graph.integers(Array.from({ length: taps }, (_, i) => taps - 1 - i));
  return graph.op("Gather", [filter, backwards], filter.shape, "float32", { axis });
}
