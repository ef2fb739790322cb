import { nodeModule } from "../node.js";

// CUDA's provider is not in onnxruntime-node's package. `tangent-lab link-cuda` puts links to it beside the package's binary, and a file that says where the CUDA
// libraries are that it needs: they are not on the system's search path, and what is loaded by its path is found by its name afterwards.

/** ONNX Runtime's CUDA provider and its bridge. */
export const providerLibraries = [
  "libonnxruntime_providers_shared.so",
  "libonnxruntime_providers_cuda.so",
] as const;

/** Name of the file beside onnxruntime-node's binary that says what was linked. */
export const cudaMark = "tangent-lab-cuda.json";

/** What `tangent-lab link-cuda` linked. */
export interface CudaLink {
  /** The wheel's ONNX Runtime. */
  version: string;
  /** The Python it is from. */
  python: string;
  /** Libraries to load before the provider, in order: absolute paths. */
  libraries: string[];
}

/** The folder of onnxruntime-node's binary. */
export function binaryFolder(): string {
  const { createRequire } = nodeModule("node:module")!;
  const { dirname, join } = nodeModule("node:path")!;
  const manifest = createRequire(import.meta.url).resolve("onnxruntime-node/package.json");
  return join(dirname(manifest), "bin", "napi-v6", process.platform, process.arch);
}

/** Whether the provider's libraries are beside onnxruntime-node's binary. */
export function cudaIsThere(folder = binaryFolder()): boolean {
  const { existsSync } = nodeModule("node:fs")!;
  const { join } = nodeModule("node:path")!;
  return providerLibraries.every((name) => existsSync(join(folder, name)));
}

/** What was linked; undefined where nothing was. @throws Error for a file that is damaged. */
export function cudaLink(folder = binaryFolder()): CudaLink | undefined {
  const { existsSync, readFileSync } = nodeModule("node:fs")!;
  const { join } = nodeModule("node:path")!;
  const path = join(folder, cudaMark);
  if (!existsSync(path)) return undefined;
  try {
    const { version, python, libraries } = JSON.parse(readFileSync(path, "utf8")) as CudaLink;
    if (typeof version !== "string" || typeof python !== "string" || !Array.isArray(libraries))
      throw new Error("it lacks a field");
    return { version, python, libraries };
  } catch (cause) {
    throw new Error(`${path} is damaged: tangent-lab link-cuda --remove`, { cause });
  }
}

/** RTLD_NODELETE: Node closes what turns out to be no addon, and the library stays. */
const keep = 0x1000;

/** Loads a shared library, so that others find it by its name. @throws Error with what the system's loader says. */
export function loadLibrary(path: string): void {
  // RTLD_NOW and RTLD_GLOBAL, as Linux has them: there is CUDA for no other system here.
  const now = 0x2;
  const visible = 0x100;
  try {
    process.dlopen({ exports: {} }, path, now | visible | keep);
  } catch (error) {
    if (!/did not self-register/.test((error as Error).message)) throw error;
  }
}

let prepared = false;

/** Loads what CUDA's provider needs; once. @throws Error, a sentence that says what is missing. */
export function prepareCuda(): void {
  if (prepared) return;
  if (!cudaIsThere()) throw new Error(`CUDA's libraries are not linked: ${howToLink}`);
  // First of all the driver: ONNX Runtime's error does not say which library is missing.
  for (const library of ["libcuda.so.1", ...(cudaLink()?.libraries ?? [])]) loadLibrary(library);
  prepared = true;
}

/** What a person has to do, for messages. */
export const howToLink = "tangent-lab link-cuda --python PATH, a Python that has onnxruntime-gpu";
