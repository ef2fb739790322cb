import { circle } from "../../datasets/toys.js";
import { denoising } from "../../src/diffusion/denoising.js";
import { denoiser } from "../../src/diffusion/edm.js";
import { compile } from "../../src/engine/compile.js";
import { currentDevice, describeDevice } from "../../src/engine/device.js";
import { setExecutionProviders } from "../../src/engine/onnx/session.js";
import * as random from "../../src/engine/random.js";
import * as tree from "../../src/engine/tree.js";
import { mlp } from "../../src/nn/mlp.js";
import type { Engine } from "../settings.js";

/** Largest difference of parameters after `STEPS` steps, as a share of the largest parameter, with which WebGPU counts as right. */
const TOLERANCE = 1e-3;
const STEPS = 5;

/**
 * WebGPU if it was asked for, is there, and trains a small network to the same parameters as WebAssembly does; else WebAssembly. Resolves to what was chosen,
 * in words.
 */
export async function chooseProvider(wanted: Engine): Promise<string> {
  if (wanted === "wasm") return onProcessor();
  const reference = await trial("wasm");
  let reason: string;
  try {
    const parameters = await trial("webgpu");
    const largest = reference.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
    const off = parameters.reduce((most, value, i) => Math.max(most, Math.abs(value - reference[i]!)), 0);
    if (off <= TOLERANCE * largest)
      return `compiled steps, WebGPU (checked: ${(off / largest).toExponential(0)} off)`;
    reason = `WebGPU is ${(off / largest).toPrecision(2)} off`;
  } catch (error) {
    reason = `WebGPU does not start: ${(error as Error).message}`;
  }
  setExecutionProviders(["wasm"]);
  return `${await onProcessor()}, because ${reason}`;
}

const onProcessor = async (): Promise<string> =>
  (await currentDevice()) === "onnx" ? "compiled steps, WebAssembly" : describeDevice();

/** The parameters after a few steps of denoiser training. */
async function trial(provider: string): Promise<Float32Array> {
  setExecutionProviders([provider]);
  const model = denoiser(mlp({ dim: 2, width: 64, depth: 3 }));
  const method = denoising({ denoiser: model, shape: [2] });
  const step = compile(method.step, { donate: true });
  let state = method.init(random.key(0));
  for (let i = 0; i < STEPS; i++) {
    const key = random.foldIn(random.key(1), i);
    const batch = method.batch(key, circle().sample(key, 64).x, i);
    const next = await step(state, batch);
    tree.dispose(batch);
    tree.dispose(next.metrics);
    state = next.state;
  }
  const parameters = state.parameters.dataSync().slice() as Float32Array;
  tree.dispose(state);
  return parameters;
}
