import { encodeModel } from "../../src/engine/onnx/proto.js";
import { onnxFeatures } from "../../src/metrics/onnx-features.js";
import type { Reader } from "../reader.js";

/** Means over each channel of images of one size. */
const means = (): Uint8Array =>
  encodeModel({
    inputs: [{ name: "images", type: "float32", shape: [-1, 3, 4, 4] }],
    outputs: [{ name: "features", type: "float32", shape: [-1, -1] }],
    initializers: [
      { name: "axes", type: "int64", shape: [2], data: new Uint8Array(BigInt64Array.of(2n, 3n).buffer) },
    ],
    nodes: [
      { op: "ReduceMean", inputs: ["images", "axes"], outputs: ["features"], attributes: { keepdims: 0 } },
    ],
  });

export const onnx: Reader[] = [
  {
    name: "onnx",
    share: 4,
    files: async () => [means()],
    tokens: ["ReduceMean", "ReduceMax", "Flatten", "Identity", "features", "images"],
    read: async (bytes) => {
      const features = await onnxFeatures({ model: bytes });
      await features(new Float32Array(2 * 48), [4, 4, 3]);
    },
  },
];
