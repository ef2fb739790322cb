import { circle } from "../../datasets/toys.js";
import { denoising } from "../../src/diffusion/denoising.js";
import { denoiser } from "../../src/diffusion/edm.js";
import { compile } from "../../src/engine/compile.js";
import { currentDevice, type DeviceName, describeDevice, useDevice } from "../../src/engine/device.js";
import * as random from "../../src/engine/random.js";
import * as tree from "../../src/engine/tree.js";
import { mlp } from "../../src/nn/mlp.js";
import type { Engine } from "../settings.js";

/** Largest difference of parameters after `STEPS` steps, as a share of the largest parameter, with which WebGPU counts as right. */
const TOLERANCE = 1e-3;
const STEPS = 5;
/** How many times longer than with WebAssembly a step may take: a software renderer is right, too, and of no use. */
const SLOWEST = 20;

/**
 * WebGPU if it was asked for, is there, and trains a small network to the same parameters as WebAssembly does in bearable time; else WebAssembly. Resolves to what was chosen,
 * in words.
 */
export async function chooseProvider(wanted: Engine): Promise<string> {
  if (wanted === "wasm") return onProcessor();
  const reference = await trial("onnx");
  let reason: string;
  try {
    const { parameters, milliseconds } = await trial("onnx:webgpu");
    const largest = reference.parameters.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
    const off =
      parameters.reduce((most, value, i) => Math.max(most, Math.abs(value - reference.parameters[i]!)), 0) /
      largest;
    const slower = milliseconds / reference.milliseconds;
    // Also false for NaN.
    if (off <= TOLERANCE && slower <= SLOWEST)
      return `compiled steps, WebGPU (checked: ${off.toExponential(0)} off)`;
    reason =
      off <= TOLERANCE
        ? `WebGPU takes ${Math.round(slower)} times as long`
        : `WebGPU is ${off.toPrecision(2)} off`;
  } catch (error) {
    reason = `WebGPU does not start: ${(error as Error).message}`;
  }
  await useDevice("onnx");
  return `${await onProcessor()}, because ${reason}`;
}

const onProcessor = async (): Promise<string> =>
  (await currentDevice()) === "onnx" ? "compiled steps, WebAssembly" : describeDevice();

/** A few steps of denoiser training: the parameters after them, and the time of one. */
async function trial(device: DeviceName): Promise<{ parameters: Float32Array; milliseconds: number }> {
  await useDevice(device);
  const model = denoiser(mlp({ dim: 2, width: 64, depth: 3 }));
  const method = denoising({ denoiser: model, shape: [2] });
  const step = compile(method.step, { donate: true });
  let state = method.init(random.key(0));
  let milliseconds = 0;
  for (let i = 0; i < STEPS; i++) {
    const key = random.foldIn(random.key(1), i);
    const batch = method.batch(key, circle().sample(key, 64).x, i);
    const started = performance.now();
    const next = await step(state, batch);
    milliseconds = performance.now() - started; // the first steps compile
    tree.dispose(batch);
    tree.dispose(next.metrics);
    state = next.state;
  }
  const parameters = state.parameters.dataSync().slice() as Float32Array;
  tree.dispose(state);
  return { parameters, milliseconds };
}
