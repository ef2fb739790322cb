import { environment } from "../environment.js";
import { nodeModule } from "../node.js";
import { cudaIsThere, howToLink, prepareCuda } from "./cuda.js";
import { encodeModel } from "./proto.js";
import { supportedProviders, tryProvider } from "./session.js";

// ONNX Runtime's execution providers for GPUs: which may start here, and what it means where one does not.

/** Execution providers that compute on a GPU. */
export type GpuProvider = "cuda" | "webgpu";

/** Why a provider is not taken unless it is asked for, as what one says of it; undefined where there is something to try. */
export function notHere(provider: GpuProvider): string | undefined {
  if (!supportedProviders().includes(provider)) return notBuilt(provider);
  if (provider === "cuda") return cudaIsThere() ? undefined : `is not linked (${howToLink})`;
  return noAdapter();
}

const started = new Set<GpuProvider>();

/** Starts a provider and computes a few numbers on it; once. @throws Error, a sentence that says what is missing. */
export async function startProvider(provider: GpuProvider): Promise<void> {
  if (started.has(provider)) return;
  if (!supportedProviders().includes(provider)) throw new Error(notBuilt(provider));
  try {
    if (provider === "cuda") prepareCuda();
    const got = await tryProvider(provider, model, numbers);
    if (!numbers.every((x, i) => Math.abs(got[i]! - (x * x + x)) <= 1e-6 * (1 + x * x)))
      throw new Error(`it computes wrong numbers: ${[...got]}`);
    started.add(provider);
  } catch (error) {
    throw new Error(inPlainWords((error as Error).message), { cause: error });
  }
}

/** The card's name for CUDA, after a comma, as NVIDIA's driver says it; empty where it does not, and for WebGPU, which does not say. */
export function nameOfGpu(provider: GpuProvider): string {
  if (provider !== "cuda") return "";
  const folder = "/proc/driver/nvidia/gpus";
  try {
    const { readdirSync, readFileSync } = nodeModule("node:fs")!;
    const models = readdirSync(folder).map(
      (gpu) => /^Model:\s*(.*)$/m.exec(readFileSync(`${folder}/${gpu}/information`, "utf8"))?.[1],
    );
    return models[0] ? `, ${models[0]}` : "";
  } catch {
    return "";
  }
}

/** Why a provider is not to be had here. */
export const notBuilt = (provider: GpuProvider): string =>
  `onnxruntime-node has no ${provider} for ${globalThis.process?.platform} ${globalThis.process?.arch}`;

const numbers = Float32Array.from([-2, -0.5, 0, 0.25, 3]);

/** x * x + x. */
const model = encodeModel({
  inputs: [{ name: "x", type: "float32", shape: [numbers.length] }],
  outputs: [{ name: "y", type: "float32", shape: [numbers.length] }],
  initializers: [],
  nodes: [
    { op: "Mul", inputs: ["x", "x"], outputs: ["square"], attributes: {} },
    { op: "Add", inputs: ["square", "x"], outputs: ["y"], attributes: {} },
  ],
});

/** Kernel drivers whose render nodes are no GPU. */
const virtual = new Set(["vgem", "vkms", "virtio_gpu", "virtio-pci"]);

/** Vulkan's variables that name the drivers to use. */
const vulkanVariables = ["VK_DRIVER_FILES", "VK_ICD_FILENAMES"];

/**
 * Why there is no GPU that WebGPU would be taken for unasked. Only Linux tells a GPU from a renderer in software, by its drivers; that computes right as well, and
 * is much slower than the CPU provider.
 */
function noAdapter(): string | undefined {
  const fs = nodeModule("node:fs");
  if (!fs || process.platform !== "linux") return "is taken unasked only on Linux";
  const software = vulkanVariables.find((name) => /swiftshader|lvp|lavapipe/i.test(environment(name) ?? ""));
  if (software) return `has a renderer in software (${software})`;
  const folder = "/dev/dri";
  const nodes = fs.existsSync(folder)
    ? fs.readdirSync(folder).filter((name) => name.startsWith("renderD"))
    : [];
  const gpus = nodes.filter((node) => !virtual.has(driverOf(node)));
  if (gpus.length === 0) return `has no GPU (none in ${folder})`;
  const open = gpus.some((node) => {
    try {
      fs.accessSync(`${folder}/${node}`, fs.constants.R_OK | fs.constants.W_OK);
      return true;
    } catch {
      return false;
    }
  });
  return open ? undefined : `may not use ${folder}/${gpus[0]} (the group render may)`;
}

/** The kernel driver of a render node; empty where it is not known. */
function driverOf(node: string): string {
  try {
    const text = nodeModule("node:fs")!.readFileSync(`/sys/class/drm/${node}/device/uevent`, "utf8");
    return /^DRIVER=(.*)$/m.exec(text)?.[1] ?? "";
  } catch {
    return "";
  }
}

/** What libraries say of their troubles, and what that means. */
const meanings: readonly (readonly [RegExp, string | ((match: RegExpExecArray) => string)])[] = [
  [
    /out of (?:device )?memory|OUT_OF_DEVICE_MEMORY|OutOfMemory|failed to allocate memory|ALLOC_FAILED/i,
    "the GPU has no memory left",
  ],
  [/exceeds the max (?:storage )?buffer/i, "a tensor is larger than the GPU's buffers may be"],
  [/libcuda\.so\.1: cannot open/, "no NVIDIA driver is installed: libcuda.so.1 is missing"],
  [/CUDA failure 100\b|no CUDA-capable device/i, "the NVIDIA driver finds no GPU"],
  [
    /CUDA failure 35\b|driver version is insufficient/i,
    "the NVIDIA driver is too old for these CUDA libraries",
  ],
  [
    /CUDA failure (?:209|98)\b|no kernel image is available/i,
    "this GPU is of a generation that onnxruntime-gpu has no code for",
  ],
  [/(\S*\.so[.\d]*): cannot open shared object file/, ([, name]) => `${name} is missing: ${howToLink}`],
  [/Failed to load shared library/, `a library that CUDA's provider needs is missing: ${howToLink}`],
  [/Failed to get a WebGPU adapter|No supported adapters/, "no GPU adapter: a driver for Vulkan is needed"],
  [
    /device (?:is|was) lost|DeviceLost/i,
    "the GPU went away, or its driver ended a computation that took too long",
  ],
];

/** What a library's report of an error means, in a sentence; undefined where that is not known. */
export function meaningOf(report: string): string | undefined {
  for (const [pattern, meaning] of meanings) {
    const match = pattern.exec(report);
    if (match) return typeof meaning === "string" ? meaning : meaning(match);
  }
  return undefined;
}

const inPlainWords = (report: string): string => meaningOf(report) ?? report.split("\n")[0]!;
