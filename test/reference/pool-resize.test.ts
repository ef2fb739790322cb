import * as tf from "@tensorflow/tfjs-core";
import { test } from "uvu";
import { compile } from "../../src/engine/compile.js";
import { useDevice } from "../../src/engine/device.js";
import type { Tensor } from "../../src/engine/tensor.js";
import { tested } from "../engine/devices.js";
import { close, readReference } from "./fixtures.js";

// Pooling and resizing against PyTorch, which computed these in double precision.

type Op = (x: tf.Tensor4D) => tf.Tensor;
const ops: Readonly<Record<string, Op>> = {
  avgPool_3_1_same: (x) => tf.avgPool(x, 3, 1, "same"),
  maxPool_2_2_valid: (x) => tf.maxPool(x, 2, 2, "valid"),
  maxPool_3_1_valid: (x) => tf.maxPool(x, 3, 1, "valid"),
  resizeBilinear_alignCorners_9_4: (x) => tf.image.resizeBilinear(x, [9, 4], true),
  resizeBilinear_halfPixel_9_4: (x) => tf.image.resizeBilinear(x, [9, 4], false, true),
  resizeNearest_halfPixel_13_5: (x) => tf.image.resizeNearestNeighbor(x, [13, 5], false, true),
};

for (const device of tested("cpu", "wasm", "onnx"))
  for (const [name, op] of Object.entries(ops))
    test(`${name} on ${device}`, async () => {
      await useDevice(device);
      const read = readReference("pool_resize.safetensors");
      const [x, cotangent] = [read("x"), read(`${name}.cot`)];
      const { out, grad } = await compile((x: Tensor, cotangent: Tensor) => ({
        out: op(x as tf.Tensor4D) as Tensor,
        grad: tf.grad((x) => tf.sum(tf.mul(op(x as tf.Tensor4D), cotangent)))(x as tf.Tensor) as Tensor,
      }))(x, cotangent);
      close(out, read(`${name}.out`), 1e-5, "value");
      close(grad, read(`${name}.grad`), 1e-5, "gradient");
    });

test.run();
