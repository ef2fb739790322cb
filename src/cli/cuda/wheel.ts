import { execFileSync } from "node:child_process";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { delimiter, join } from "node:path";
import * as v from "valibot";
import { providerLibraries } from "../../engine/onnx/cuda.js";
import { TangentLabError } from "../../errors.js";
import { withFile } from "../../io/files.js";
import { askPython } from "../python.js";

/** onnxruntime-gpu in a Python's environment, and the CUDA libraries there. */
export interface CudaWheel {
  version: string;
  /** CUDA's version that it was built for, such as 13.0. */
  cuda: string;
  /** The Python's program. */
  python: string;
  /** The provider's libraries, by name. */
  providers: Record<string, string>;
  /** CUDA's libraries in the order in which they are loaded; without those that the system finds itself. */
  libraries: string[];
}

/** Without importing ONNX Runtime. */
const script = `
import platform
from importlib import metadata
versions = {}
for name in ("onnxruntime-gpu", "onnxruntime"):
    try:
        versions[name] = metadata.version(name)
    except metadata.PackageNotFoundError:
        pass
answer = {"python": sys.executable, "machine": platform.machine(), "path": sys.path, "versions": versions}
`;

const gpuPackage = "onnxruntime-gpu";

const answerSchema = v.object({
  python: v.string(),
  machine: v.string(),
  path: v.array(v.string()),
  versions: v.record(v.string(), v.string()),
});

/** CUDA's libraries by the provider's CUDA, in the order of loading. What is not needed for loading but at times later is optional. */
const cudaLibraries = (major: number): { name: string; needed: boolean }[] => [
  { name: `libcudart.so.${major}`, needed: true },
  { name: `libcublasLt.so.${major}`, needed: true },
  { name: `libcublas.so.${major}`, needed: true },
  { name: "libcurand.so.10", needed: true },
  { name: `libnvrtc.so.${major}`, needed: false },
  { name: `libcufft.so.${major - 1}`, needed: false },
  { name: "libcudnn.so.9", needed: true },
];

/** Whether the system's loader finds a library by its name. */
function systemHas(name: string): boolean {
  const folders = (process.env.LD_LIBRARY_PATH ?? "").split(delimiter).filter(Boolean);
  if (folders.some((folder) => existsSync(join(folder, name)))) return true;
  try {
    const list = execFileSync("ldconfig", ["-p"], {
      encoding: "utf8",
      env: { ...process.env, PATH: `${process.env.PATH}:/sbin:/usr/sbin` },
      stdio: ["ignore", "pipe", "ignore"],
    });
    return new RegExp(`^\\s*${name.replaceAll(".", "\\.")} `, "m").test(list);
  } catch {
    return false;
  }
}

/**
 * onnxruntime-gpu of a Python, of the same version as onnxruntime-node.
 * @param given The Python's program; undefined is the first that has onnxruntime-gpu.
 * @throws TangentLabError `invalid-argument` for a Python that is not there, `device-unavailable`, a sentence for the first thing that is missing or does not fit.
 */
export async function cudaWheel(
  given: string | undefined,
  wanted: string,
  onSystem: (name: string) => boolean = systemHas,
): Promise<CudaWheel> {
  const answer = await askPython(given, script, answerSchema, ({ versions }) => gpuPackage in versions);
  const { python } = answer;
  const missing = (what: string): TangentLabError =>
    new TangentLabError("device-unavailable", what, {
      argument: "--python",
      given: python,
      allowed: `${python} -m pip install "${gpuPackage}[cuda,cudnn]==${wanted}"`,
    });
  if (answer.machine !== "x86_64")
    throw missing(`that Python is for ${answer.machine}, and CUDA's provider for x86_64`);
  const version = answer.versions[gpuPackage];
  if (version === undefined)
    throw missing(
      answer.versions.onnxruntime === undefined
        ? "that Python has no onnxruntime-gpu"
        : "that Python has onnxruntime, which is without CUDA, and no onnxruntime-gpu",
    );
  if (version !== wanted)
    throw missing(`that Python has onnxruntime-gpu ${version}, and onnxruntime-node here is ${wanted}`);
  const folder = answer.path
    .map((entry) => join(entry, "onnxruntime", "capi"))
    .find((entry) => existsSync(join(entry, providerLibraries[1])));
  const providers = Object.fromEntries(providerLibraries.map((name) => [name, join(folder ?? "", name)]));
  const gone = providerLibraries.find((name) => !folder || !existsSync(providers[name]!));
  if (gone)
    throw missing(`its onnxruntime-gpu has no ${gone}: install it again, and no onnxruntime beside it`);
  for (const path of Object.values(providers)) await checkElf(path);
  const about = join(folder!, "build_and_package_info.py");
  const cuda = existsSync(about)
    ? /^cuda_version\s*=\s*['"](\d+)(\.\d+)?/m.exec(readFileSync(about, "utf8"))
    : null;
  if (!cuda) throw missing("its onnxruntime-gpu does not say for which CUDA it was built");
  const all = cudaLibraries(Number(cuda[1])).map((each) => ({ ...each, path: find(each.name, answer.path) }));
  const lost = all.filter(({ name, path, needed }) => needed && !path && !onSystem(name));
  if (lost.length > 0)
    throw missing(
      `${lost.map(({ name }) => name).join(", ")}: neither in that Python's environment nor on the system`,
    );
  return {
    version,
    cuda: `${cuda[1]}${cuda[2] ?? ""}`,
    python,
    providers,
    libraries: all.flatMap(({ path }) => path ?? []),
  };
}

/** A CUDA library in the nvidia packages of a Python's folders: nvidia/cu13/lib, nvidia/cublas/lib. */
function find(name: string, path: readonly string[]): string | undefined {
  for (const entry of path) {
    const root = join(entry, "nvidia");
    if (!existsSync(root)) continue;
    for (const part of readdirSync(root).sort()) {
      const candidate = join(root, part, "lib", name);
      if (existsSync(candidate)) return candidate;
    }
  }
  return undefined;
}

/** ELF's number for x86-64. */
const x86 = 62;

/** @throws TangentLabError `corrupt-file` for what is no library of 64 bits for this processor. */
async function checkElf(path: string): Promise<void> {
  const head = await withFile(path, (file) => file.read(0, Math.min(20, file.size)));
  const magic = [0x7f, 0x45, 0x4c, 0x46];
  const elf = head.length === 20 && magic.every((byte, i) => head[i] === byte);
  if (elf && head[4] === 2 && head[18]! + 256 * head[19]! === x86) return;
  throw new TangentLabError("corrupt-file", `${path} is no shared library for x86-64`, {
    argument: "--python",
  });
}
