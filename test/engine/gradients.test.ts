import * as tf from "@tensorflow/tfjs-core";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { compile } from "../../src/engine/compile.js";
import { type DeviceName, useDevice } from "../../src/engine/device.js";
import type { Tensor } from "../../src/engine/tensor.js";
import { rejection } from "../rejection.js";
import { type Program, randomTensor } from "./agree.js";
import { type Case, cases } from "./cases.js";
import { tested } from "./devices.js";
import { inFloat64 } from "./float64.js";

// The table of ops on every engine: values against double precision, gradients against double precision's finite differences.

const devices = tested("cpu", "wasm", "onnx");
/** Random directions in which every input is moved. */
const directions = 2;

const seeds = { cotangent: 1000, direction: 2000 };
const floats = (tensors: readonly tf.Tensor[]): tf.Tensor[] =>
  tensors.filter(({ dtype }) => dtype === "float32");
const asList = (program: Program, inputs: tf.Tensor[]): tf.Tensor[] => [program(...inputs)].flat();

/** Sum of the program's float results times random numbers. */
const weighed = (program: Program, inputs: tf.Tensor[]): tf.Scalar =>
  floats(asList(program, inputs))
    .map((y, i) => tf.sum(tf.mul(y, randomTensor(seeds.cotangent + i, y.shape))))
    .reduce((a, b) => tf.add(a, b), tf.scalar(0)) as tf.Scalar;

/** What the program should give: results, and for each float input the derivatives along random directions. */
interface Expected {
  results: { shape: number[]; dtype: string; values: number[] }[];
  slopes: number[][];
}

function expected(program: Program, inputs: readonly Input[], order: number): Expected {
  const run = (moved: readonly Float64Array[]): tf.Tensor[] =>
    inputs.map(({ shape, dtype, values }, i) =>
      tf.tensor((moved[i] ?? values) as unknown as Float32Array, shape, dtype),
    );
  return inFloat64(() => {
    const exact = inputs.map(({ values }) => Float64Array.from(values));
    const results = asList(program, run([])).map((y) => ({
      shape: y.shape,
      dtype: y.dtype as string,
      values: Array.from(y.dataSync()),
    }));
    const slopes = inputs.flatMap(({ dtype }, i) => {
      if (dtype !== "float32" || order === 0) return [];
      return [
        Array.from({ length: directions }, (_, k) => {
          const step = 1e-6;
          const at = (sign: number): number => {
            const moved = exact.slice();
            moved[i] = exact[i]!.map((x, j) => x + sign * step * direction(i, k, exact[i]!.length)[j]!);
            return tf.tidy(() => weighed(program, run(moved)).dataSync()[0]!);
          };
          return (at(1) - at(-1)) / (2 * step);
        }),
      ];
    });
    return { results, slopes };
  });
}

interface Input {
  shape: number[];
  dtype: "float32" | "int32";
  values: number[];
}

const drawn = new Map<string, number[]>();
/** The k-th direction of the i-th input. */
function direction(i: number, k: number, size: number): number[] {
  const key = `${i} ${k} ${size}`;
  if (!drawn.has(key))
    drawn.set(key, Array.from(randomTensor(seeds.direction + 10 * i + k, [size]).dataSync()));
  return drawn.get(key)!;
}

async function holds(
  device: DeviceName,
  { program, expect = {} }: Case,
  inputs: readonly Input[],
  want: Expected,
) {
  const { order = 2, tolerance = 2e-5, kinks } = expect;
  await useDevice(device);
  const tensors = inputs.map(({ shape, dtype, values }) => tf.tensor(values, shape, dtype));
  const results = await compile((...xs: Tensor[]) => asList(program, xs as tf.Tensor[]) as Tensor[])(
    ...tensors,
  );
  assert.is(results.length, want.results.length);
  results.forEach((y, i) => {
    const { shape, dtype, values } = want.results[i]!;
    assert.equal(y.shape, shape, `${device}: shape of result ${i}`);
    assert.is(y.dtype, dtype, `${device}: type of result ${i}`);
    near(Array.from(y.dataSync()), values, tolerance, `${device}: result ${i}`);
  });
  if (order === 0 || kinks) return;
  const positions = inputs.flatMap(({ dtype }, i) => (dtype === "float32" ? [i] : []));
  const gradients = await compile((...xs: Tensor[]) =>
    tf.grads((...moving: tf.Tensor[]) =>
      weighed(
        program,
        (xs as tf.Tensor[]).map((x, i) => moving[positions.indexOf(i)] ?? x),
      ),
    )(positions.map((i) => xs[i] as tf.Tensor)),
  )(...tensors);
  gradients.forEach((gradient, n) => {
    const i = positions[n]!;
    assert.equal(gradient.shape, inputs[i]!.shape, `${device}: shape of gradient ${n}`);
    const values = Array.from(gradient.dataSync());
    for (let k = 0; k < directions; k++) {
      const along = direction(i, k, values.length);
      const got = values.reduce((sum, v, j) => sum + v * along[j]!, 0);
      const size = values.reduce((sum, v, j) => sum + Math.abs(v * along[j]!), 1e-2);
      const slope = want.slopes[n]![k]!;
      assert.ok(
        Math.abs(got - slope) <= 10 * tolerance * size,
        `${device}: along direction ${k} of input ${i} the gradient is ${got}, differences ${slope}`,
      );
    }
  });
  tf.dispose([tensors, results, gradients] as tf.TensorContainer);
}

