import * as tf from "@tensorflow/tfjs-core";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { compile } from "../../src/engine/compile.js";
import { useDevice } from "../../src/engine/device.js";
import type { Tensor } from "../../src/engine/tensor.js";
import { tested } from "./devices.js";

// NaN stays NaN on every engine, and infinities what they are: what looks at a step's results must see what was computed.

type Op = (x: tf.Tensor) => tf.Tensor;
const row = (x: tf.Tensor): tf.Tensor4D => tf.reshape(x, [1, 2, 2, 1]);

/** What is NaN where its input is. */
const each: Readonly<Record<string, Op>> = {
  abs: tf.abs,
  "add 0": (x) => tf.add(x, 0),
  atan: tf.atan,
  atan2: (x) => tf.atan2(x, tf.onesLike(x)),
  ceil: tf.ceil,
  clip: (x) => tf.clipByValue(x, -0.5, 0.5),
  cos: tf.cos,
  "div by itself": (x) => tf.div(x, x),
  elu: tf.elu,
  erf: tf.erf,
  exp: tf.exp,
  expm1: tf.expm1,
  floor: tf.floor,
  leakyRelu: tf.leakyRelu,
  log: tf.log,
  log1p: tf.log1p,
  maximum: (x) => tf.maximum(x, 0),
  "maximum, the other way round": (x) => tf.maximum(0, x),
  minimum: (x) => tf.minimum(x, 0),
  "minimum, the other way round": (x) => tf.minimum(0, x),
  mod: (x) => tf.mod(x, 2),
  "mul by 0": (x) => tf.mul(x, 0),
  "mul by 0, the other way round": (x) => tf.mul(0, x),
  "mul by zeros": (x) => tf.mul(x, tf.zerosLike(x)),
  "mul by zeros from outside": (x) => tf.mul(x, tf.zeros([4])),
  neg: tf.neg,
  pow: (x) => tf.pow(x, 2),
  prelu: (x) => tf.prelu(x, tf.scalar(0.1)),
  reciprocal: tf.reciprocal,
  relu: tf.relu,
  relu6: tf.relu6,
  round: tf.round,
  rsqrt: tf.rsqrt,
  selu: tf.selu,
  sigmoid: tf.sigmoid,
  sin: tf.sin,
  sinh: tf.sinh,
  softplus: tf.softplus,
  sqrt: tf.sqrt,
  square: tf.square,
  squaredDifference: (x) => tf.squaredDifference(x, 1),
  sub: (x) => tf.sub(x, 1),
  tan: tf.tan,
  tanh: tf.tanh,
};

/** What one NaN makes NaN. */
const all: Readonly<Record<string, Op>> = {
  avgPool: (x) => tf.avgPool(row(x), 2, 1, "valid"),
  "a product with zeros": (x) => tf.matMul(tf.reshape(x, [1, 4]), tf.zeros([4, 1])),
  "a convolution with zeros": (x) => tf.conv2d(row(x), tf.zeros([2, 2, 1, 1]), 1, "valid"),
  logSumExp: (x) => tf.logSumExp(x),
  logSoftmax: (x) => tf.logSoftmax(x),
  max: (x) => tf.max(x),
  "max of rows": (x) => tf.max(tf.reshape(x, [1, 4]), 1, true),
  "max of columns": (x) => tf.max(tf.reshape(x, [4, 1]), 0),
  mean: (x) => tf.mean(x),
  min: (x) => tf.min(x),
  "min of rows": (x) => tf.min(tf.reshape(x, [1, 4]), -1),
  norm: (x) => tf.norm(x),
  prod: (x) => tf.prod(x),
  softmax: (x) => tf.softmax(x),
  sum: (x) => tf.sum(x),
};

const compiled = async (op: Op, values: number[]): Promise<number[]> => {
  const y = await compile((x: Tensor) => op(x as tf.Tensor) as Tensor)(tf.tensor1d(values));
  return Array.from(y.dataSync());
};

for (const device of tested("cpu", "wasm", "onnx")) {
  test(`NaN among numbers, on ${device}`, async () => {
    await useDevice(device);
    for (const [name, op] of Object.entries(each)) {
      const got = await compiled(op, [0.25, Number.NaN, 2, Number.NaN]);
      assert.equal(got.map(Number.isNaN), [false, true, false, true], `${name}: ${got}`);
    }
  });

  test(`one NaN in a reduction, wherever it is, on ${device}`, async () => {
    await useDevice(device);
    for (const [name, op] of Object.entries(all))
      for (let place = 0; place < 4; place++) {
        const got = await compiled(
          op,
          [1, 4, 2, 3].map((x, i) => (i === place ? Number.NaN : x)),
        );
        assert.ok(got.every(Number.isNaN), `${name} of NaN at ${place}: ${got}`);
      }
  });

  test(`the largest of each row, where some have NaN, on ${device}`, async () => {
    await useDevice(device);
    const values = [1, Number.NaN, 2, 3, 5, 4, Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY];
    const rows =
      (op: typeof tf.max): Op =>
      (x) =>
        op(tf.reshape(x, [2, 4]), 1);
    assert.equal(await compiled(rows(tf.max), values), [Number.NaN, Number.POSITIVE_INFINITY]);
    assert.equal(await compiled(rows(tf.min), values), [Number.NaN, Number.NEGATIVE_INFINITY]);
  });

  test(`max pooling, which may lose a NaN, keeps it from windows without one, on ${device}`, async () => {
    await useDevice(device);
    const values = Array.from({ length: 36 }, (_, i) => (i === 14 ? Number.NaN : ((i * 7) % 36) - 20));
    const image = (x: tf.Tensor): tf.Tensor4D => tf.reshape(x, [1, 6, 6, 1]);
    for (const [size, stride] of [
      [2, 2],
      [3, 1],
    ] as const) {
      const got = await compiled((x) => tf.maxPool(image(x), size, stride, "valid"), values);
      const side = (6 - size) / stride + 1;
      let clean = 0;
      for (const [i, value] of got.entries()) {
        const [row, column] = [Math.floor(i / side) * stride, (i % side) * stride];
        const window = Array.from(
          { length: size * size },
          (_, k) => values[(row + Math.floor(k / size)) * 6 + column + (k % size)]!,
        );
        if (window.some(Number.isNaN)) continue;
        clean++;
        assert.is(value, Math.max(...window), `${size}/${stride} at ${i}`);
      }
      assert.ok(clean > 0 && clean < got.length);
    }
  });

  test(`infinities, on ${device}`, async () => {
    await useDevice(device);
    const infinite = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
    const known: [string, Op, number[]][] = [
      ["mul by 0", (x) => tf.mul(x, 0), [Number.NaN, Number.NaN]],
      ["log1p", (x) => tf.log1p(tf.abs(x)), [Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY]],
      ["tanh", tf.tanh, [1, -1]],
      ["sigmoid", tf.sigmoid, [1, 0]],
      ["softplus", tf.softplus, [Number.POSITIVE_INFINITY, 0]],
      ["relu", tf.relu, [Number.POSITIVE_INFINITY, 0]],
      ["clip", (x) => tf.clipByValue(x, -1, 2), [2, -1]],
    ];
    for (const [name, op, want] of known) {
      const got = await compiled(op, infinite);
      want.forEach((value, i) => {
        assert.ok(Object.is(got[i], value) || got[i] === value, `${name}: ${got}`);
      });
    }
  });
}

test.run();
