import * as tf from "@tensorflow/tfjs-core";
import "./tfjs.js";
import { check, TangentLabError, warnOnce } from "../errors.js";
import { deviceVariable, environment, threadsVariable, threadsWanted } from "./environment.js";
import type { GpuProvider } from "./onnx/gpu.js";

export { deviceVariable, threadsVariable };

/**
 * Where compiled functions are computed, best first. `onnx` is ONNX Runtime on the processor; `onnx:cuda` and `onnx:webgpu` are ONNX Runtime on a GPU.
 */
export const deviceNames = ["onnx:cuda", "onnx:webgpu", "onnx", "tensorflow", "wasm", "cpu"] as const;
/** Where tensors are computed. */
export type DeviceName = (typeof deviceNames)[number];

/** Whether functions are compiled there. */
export const compiles = (name: DeviceName): boolean => name.startsWith("onnx");

interface Device {
  /** What a person sees at start. */
  describe(): Promise<string>;
  /** The tfjs backend for ops outside of compiled functions. */
  backend: string;
  /** ONNX Runtime's execution providers, for what compiles. */
  providers?: readonly string[];
}

let current: DeviceName | undefined;
let describe: Device["describe"] = async () => "";

/**
 * Chooses where compiled functions run and ops outside of them are computed: `onnx` compiles steps to one graph for ONNX Runtime, which `onnx:cuda` and
 * `onnx:webgpu` run on a GPU (`onnx:cpu` is `onnx`); `tensorflow` is @tensorflow/tfjs-node-gpu or tfjs-node where installed, `wasm` and `cpu` are TensorFlow.js
 * backends. `auto` takes the environment variable TANGENT_LAB_ENGINE, else the first that works: of GPUs `onnx:cuda` where `tangent-lab link-cuda` linked its
 * libraries, `onnx:webgpu` where Linux has a GPU. One that is there and does not start is passed over, and a line says why. TANGENT_LAB_THREADS limits the
 * threads of `onnx`. docs/devices.md says what each needs.
 *
 * @throws TangentLabError `invalid-argument` for an unknown name, `device-unavailable` if a device that was asked for does not start.
 */
export async function useDevice(name: DeviceName | "onnx:cpu" | "auto" = "auto"): Promise<DeviceName> {
  const wanted = name === "auto" ? environment(deviceVariable) || "auto" : name;
  const source = name === "auto" && wanted !== "auto" ? deviceVariable : "engine";
  const plain = wanted === "onnx:cpu" ? "onnx" : wanted;
  check(
    plain === "auto" || (deviceNames as readonly string[]).includes(plain),
    source,
    wanted,
    `auto, ${deviceNames.join(", ")}`,
  );
  threadsWanted(); // its check
  if (plain === "auto") return automatic();
  try {
    return await start(plain as DeviceName);
  } catch (cause) {
    throw new TangentLabError(
      "device-unavailable",
      `the engine ${wanted} does not start: ${(cause as Error).message}`,
      {
        argument: source,
        given: wanted,
        allowed: `auto, or one of ${deviceNames.join(", ")} that is installed`,
        cause,
      },
    );
  }
}

/** The first device that starts. */
async function automatic(): Promise<DeviceName> {
  const failures: string[] = [];
  for (const candidate of deviceNames) {
    try {
      if ((await notHere(candidate)) !== undefined) continue;
      const device = await start(candidate);
      if (failures.length > 0) warnOnce(`${failures.join("; ")}. Continuing with ${device}`);
      return device;
    } catch (error) {
      if (candidate !== "tensorflow")
        failures.push(`${candidate} does not start: ${(error as Error).message}`);
    }
  }
  throw new TangentLabError("device-unavailable", failures.join("; "), { argument: "engine", given: "auto" });
}

async function start(name: DeviceName): Promise<DeviceName> {
  const { backend, providers, describe: inWords } = await starters[name]();
  await tf.setBackend(backend);
  await tf.ready();
  if (compiles(name)) {
    const { setExecutionProviders } = await import("./onnx/session.js");
    setExecutionProviders(providers);
  }
  current = name;
  describe = inWords;
  return name;
}

/** Why a GPU is not taken unasked; undefined where it may start, and for what needs none. */
export async function notHere(name: DeviceName): Promise<string | undefined> {
  const provider = providerOf(name);
  if (provider === undefined) return undefined;
  const { notHere } = await import("./onnx/gpu.js");
  return notHere(provider);
}

/** The execution provider for a GPU that a name asks for. */
const providerOf = (name: string): GpuProvider | undefined =>
  name === "onnx:cuda" || name === "onnx:webgpu" ? (name.slice("onnx:".length) as GpuProvider) : undefined;

/** The device in use; chooses one if none was. */
export async function currentDevice(): Promise<DeviceName> {
  return current ?? (await useDevice("auto"));
}

/** One line about the device in use, for a program to print at its start. */
export async function describeDevice(): Promise<string> {
  const name = await currentDevice();
  return `${name} (${await describe()})`;
}

const onGpu = (provider: GpuProvider) => async (): Promise<Device> => {
  await import("./onnx/telemetry.js");
  const { nameOfGpu, startProvider } = await import("./onnx/gpu.js");
  await startProvider(provider);
  const on = `${provider === "cuda" ? "CUDA" : "WebGPU"}${nameOfGpu(provider)}`;
  return { describe: () => compiledSteps(on), backend: "cpu", providers: [provider] };
};

async function compiledSteps(on: string): Promise<string> {
  const ort = await import("#onnxruntime");
  const { describeLowering } = await import("./onnx/lowering.js");
  const version = ort.env.versions.node ?? ort.env.versions.web;
  return `compiled steps, ONNX Runtime ${version}, convolutions ${await describeLowering()}, ${on}`;
}

const starters: Record<DeviceName, () => Promise<Device>> = {
  "onnx:cuda": onGpu("cuda"),
  "onnx:webgpu": onGpu("webgpu"),
  onnx: async () => {
    const threads = threadsWanted();
    await import("./onnx/telemetry.js");
    const ort = await import("#onnxruntime");
    const most = threads ? `, at most ${threads} thread${threads > 1 ? "s" : ""}` : "";
    // Not left to a browser's runtime, which may know others.
    const providers = ort.env.versions.node ? undefined : ["wasm"];
    return { describe: () => compiledSteps(`CPU${most}`), backend: "cpu", ...(providers && { providers }) };
  },
  tensorflow: async () => (await import("./tensorflow.js")).startTensorFlow(),
  wasm: async () => {
    await import("@tensorflow/tfjs-backend-wasm");
    const { registerCompositions } = await import("./compositions.js");
    registerCompositions();
    return { describe: async () => "TensorFlow.js WebAssembly", backend: "wasm" };
  },
  cpu: async () => ({ describe: async () => "TensorFlow.js plain JavaScript, slow", backend: "cpu" }),
};
