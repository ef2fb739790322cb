import * as tf from "@tensorflow/tfjs-core";
import "./tfjs.js";
import { check, TangentLabError } from "../errors.js";
import { deviceVariable, environment, threadsVariable, threadsWanted } from "./environment.js";

export { deviceVariable, threadsVariable };

/** Where compiled functions are computed, best first. */
export const deviceNames = ["onnx", "tensorflow", "wasm", "cpu"] as const;
/** Where tensors are computed. */
export type DeviceName = (typeof deviceNames)[number];

interface Device {
  /** What a person sees at start. */
  describe(): Promise<string>;
  /** The tfjs backend for ops outside of compiled functions. */
  backend: string;
}

let current: DeviceName | undefined;
let describe: Device["describe"] = async () => "";

/**
 * Chooses where compiled functions run and ops outside of them are computed: `onnx` compiles steps to one graph for ONNX Runtime,
 * `tensorflow` is @tensorflow/tfjs-node-gpu or tfjs-node where installed, `wasm` and `cpu` are TensorFlow.js backends. `auto` takes the environment
 * variable TANGENT_LAB_ENGINE, else the first that works. TANGENT_LAB_THREADS limits the threads of `onnx`.
 *
 * @throws TangentLabError `invalid-argument` for an unknown name, `device-unavailable` if a device that was asked for does not start.
 */
export async function useDevice(name: DeviceName | "auto" = "auto"): Promise<DeviceName> {
  const wanted = name === "auto" ? (environment(deviceVariable) ?? "auto") : name;
  const source = name === "auto" && wanted !== "auto" ? deviceVariable : "engine";
  check(
    wanted === "auto" || (deviceNames as readonly string[]).includes(wanted),
    source,
    wanted,
    `auto, ${deviceNames.join(", ")}`,
  );
  threadsWanted(); // its check
  const candidates = wanted === "auto" ? deviceNames : [wanted as DeviceName];
  let failure: unknown;
  for (const candidate of candidates) {
    try {
      const device = await starters[candidate]();
      await tf.setBackend(device.backend);
      await tf.ready();
      current = candidate;
      describe = device.describe;
      return candidate;
    } catch (error) {
      failure = error;
    }
  }
  throw new TangentLabError(
    "device-unavailable",
    `the engine ${wanted} does not start: ${(failure as Error).message}`,
    {
      argument: source,
      given: wanted,
      allowed: `auto, or one of ${deviceNames.join(", ")} that is installed`,
      cause: failure,
    },
  );
}

/** The device in use; chooses one if none was. */
export async function currentDevice(): Promise<DeviceName> {
  return current ?? (await useDevice("auto"));
}

/** One line about the device in use, for a program to print at its start. */
export async function describeDevice(): Promise<string> {
  const name = await currentDevice();
  return `${name} (${await describe()})`;
}

const starters: Record<DeviceName, () => Promise<Device>> = {
  onnx: async () => {
    const threads = threadsWanted();
    await import("./onnx/telemetry.js");
    const ort = await import("#onnxruntime");
    const { describeLowering } = await import("./onnx/lowering.js");
    const version = ort.env.versions.node ?? ort.env.versions.web;
    const most = threads ? `, at most ${threads} thread${threads > 1 ? "s" : ""}` : "";
    return {
      describe: async () =>
        `compiled steps, ONNX Runtime ${version}, convolutions ${await describeLowering()}, CPU${most}`,
      backend: "cpu",
    };
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