function near(got: readonly number[], want: readonly number[], tolerance: number, what: string): void {
  const scale = want.reduce((m, v) => (Number.isFinite(v) ? Math.max(m, Math.abs(v)) : m), 1e-3);
  want.forEach((value, i) => {
    const fits =
      Object.is(got[i], value) || got[i] === value || Math.abs(got[i]! - value) <= tolerance * scale;
    assert.ok(fits, `${what}: element ${i} is ${got[i]}, not ${value}`);
  });
}

for (const one of cases) {
  const { name, program, shapes, inputs: make, expect = {}, refused } = one;
  const tensors = make?.() ?? shapes!.map((shape, i) => randomTensor(10 + i, shape));
  const inputs = tensors.map(
    (x): Input => ({ shape: x.shape, dtype: x.dtype as Input["dtype"], values: Array.from(x.dataSync()) }),
  );
  tf.dispose(tensors);
  for (const device of devices.filter((name) => name !== "onnx" || !refused))
    test(`${name} on ${device}`, async () => {
      await holds(device, one, inputs, expected(program, inputs, expect.order ?? 2));
    });
  if (refused)
    test(`${name} compiled: an error that names the op`, async () => {
      await useDevice("onnx");
      const tensors = inputs.map(({ shape, dtype, values }) => tf.tensor(values, shape, dtype));
      const error = await rejection(
        compile((...xs: Tensor[]) => program(...(xs as tf.Tensor[])) as Tensor)(...tensors),
      );
      assert.is(error.code, "unsupported-op");
      assert.is(error.argument, refused);
    });
}

for (const device of devices)
  test(`of equal largest the first gets the gradient, on ${device}`, async () => {
    await useDevice(device);
    const slope = async (f: (x: tf.Tensor) => tf.Tensor, x: tf.Tensor): Promise<number[]> =>
      Array.from(
        (await compile((x: Tensor) => tf.grad((x) => tf.sum(f(x)))(x as tf.Tensor) as Tensor)(x)).dataSync(),
      );
    const row = tf.tensor1d([1, 2, 2, 1]);
    assert.equal(await slope((x) => tf.max(x), row), [0, 1, 0, 0]);
    assert.equal(await slope((x) => tf.min(x), row), [1, 0, 0, 0]);
    assert.equal(await slope((x) => tf.max(tf.reshape(x, [2, 2]), 1, true), row), [0, 1, 1, 0]);
    assert.equal(await slope((x) => tf.max(tf.reshape(x, [2, 2]), 0), row), [0, 1, 1, 0]);
    assert.equal(await slope((x) => tf.maximum(x, tf.tensor1d([2, 2, 2, 0])), row), [0, 1, 1, 1]);
    assert.equal(await slope((x) => tf.minimum(tf.add(x, 0), tf.scalar(1)), row), [1, 0, 0, 1]);
    const tie = tf.fill([1, 3, 3, 1], -1);
    const pool = (size: number, stride: number) => (x: tf.Tensor) =>
      tf.maxPool(x as tf.Tensor4D, size, stride, "valid");
    assert.equal(await slope(pool(3, 1), tie), [1, 0, 0, 0, 0, 0, 0, 0, 0]);
    assert.equal(await slope(pool(2, 1), tie), [1, 1, 0, 1, 1, 0, 0, 0, 0]);
    assert.equal(await slope(pool(2, 2), tf.fill([1, 2, 2, 1], 0)), [1, 0, 0, 0]);
    const cube = tf.fill([1, 2, 2, 2, 1], -2);
    if (device !== "onnx")
      assert.equal(
        await slope((x) => tf.maxPool3d(x as tf.Tensor5D, 2, 2, "valid"), cube),
        [1, 0, 0, 0, 0, 0, 0, 0],
      );
  });

test.run();
