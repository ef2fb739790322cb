import * as tf from "@tensorflow/tfjs-core";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { compile } from "../../src/engine/compile.js";
import { type DeviceName, useDevice } from "../../src/engine/device.js";
import type { Tensor } from "../../src/engine/tensor.js";
import { rejection } from "../rejection.js";
import { close } from "./agree.js";
import { tested } from "./devices.js";

// Integers and truth values: what tfjs's plain JavaScript backend gives, or an error that names the op and the line.

type Op = (x: tf.Tensor) => tf.Tensor;
const image = (x: tf.Tensor): tf.Tensor4D => tf.reshape(x, [1, 2, 4, 1]);
const values = [1, -2, 0, 4, 5, 6, 3, 2];

const ofIntegers: Readonly<Record<string, Op>> = {
  abs: tf.abs,
  "argMax, max": (x) => tf.add(tf.argMax(x, 0), tf.max(x)),
  arithmetic: (x) => tf.sub(tf.mul(x, tf.scalar(3, "int32")), tf.add(x, tf.scalar(1, "int32"))),
  clip: (x) => tf.clipByValue(x, -1, 2),
  comparison: (x) => tf.greater(x, tf.scalar(1, "int32")),
  concat: (x) => tf.concat([x, x]),
  cumsum: (x) => tf.cumsum(x),
  dot: (x) => tf.dot(x, x),
  einsum: (x) => tf.einsum("a,b->b", x, x),
  exp: (x) => tf.exp(tf.minimum(x, tf.scalar(2, "int32"))),
  gather: (x) => tf.gather(x, tf.tensor1d([2, 0], "int32")),
  isNaN: tf.isNaN,
  leakyRelu: (x) => tf.leakyRelu(x),
  logSumExp: (x) => tf.logSumExp(x),
  matMul: (x) => tf.matMul(tf.reshape(x, [2, 4]), tf.reshape(x, [4, 2])),
  maxPool: (x) => tf.maxPool(image(x), 2, 1, "valid"),
  "of floats too": (x) => tf.mul(x, 0.5),
  pad: (x) => tf.pad(x, [[1, 2]]),
  prelu: (x) => tf.prelu(x, tf.scalar(0.5)),
  relu: tf.relu,
  resizeBilinear: (x) => tf.image.resizeBilinear(image(x), [3, 5]),
  resizeNearestNeighbor: (x) => tf.image.resizeNearestNeighbor(image(x), [3, 5]),
  round: tf.round,
  stridedSlice: (x) => tf.stridedSlice(x, [1], [7], [2]),
  sum: (x) => tf.sum(x),
  tile: (x) => tf.tile(x, [2]),
  topk: (x) => tf.topk(x, 3).values,
};

const ofTruths: Readonly<Record<string, Op>> = {
  all: (x) => tf.all(x),
  any: (x) => tf.any(x),
  cast: (x) => tf.cast(x, "float32"),
  concat: (x) => tf.concat([x, x]),
  gather: (x) => tf.gather(x, tf.tensor1d([2, 0], "int32")),
  logicalNot: tf.logicalNot,
  logicalXor: (x) => tf.logicalXor(x, tf.reverse(x)),
  mean: (x) => tf.mean(x),
  reverse: (x) => tf.reverse(x),
  slice: (x) => tf.slice(x, 2, 3),
  sum: (x) => tf.sum(x),
  tile: (x) => tf.tile(x, [2]),
  where: (x) => tf.where(x, x, tf.logicalNot(x)),
};

for (const device of tested("wasm", "onnx"))
  test(`integers and truth values on ${device} as in plain JavaScript`, async () => {
    for (const [dtype, ops] of [
      ["int32", ofIntegers],
      ["bool", ofTruths],
    ] as const)
      for (const [name, op] of Object.entries(ops)) {
        const run = async (where: DeviceName): Promise<Tensor> => {
          await useDevice(where);
          const x = tf.tensor1d(dtype === "bool" ? values.map((v) => Number(v > 1)) : values, dtype);
          return compile((x: Tensor) => op(x as tf.Tensor) as Tensor)(x);
        };
        const want = await run("cpu");
        const [wanted, type] = [want.dataSync().slice(), want.dtype];
        const got = await run(device);
        close(got, tf.tensor(wanted, want.shape, type), 1e-5, `${name} of ${dtype}`);
      }
  });

test("compiled steps refuse types that an op has no numbers for, naming the op, the type and the line", async () => {
  await useDevice("onnx");
  const refused: [string, Op, "int32" | "bool"][] = [
    ["Softplus", tf.softplus, "int32"],
    ["Asinh", tf.asinh, "int32"],
    ["Step", (x) => tf.step(x), "int32"],
    ["Abs", tf.abs, "bool"],
    ["Add", (x) => tf.add(x, x), "bool"],
    ["BatchMatMul", (x) => tf.matMul(tf.reshape(x, [2, 4]), tf.reshape(x, [4, 2])), "bool"],
  ];
  for (const [name, op, dtype] of refused) {
    const error = await rejection(
      compile((x: Tensor) => op(x as tf.Tensor) as Tensor)(
        tf.tensor1d(
          values.map((v) => Number(v > 1)),
          dtype,
        ),
      ),
    );
    assert.is(error.code, "unsupported-op");
    assert.is(error.argument, name);
    assert.match(error.message, new RegExp(`${name} of ${dtype}.*types\\.test\\.ts:\\d+.*tf\\.cast`));
  }
});

test.run();
