import { backend_util, slice_util } from "@tensorflow/tfjs-core";
import { type Kernel, reshapeTo } from "../backend.js";
import { type Graph, sizeOf, type Value } from "../graph.js";
import { shapes, slice, transpose } from "./shape.js";

/** An image [n, h, w, blocks x blocks x c] with its channels laid out in squares of `block` pixels a side. */
function depthToSpace(graph: Graph, x: Value, block: number): Value {
  const [n, h, w, c] = x.shape as [number, number, number, number];
  const out = c / block ** 2;
  const apart = transpose(graph, reshapeTo(graph, x, [n, h, w, block, block, out]), [0, 1, 3, 2, 4, 5]);
  return reshapeTo(graph, apart, [n, h * block, w * block, out]);
}

/** What moves numbers to other places, all of them or in blocks. */
export const rearrangements: Record<string, Kernel> = {
  DepthToSpace: ({ graph, list: [x], attrs }) => depthToSpace(graph, x!, attrs.blockSize),
  SpaceToBatchND: ({ graph, list: [x], attrs }) => {
    const { blockShape, paddings } = attrs as { blockShape: number[]; paddings: [number, number][] };
    const rest = x!.shape.slice(1 + blockShape.length).map((): [number, number] => [0, 0]);
    const padding = { paddings: [[0, 0], ...paddings, ...rest], constantValue: 0 };
    const padded = shapes.PadV2!({ graph, inputs: { x: x! }, list: [x!], attrs: padding }) as Value;
    const shape = [...padded.shape];
    const count = sizeOf(blockShape);
    const apart = reshapeTo(graph, padded, backend_util.getReshaped(shape, blockShape, count, false));
    const order = backend_util.getPermuted(apart.shape.length, blockShape.length, false);
    return reshapeTo(
      graph,
      transpose(graph, apart, order),
      backend_util.getReshapedPermuted(shape, blockShape, count, false),
    );
  },
  BatchToSpaceND: ({ graph, list: [x], attrs }) => {
    const { blockShape, crops } = attrs as { blockShape: number[]; crops: [number, number][] };
    const shape = [...x!.shape];
    const count = sizeOf(blockShape);
    const apart = reshapeTo(graph, x!, backend_util.getReshaped(shape, blockShape, count));
    const order = backend_util.getPermuted(apart.shape.length, blockShape.length);
    const whole = backend_util.getReshapedPermuted(shape, blockShape, count);
    const joined = reshapeTo(graph, transpose(graph, apart, order), whole);
    const [begin, size] = slice_util.parseSliceParams(
      { shape: whole } as never,
      backend_util.getSliceBeginCoords(crops, blockShape.length),
      backend_util.getSliceSize(whole, crops, blockShape.length),
    );
    return slice(graph, joined, begin!, size!);
  },
  FlipLeftRight: ({ graph, inputs: { image } }) =>
    shapes.Reverse!({ graph, inputs: { x: image! }, list: [image!], attrs: { dims: [2] } }),
};
