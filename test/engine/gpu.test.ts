import { test } from "uvu";
import * as assert from "uvu/assert";
import { type DeviceName, deviceVariable, useDevice } from "../../src/engine/device.js";
import { cudaIsThere } from "../../src/engine/onnx/cuda.js";
import { meaningOf, notHere } from "../../src/engine/onnx/gpu.js";
import { newGraph } from "../../src/engine/onnx/lowering.js";
import { supportedProviders } from "../../src/engine/onnx/session.js";
import { TangentLabError } from "../../src/errors.js";

// What ONNX Runtime 1.30 and its libraries say, and what we make of it. The reports are theirs, shortened.
const reports: [report: string, meaning: RegExp | undefined][] = [
  [
    "libcuda.so.1: cannot open shared object file: No such file or directory",
    /^no NVIDIA driver is installed/,
  ],
  [
    "/site-packages/nvidia/cu13/lib/libcublas.so.13: cannot open shared object file: No such file or directory",
    /^\/site-packages\/nvidia\/cu13\/lib\/libcublas\.so\.13 is missing: tangent-lab link-cuda/,
  ],
  [
    "OrtSessionOptionsAppendExecutionProvider_Cuda: Failed to load shared library",
    /^a library that CUDA's provider/,
  ],
  [
    "/onnxruntime_src/.../cuda_call.cc:154 CUDA failure 100: no CUDA-capable device is detected ; GPU=-1 ; hostname=vm",
    /^the NVIDIA driver finds no GPU$/,
  ],
  [
    "CUDA failure 35: CUDA driver version is insufficient for CUDA runtime version ; GPU=-1",
    /^the NVIDIA driver is too old/,
  ],
  [
    "CUDA failure 2: out of memory ; GPU=-1 ; expr=cudaSetDevice(info_.device_id);",
    /^the GPU has no memory left$/,
  ],
  [
    "bfc_arena.cc:376 AllocateRawInternal Failed to allocate memory for requested buffer of size 1073741824",
    /^the GPU has no memory left$/,
  ],
  [
    "Failed to get a WebGPU adapter: No supported adapters",
    /^no GPU adapter: a driver for Vulkan is needed$/,
  ],
  ["Non-zero status code returned while running Split node", undefined],
];
for (const [report, meaning] of reports)
  test(`in plain words: ${report.slice(0, 60)}`, () => {
    if (meaning) assert.match(meaningOf(report)!, meaning);
    else assert.is(meaningOf(report), undefined);
  });

test("CUDA without its libraries: one sentence that says how to get them", async () => {
  if (!supportedProviders().includes("cuda") || cudaIsThere())
    return console.log("skipped: there is CUDA, or none at all");
  const error = await useDevice("onnx:cuda").catch((error: unknown) => error);
  assert.instance(error, TangentLabError);
  const { code, message } = error as TangentLabError;
  assert.is(code, "device-unavailable");
  assert.match(message, /^the engine onnx:cuda does not start: .*tangent-lab link-cuda --python PATH/);
  assert.not.match(message, "\n");
  assert.match((await notHere("cuda"))!, "is not linked");
});

test("a renderer in software is not taken unasked", async () => {
  if (process.platform !== "linux") return console.log("skipped: Linux only");
  const before = process.env.VK_ICD_FILENAMES;
  try {
    process.env.VK_ICD_FILENAMES = "/usr/share/vulkan/icd.d/lvp_icd.x86_64.json";
    assert.match(notHere("webgpu")!, "has a renderer in software (VK_ICD_FILENAMES)");
  } finally {
    if (before === undefined) delete process.env.VK_ICD_FILENAMES;
    else process.env.VK_ICD_FILENAMES = before;
  }
});

test("onnx:cpu is onnx, also by the variable", async () => {
  assert.is(await useDevice("onnx:cpu"), "onnx");
  const before = process.env[deviceVariable];
  try {
    process.env[deviceVariable] = "onnx:cpu";
    assert.is(await useDevice("auto"), "onnx");
    process.env[deviceVariable] = "onnx:tpu";
    const error = (await useDevice("auto").catch((error: unknown) => error)) as TangentLabError;
    assert.is(error.argument, deviceVariable);
    assert.match(error.message, /"onnx:tpu".*onnx:cuda, onnx:webgpu, onnx,/);
  } finally {
    if (before === undefined) delete process.env[deviceVariable];
    else process.env[deviceVariable] = before;
  }
  assert.is((await newGraph()).webgpu, false);
  const wrong = await useDevice("onnx:" as DeviceName).catch((error: unknown) => error);
  assert.match((wrong as Error).message, /^invalid engine; given: "onnx:"; allowed: auto, /);
});

test.run();
