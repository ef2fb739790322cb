import { backend_util } from "@tensorflow/tfjs-core";
import { TangentLabError } from "../../../errors.js";
import { type Kernel, reshapeTo, userFrame } from "../backend.js";
import { type Graph, sizeOf, type Value } from "../graph.js";
import { fusedDomain } from "../proto.js";
import { binary, clip, op1 } from "./elementwise.js";
import { transpose } from "./shape.js";

/** Product of two matrices [m, k] and [k, n], each possibly stored transposed. */
export function gemm(graph: Graph, a: Value, b: Value, transA = false, transB = false): Value {
  const shape = [a.shape[transA ? 1 : 0]!, b.shape[transB ? 0 : 1]!];
  return graph.op("Gemm", [a, b], shape, "float32", { transA: Number(transA), transB: Number(transB) });
}

/** Products of the matrices in the last two axes, broadcast over the others. */
export function batchMatMul(
  graph: Graph,
  a: Value,
  b: Value,
  transposeA: boolean,
  transposeB: boolean,
): Value {
  const rows = a.shape.at(transposeA ? -1 : -2)!;
  const columns = b.shape.at(transposeB ? -2 : -1)!;
  const inner = [a.shape.at(transposeA ? -2 : -1)!, b.shape.at(transposeB ? -1 : -2)!] as const;
  if (inner[0] !== inner[1]) {
    throw new TangentLabError(
      "invalid-argument",
      `matMul of [${a.shape}] and [${b.shape}]: the inner shapes ${inner.join(" and ")} differ, at ${userFrame()}`,
      { argument: "b", given: [...b.shape], allowed: `${inner[0]} in the place of ${inner[1]}` },
    );
  }
  const batchA = a.shape.slice(0, -2);
  const batchB = b.shape.slice(0, -2);
  const batch = backend_util.assertAndGetBroadcastShape([...batchA], [...batchB]);
  const shape = [...batch, rows, columns];
  if (a.type !== "float32") {
    // Of integers ONNX Runtime has only the plain product.
    const straight = (v: Value, transposed: boolean): Value => {
      const axes = v.shape.map((_, i) => i);
      return transposed ? transpose(graph, v, [...axes.slice(0, -2), axes.at(-1)!, axes.at(-2)!]) : v;
    };
    return graph.op("MatMul", [straight(a, transposeA), straight(b, transposeB)], shape, a.type);
  }
  const flat = (v: Value): Value => reshapeTo(graph, v, v.shape.slice(-2));
  if (sizeOf(batch) === 1)
    return reshapeTo(graph, gemm(graph, flat(a), flat(b), transposeA, transposeB), shape);
  if (sizeOf(batchB) === 1 && !transposeA) {
    // One matrix for the whole batch: one product of all rows.
    const all = reshapeTo(graph, a, [sizeOf(batch) * rows, a.shape.at(-1)!]);
    return reshapeTo(graph, gemm(graph, all, flat(b), false, transposeB), shape);
  }
  if (!transposeA && !transposeB) return graph.op("MatMul", [a, b], shape, "float32");
  const attributes = { transA: Number(transposeA), transB: Number(transposeB) };
  return graph.op("FusedMatMul", [a, b], shape, "float32", attributes, fusedDomain);
}

const activations: Record<string, (graph: Graph, x: Value, weights?: Value, alpha?: number) => Value> = {
  linear: (_, x) => x,
  relu: (graph, x) => op1(graph, "Relu", x),
  relu6: (graph, x) => clip(graph, x, 0, 6),
  elu: (graph, x) => op1(graph, "Elu", x, { alpha: { float: 1 } }),
  sigmoid: (graph, x) => op1(graph, "Sigmoid", x),
  leakyrelu: (graph, x, _, alpha = 0.2) => op1(graph, "LeakyRelu", x, { alpha: { float: alpha } }),
  prelu: (graph, x, weights) => graph.op("PRelu", [x, weights!], x.shape, "float32"),
};

/** What a fused kernel does after its product: adds the bias, and applies the activation. */
export function activated(
  graph: Graph,
  product: Value,
  bias: Value | undefined,
  weights: Value | undefined,
  attrs: Parameters<Kernel>[0]["attrs"],
): Value {
  const sum = bias ? binary(graph, "Add", product, bias) : product;
  return activations[attrs.activation ?? "linear"]!(graph, sum, weights, attrs.leakyreluAlpha);
}

export const products: Record<string, Kernel> = {
  BatchMatMul: ({ graph, inputs: { a, b }, attrs }) =>
    batchMatMul(graph, a!, b!, attrs.transposeA, attrs.transposeB),
  _FusedMatMul: ({ graph, inputs: { a, b, bias, preluActivationWeights }, attrs }) => {
    const product = batchMatMul(graph, a!, b!, attrs.transposeA, attrs.transposeB);
    return activated(graph, product, bias, preluActivationWeights, attrs);
  },
};
