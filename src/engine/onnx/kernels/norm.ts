import type { Kernel } from "../backend.js";
import { binary, scalar } from "./elementwise.js";

export const normalizations: Record<string, Kernel> = {
  /** (x - mean) scale / sqrt(variance + epsilon) + offset, statistics per channel. */
  FusedBatchNorm: ({ graph, inputs: { x, mean, variance, offset, scale }, attrs }) => {
    const spread = binary(graph, "Add", variance!, scalar(graph, attrs.varianceEpsilon));
    const root = graph.op("Sqrt", [spread], spread.shape, "float32");
    const inverse = graph.op("Reciprocal", [root], spread.shape, "float32");
    const factor = scale ? binary(graph, "Mul", inverse, scale) : inverse;
    const shifted = binary(graph, "Mul", binary(graph, "Sub", x!, mean!), factor);
    return offset ? binary(graph, "Add", shifted, offset) : shifted;
  },
};
