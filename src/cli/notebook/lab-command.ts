import { spawn } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { TangentLabError } from "../../errors.js";
import { firstLine } from "../doctor/run.js";
import { findJupyter, jupyterEnvironment } from "./jupyter.js";
import { type KernelSettings, kernelName, requireTslab, writeKernel } from "./kernelspec.js";

/** The first version of JupyterLab that draws our charts (Vega-Lite 5). */
const oldest = 4;

/**
 * `tangent-lab lab`: JupyterLab in the working folder, with a kernel that has its project's packages. Nothing is installed: the kernel is in a folder that lasts
 * as long as JupyterLab.
 * @param args For JupyterLab, such as a notebook.
 * @returns JupyterLab's exit code.
 * @throws TangentLabError `file-system` where JupyterLab or tslab is missing or too old, and what to do.
 */
export async function labCommand(args: readonly string[], settings: KernelSettings): Promise<number> {
  const folder = process.cwd();
  const lab = await findLab(folder);
  requireTslab(folder);
  const temporary = await mkdtemp(join(tmpdir(), "tangent-lab-lab-"));
  try {
    await writeKernel(join(temporary, "kernels", kernelName), settings);
    const asRoot = process.getuid?.() === 0 ? ["--allow-root"] : [];
    const [command, ...before] = lab;
    const child = spawn(command!, [...before, ...asRoot, ...args], {
      env: jupyterEnvironment(folder, temporary),
      stdio: "inherit",
    });
    // Ctrl-C goes to JupyterLab too, which asks what to do: wait for its answer.
    process.on("SIGINT", () => {});
    process.on("SIGTERM", () => child.kill("SIGTERM"));
    return await new Promise((resolve, reject) => {
      child.on("error", reject).on("exit", (code) => resolve(code ?? 1));
    });
  } finally {
    await rm(temporary, { recursive: true, force: true });
  }
}

async function findLab(folder: string): Promise<string[]> {
  const lab = findJupyter("lab", folder);
  if (!lab)
    throw new TangentLabError(
      "file-system",
      `JupyterLab was not found; with Python 3, in this folder (on Debian and Ubuntu after: apt-get install python3-venv):
  python3 -m venv .venv && .venv/bin/pip install jupyterlab`,
      { argument: "jupyter" },
    );
  const version = (await firstLine([...lab, "--version"])) ?? "";
  if (Number.parseInt(version, 10) < oldest)
    throw new TangentLabError("file-system", `${lab.join(" ")} is JupyterLab ${version}, which is too old`, {
      argument: "jupyter",
      allowed: `${oldest} or later: pip install --upgrade jupyterlab`,
    });
  return lab;
}
