import * as tf from "@tensorflow/tfjs-core";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { compile } from "../../src/engine/compile.js";
import {
  type DeviceName,
  describeDevice,
  deviceVariable,
  threadsVariable,
  useDevice,
} from "../../src/engine/device.js";
import type { Tensor } from "../../src/engine/tensor.js";
import { TangentLabError } from "../../src/errors.js";
import { functional as F } from "../../src/nn/index.js";
import { close, randomTensor } from "./agree.js";
import { tested } from "./devices.js";

/** A little of everything that trains: convolutions of both strides, norms, pooling, resizing, attention, embedding; gradients by name. */
function gradients(weights: { [name: string]: Tensor }, x: Tensor): { [name: string]: Tensor } {
  const names = Object.keys(weights);
  const loss = (...values: tf.Tensor[]): tf.Scalar => {
    const w = Object.fromEntries(names.map((name, i) => [name, values[i]!])) as { [name: string]: tf.Tensor };
    const scale = { weight: w.gain!, bias: w.bias! };
    let h: Tensor = F.conv2d(x, { weight: w.first!, bias: w.bias! });
    h = F.silu(F.groupNorm(h, scale, 2));
    h = F.conv2d(h, { weight: w.strided!, bias: w.bias! }, 2);
    h = F.upsample2x(F.downsample2x(h));
    h = tf.add(h, tf.image.resizeBilinear(tf.maxPool(x as tf.Tensor4D, 2, 2, "same"), [4, 4]));
    const tokens = tf.reshape(h, [2, 16, 4]);
    const rows = tf.gather(w.table!, tf.tensor1d([0, 2, 2, 1], "int32"));
    const mixed = F.attention(tokens, tokens, tokens);
    return tf.mean(tf.square(tf.add(tf.tanh(tf.mul(mixed, 0.05)), tf.mean(rows, 0)))) as tf.Scalar;
  };
  const all = tf.grads(loss)(names.map((name) => weights[name]! as tf.Tensor));
  return Object.fromEntries(names.map((name, i) => [name, all[i]!]));
}

const weights = {
  first: randomTensor(1, [3, 3, 4, 4]),
  strided: randomTensor(2, [3, 3, 4, 4]),
  gain: randomTensor(3, [4]),
  bias: randomTensor(4, [4]),
  table: randomTensor(5, [3, 4]),
};
const x = randomTensor(6, [2, 8, 8, 4]);

async function on(device: DeviceName): Promise<{ [name: string]: number[] }> {
  await useDevice(device);
  const results = await compile(gradients)(weights, x);
  return Object.fromEntries(Object.entries(results).map(([name, t]) => [name, Array.from(t.dataSync())]));
}

for (const device of tested("wasm", "cpu")) {
  test(`the same gradients on ${device} as compiled`, async () => {
    const compiled = await on("onnx");
    const got = await on(device);
    for (const [name, values] of Object.entries(compiled)) {
      close(tf.tensor1d(got[name]!), tf.tensor1d(values), 1e-4, `${device}: ${name}`);
    }
  });
}

test("eager devices give donated states up and turn the event loop, too", async () => {
  await useDevice("cpu");
  const step = compile((state: Tensor, x: Tensor) => ({ state: tf.add(state, x) }), { donate: true });
  const start = tf.ones([2]);
  let turned = false;
  setImmediate(() => {
    turned = true;
  });
  const { state } = await step(start, tf.ones([2]));
  assert.ok(turned);
  assert.ok(start.isDisposed);
  assert.equal(Array.from(state.dataSync()), [2, 2]);
});

async function failure(promise: Promise<unknown>): Promise<TangentLabError> {
  const error = await promise.catch((error: unknown) => error);
  assert.instance(error, TangentLabError);
  return error as TangentLabError;
}

test("an unknown device: what was asked for and which there are", async () => {
  const error = await failure(useDevice("gpu" as DeviceName));
  assert.is(error.code, "invalid-argument");
  assert.is(error.argument, "engine");
  assert.match(error.message, /"gpu".*onnx, tensorflow, wasm, cpu/);
});

test("the environment variable chooses, and is named where it is wrong", async () => {
  const before = process.env[deviceVariable];
  try {
    process.env[deviceVariable] = "cpu";
    assert.is(await useDevice("auto"), "cpu");
    assert.match(await describeDevice(), /^cpu /);
    process.env[deviceVariable] = "abacus";
    const error = await failure(useDevice("auto"));
    assert.is(error.argument, deviceVariable);
    assert.match(error.message, /abacus/);
    assert.is(await useDevice("onnx"), "onnx", "a device asked for by name goes first");
  } finally {
    if (before === undefined) delete process.env[deviceVariable];
    else process.env[deviceVariable] = before;
  }
});

test("the number of threads is said and checked", async () => {
  const before = process.env[threadsVariable];
  try {
    process.env[threadsVariable] = "1";
    await useDevice("onnx");
    assert.match(await describeDevice(), /at most 1 thread\)$/);
    process.env[threadsVariable] = "all";
    const error = await failure(useDevice("onnx"));
    assert.is(error.argument, threadsVariable);
    assert.match(error.message, /"all".*integer >= 1/);
  } finally {
    if (before === undefined) delete process.env[threadsVariable];
    else process.env[threadsVariable] = before;
    await useDevice("onnx");
  }
});

test.run();
