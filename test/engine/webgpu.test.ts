// Compiled graphs on WebGPU, where there is an adapter: a GPU, or the renderer in software that Chromium brings. A part of it here; `npm run webgpu` checks all ops and all
// reference cases, which takes some minutes in software.
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import * as tf from "@tensorflow/tfjs-core";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { circle } from "../../datasets/toys.js";
import { denoising } from "../../src/diffusion/denoising.js";
import { denoiser } from "../../src/diffusion/edm.js";
import { compile } from "../../src/engine/compile.js";
import { type DeviceName, describeDevice, useDevice } from "../../src/engine/device.js";
import * as random from "../../src/engine/random.js";
import type { Tensor } from "../../src/engine/tensor.js";
import * as tree from "../../src/engine/tree.js";
import { mlp } from "../../src/nn/mlp.js";
import { type CaseResult, verify, verifyFile } from "../../src/verify/verify.js";
import { agree, close, randomTensor } from "./agree.js";
import { cases } from "./cases.js";

const all = process.argv.includes("--all");
/** Read before ONNX Runtime is loaded. */
const software = "/usr/lib/chromium/vk_swiftshader_icd.json";
if (!existsSync("/dev/dri") && existsSync(software)) process.env.VK_ICD_FILENAMES ??= software;

/** Ops of each kind of kernel. */
const few = new Set(["softmax of images", "conv2d and bias", "stack, unstack", "cumsum of the last"]);

/** Where shaders do not keep what the processor does. */
const different: { readonly [name: string]: string } = {
  "not finite: isNaN, isInf, isFinite, relu, max, min, where": "exp of NaN may be anything",
};

const fixture = (name: string): string => fileURLToPath(new URL(`../fixtures/${name}`, import.meta.url));

/** Fails unless a reference case passes. */
function passes(result: CaseResult): void {
  if (result.status === "unknown") return;
  const off = result.status === "failed" ? result.quantities.filter(({ passed }) => !passed) : [];
  const said = result.status === "error" ? result.message : JSON.stringify(off);
  assert.is(result.status, "passed", `${result.path}: ${said}`);
}

/** Parameters after some steps of training a denoiser of points on a circle; the state is given up from step to step. */
async function trained(device: DeviceName, steps: number): Promise<Float32Array> {
  await useDevice(device);
  const method = denoising({ denoiser: denoiser(mlp({ dim: 2, width: 8, depth: 1 })), shape: [2] });
  const step = compile(method.step, { donate: true });
  let state = method.init(random.key(0));
  for (let i = 0; i < steps; i++) {
    const key = random.foldIn(random.key(1), i);
    const batch = method.batch(key, circle().sample(key, 16).x, i);
    const next = await step(state, batch);
    tree.dispose([batch, next.metrics]);
    state = next.state;
  }
  const parameters = state.parameters.dataSync().slice() as Float32Array;
  tree.dispose(state);
  return parameters;
}

/** Functions of which shaders leave few digits near 0. */
const nearZero: { [name: string]: (x: Tensor) => tf.Tensor } = {
  tanh: tf.tanh,
  expm1: tf.expm1,
  log1p: tf.log1p,
  // 1 + x is rounded, as x then has to be.
  log: (x) => tf.mul(tf.div(tf.log(tf.add(x, 1)), tf.sub(tf.add(x, 1), 1)), x),
  sinh: tf.sinh,
  asinh: tf.asinh,
  atanh: tf.atanh,
  erf: tf.erf,
};

/** What is put together otherwise for shaders: angles, small numbers, powers of both broadcast, convolutions of 6 channels, more parts than a shader binds buffers. */
const otherwise = (x: Tensor, filter: Tensor): { [name: string]: Tensor } => {
  const image = x as tf.Tensor4D;
  const row = tf.abs(tf.reshape(x, [1, -1]));
  const parts = tf.split(tf.reshape(x, [-1]), 24) as tf.Tensor[];
  return {
    sin: tf.sin(tf.mul(x, 30)),
    cos: tf.cos(tf.mul(x, 30)),
    tan: tf.tan(x),
    ...Object.fromEntries(
      Object.entries(nearZero).map(([name, f]) => [name, tf.div(f(tf.mul(x, 1e-3)), tf.mul(x, 1e-3))]),
    ),
    pow: tf.pow(row, tf.reshape(tf.slice(row, [0, 0], [1, 5]), [5, 1])),
    convolution: tf.conv2d(image, filter as tf.Tensor4D, 1, "same"),
    parts: tf.concat(parts.reverse()),
  };
};

const reason = await useDevice("onnx:webgpu").then(
  () => undefined,
  (error: Error) => error.message,
);
if (reason !== undefined) console.log(`webgpu is left out: ${reason}`);
else {
  test.before.each(async () => {
    await useDevice("onnx:webgpu");
  });
  test("it says that it is WebGPU, with convolutions as ONNX has them", async () => {
    assert.match(await describeDevice(), /^onnx:webgpu \(compiled steps, .*convolutions standard, WebGPU\)$/);
  });
  for (const { name, program, shapes, inputs, expect, refused } of cases)
    if (!refused && !different[name] && (all || few.has(name)))
      test(name, async () => {
        const given = inputs?.() ?? shapes!.map((shape, i) => randomTensor(10 + i, shape));
        await agree(program, given, { ...expect, order: all ? (expect?.order ?? 2) : 0 });
      });
  test("one function on the GPU and on the processor, of what is put together otherwise for shaders", async () => {
    const f = compile(otherwise);
    const [x, filter] = [randomTensor(3, [2, 4, 4, 6]), randomTensor(4, [3, 3, 6, 8])];
    const there = await f(x, filter);
    await useDevice("onnx");
    const here = await f(x, filter);
    // Angles of up to 100 have float32's digits less two.
    for (const [name, tensor] of Object.entries(here))
      close(there[name]!, tensor, /sin|cos|tan$|pow/.test(name) ? 1e-4 : 1e-5, name);
  });
  test("a training leads to the same parameters", async () => {
    const steps = all ? 200 : 5;
    close(
      tf.tensor1d(await trained("onnx:webgpu", steps)),
      tf.tensor1d(await trained("onnx", steps)),
      1e-3,
      "parameters",
    );
  });
  test("a reference case", async () => {
    const result = await verifyFile(fixture("reference/losses.safetensors"));
    assert.is.not(result.status, "unknown");
    passes(result);
  });
  if (all)
    for (const folder of ["reference", "networks"])
      test(`all reference cases in ${folder}`, async () => {
        for await (const result of verify(fixture(folder))) passes(result);
      });
}
test.run();
