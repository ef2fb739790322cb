import * as tf from "@tensorflow/tfjs-core";
import "./tfjs.js";
import { registerTensorFlowKernels } from "./tensorflow-kernels.js";
import { tfjsVersions } from "./tfjs.js";

/** The packages that compute with TensorFlow itself, that for GPUs first. */
export const tensorflowPackages = ["@tensorflow/tfjs-node-gpu", "@tensorflow/tfjs-node"] as const;

/** What both call their backend. */
const backend = "tensorflow";

/** What is asked of the backend. */
interface NodeBackend {
  binding: { TF_Version: string };
  isUsingGpuDevice: boolean;
}

/** Takes the first of the packages that loads. @throws Error saying what to do where none does. */
export async function startTensorFlow(): Promise<{ describe(): Promise<string>; backend: string }> {
  restoreUtil();
  // TensorFlow tells of every optimization that it has; warnings stay. Who wants them sets the variable to 0.
  process.env.TF_CPP_MIN_LOG_LEVEL ??= "1";
  let failure: Error | undefined;
  for (const name of tensorflowPackages) {
    try {
      await import(name);
    } catch (error) {
      if (!isAbsent(error, name)) failure ??= new Error(reasonOf(error as Error, name), { cause: error });
      continue;
    }
    if (tf.findBackendFactory(backend) === null)
      throw new Error(`${name} brings a TensorFlow.js of its own: its version must be ${tfjsVersions.tfjs}`);
    registerTensorFlowKernels();
    const { binding, isUsingGpuDevice } = tf.findBackend(backend) as unknown as NodeBackend;
    const device = isUsingGpuDevice ? "GPU" : "CPU";
    return { describe: async () => `TensorFlow ${binding.TF_Version} through ${name}, ${device}`, backend };
  }
  throw failure ?? new Error(`neither ${tensorflowPackages.join(" nor ")} is installed`);
}

const isAbsent = (error: unknown, name: string): boolean => {
  const { code, message } = error as NodeJS.ErrnoException;
  return code === "ERR_MODULE_NOT_FOUND" && message.includes(`'${name}'`);
};

function reasonOf({ message }: Error, name: string): string {
  const builds = "`tangent-lab link-tensorflow` builds it against the TensorFlow of a Python";
  if (message.includes("native addon module")) return `${name} has no addon; ${builds}`;
  return `the addon of ${name} does not load (${message.split("\n")[0]}); ${builds}`;
}

/** TensorFlow.js calls functions of Node's `util` that Node 23 took away. They come back for this process, not in its files. */
function restoreUtil(): void {
  const util = process.getBuiltinModule("node:util");
  const gone = { isArray: Array.isArray, isNullOrUndefined: (value: unknown): boolean => value == null };
  for (const [name, value] of Object.entries(gone))
    if (!(name in util)) Object.defineProperty(util, name, { value, configurable: true, writable: true });
}
