import { homedir } from "node:os";
import { join } from "node:path";
import { TangentLabError } from "../../errors.js";
import { isMissing, readBytes, writeFolderAtomically } from "../../io/files.js";
import { findTslab, type Tslab } from "../kernel/tslab.js";
import { packageFolder } from "../package-folder.js";

// A kernel as Jupyter and VS Code find it: https://jupyter-client.readthedocs.io/en/stable/kernels.html#kernel-specs

/** The kernel's name: that of its folder. */
export const kernelName = "tangent-lab";

/** What is shown of it where a kernel is chosen. */
export const kernelTitle = "TypeScript (tangent-lab)";

/** What starts the kernel, beside kernel.json. */
const starter = "start.mjs";

/** How a kernel is to start. */
export interface KernelSettings {
  /** Have tangent-lab's namespaces in scope without imports. */
  prelude: boolean;
}

/**
 * Writes a kernel's folder, which starts the tangent-lab of a notebook's project, or this one.
 * @throws TangentLabError `file-system`, also where there are files in it that are not ours, and before a clone is built.
 */
export async function writeKernel(folder: string, { prelude }: KernelSettings): Promise<void> {
  const built = join(packageFolder, "dist", "src", "cli", "kernel", "start.js");
  const start = await readBytes(built).catch((cause: unknown) => {
    if (!isMissing(cause)) throw cause;
    const details = { argument: "kernel", allowed: `npm run build, in ${packageFolder}`, cause };
    throw new TangentLabError("file-system", `tangent-lab in ${packageFolder} is not built`, details);
  });
  const spec = {
    // Whole paths: programs that are started from a desktop do not have a terminal's PATH.
    argv: [
      process.execPath,
      "--enable-source-maps",
      join(folder, starter),
      ...["--from", packageFolder],
      ...(prelude ? ["--prelude"] : []),
      "{connection_file}",
    ],
    display_name: kernelTitle,
    language: "typescript",
    // A signal also stops a cell that computes without a pause; Windows has none that Node hears.
    interrupt_mode: process.platform === "win32" ? "message" : "signal",
  };
  await writeFolderAtomically(folder, {
    "kernel.json": `${JSON.stringify(spec, null, 1)}\n`,
    [starter]: start,
  });
}

/** The tangent-lab that a kernel's command line falls back on; null for one that is not ours. */
export function fromOf(argv: readonly string[]): string | null {
  const at = argv.indexOf("--from");
  const isOurs = at > 0 && argv.some((word) => word.endsWith(starter));
  return isOurs ? (argv[at + 1] ?? null) : null;
}

/** The folder of kernels of Jupyter in `prefix`, such as a Python environment. */
export const kernelsOf = (prefix: string): string => join(prefix, "share", "jupyter", "kernels");

/** Where Jupyter and VS Code look for a user's own kernels. */
export function userKernels(env = process.env, platform = process.platform, home = homedir()): string {
  const data = (): string => {
    if (env.JUPYTER_DATA_DIR) return env.JUPYTER_DATA_DIR;
    if (platform === "darwin") return join(home, "Library", "Jupyter");
    if (platform === "win32") return join(env.APPDATA || join(home, "AppData", "Roaming"), "jupyter");
    return join(env.XDG_DATA_HOME || join(home, ".local", "share"), "jupyter");
  };
  return join(data(), "kernels");
}

/** The tslab that notebooks in `folder` run on. @throws TangentLabError `file-system` where there is none. */
export function requireTslab(folder: string, beside = packageFolder): Tslab {
  const tslab = findTslab(folder, beside);
  if (tslab) return tslab;
  throw new TangentLabError("file-system", "tslab, which runs TypeScript in notebooks, was not found", {
    argument: "tslab",
    allowed: "npm install tslab, in this project, or npm install -g tslab, for all",
  });
}
