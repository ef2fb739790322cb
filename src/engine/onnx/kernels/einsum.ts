import { einsum } from "../../einsum.js";
import { type Kernel, reshapeTo } from "../backend.js";
import type { Value } from "../graph.js";
import { batchMatMul } from "./matmul.js";
import { reduce } from "./reduce.js";
import { transpose } from "./shape.js";

export const contractions: Record<string, Kernel> = {
  Einsum: ({ graph, list, attrs }) =>
    einsum<Value>(
      {
        shape: (x) => x.shape,
        sum: (x, axes) => reduce(graph, "ReduceSum", x, axes),
        transpose: (x, order) => transpose(graph, x, order),
        reshape: (x, shape) => reshapeTo(graph, x, shape),
        matMul: (a, b) => batchMatMul(graph, a, b, false, false),
      },
      attrs.equation,
      list,
    ),
};
