import { existsSync } from "node:fs";
import { isAbsolute, join, resolve } from "node:path";
import { check, TangentLabError } from "../../errors.js";
import { checkPath, removeFolder } from "../../io/files.js";
import { checkMarked, listedIn } from "../../io/mark.js";
import { type KernelSpec, pythonPrefix, specsIn } from "./jupyter.js";
import { tslabOf } from "./kernels.js";
import { kernelName, kernelsOf, kernelTitle, requireTslab, userKernels, writeKernel } from "./kernelspec.js";

/** Where a kernel is, or goes. */
export interface KernelPlace {
  /** A folder as `/usr/local`. */
  prefix?: string;
  /** The Python environment of the project, or of the PATH. */
  sysPrefix: boolean;
}

/** The folder of our kernel: the user's own, unless a place is named. */
async function folderOf({ prefix, sysPrefix }: KernelPlace): Promise<string> {
  if (prefix === undefined)
    return join(sysPrefix ? kernelsOf(await pythonPrefix(process.cwd())) : userKernels(), kernelName);
  checkPath(prefix, "--prefix");
  check(!sysPrefix, "--prefix", prefix, "without --sys-prefix");
  return join(kernelsOf(resolve(prefix)), kernelName);
}

/** `tangent-lab kernel install`: a kernel for all notebooks of this user, or of another place. */
export async function installKernel(options: KernelPlace & { prelude: boolean }): Promise<void> {
  const folder = await folderOf(options);
  const { version, path } = requireTslab(process.cwd());
  await writeKernel(folder, options);
  console.log(`${kernelTitle} is in ${folder}`);
  console.log(`here it starts tslab ${version} in ${path}; a project's own tslab and tangent-lab go first`);
}

/** `tangent-lab kernel list`: the kernels for TypeScript, which of them are ours, and what is missing for them to start. */
export async function listKernels(): Promise<void> {
  const specs = await specsIn(process.cwd());
  if (specs === null)
    throw new TangentLabError("file-system", "Jupyter, which lists kernels, was not found", {
      argument: "jupyter",
      allowed: `pip install jupyterlab; your own kernels are in ${userKernels()}`,
    });
  const lines = await Promise.all(specs.map(lineOf));
  console.log(lines.flat().join("\n") || "none: tangent-lab kernel install");
}

async function lineOf(spec: KernelSpec): Promise<string[]> {
  const tslab = tslabOf(spec, process.cwd());
  if (tslab === undefined) return [];
  const ours = (await listedIn(spec.folder)) === undefined ? "not ours" : "ours";
  const program = spec.argv[0]!;
  const state = tslab ? `tslab ${tslab.version} in ${tslab.path}` : "its tslab is missing: npm install tslab";
  const missing =
    isAbsolute(program) && !existsSync(program) ? `; ${program} is missing: install it again` : "";
  return [`${spec.name}: ${spec.title}, ${ours}, in ${spec.folder}; ${state}${missing}`];
}

/** `tangent-lab kernel remove`: only what `install` wrote. */
export async function removeKernel(place: KernelPlace): Promise<void> {
  const folder = await folderOf(place);
  if (!existsSync(folder))
    throw new TangentLabError("file-system", `there is no kernel in ${folder}`, {
      argument: "kernel",
      allowed: "a kernel of tangent-lab kernel install, in the place that is named",
    });
  await checkMarked(folder);
  await removeFolder(folder);
  console.log(`removed ${folder}`);
}
