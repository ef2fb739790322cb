import { realpathSync } from "node:fs";
import { dirname, isAbsolute } from "node:path";
import { firstLine } from "../doctor/run.js";
import { findTslab, type Tslab, tslabAt } from "../kernel/tslab.js";
import { onPath } from "../on-path.js";
import { findJupyter, type KernelSpec, specsIn } from "./jupyter.js";
import { fromOf } from "./kernelspec.js";

/** A kernel for TypeScript, and the tslab that it runs. */
export interface Kernel {
  name: string;
  title: string;
  /** The tslab that it starts; null where it was not found. */
  tslab: Tslab | null;
}

/** What notebooks run on. */
export interface Notebooks {
  /** JupyterLab's version; null where there is none. */
  jupyterlab: string | null;
  kernels: Kernel[];
}

/** JupyterLab and the kernels for TypeScript, as a project in this folder sees them. */
export async function notebooksIn(folder: string): Promise<Notebooks> {
  const lab = findJupyter("lab", folder);
  const specs = (await specsIn(folder)) ?? [];
  return {
    jupyterlab: lab && (await firstLine([...lab, "--version"])),
    kernels: specs.flatMap((spec) => {
      const tslab = tslabOf(spec, folder);
      return tslab === undefined ? [] : [{ name: spec.name, title: spec.title, tslab }];
    }),
  };
}

/** The tslab that a kernel starts for a notebook in `folder`; null where it was not found, undefined for a kernel of another kind. */
export function tslabOf({ argv }: Pick<KernelSpec, "argv">, folder: string): Tslab | null | undefined {
  const from = fromOf(argv);
  if (from !== null) return findTslab(folder, from);
  const program = argv.find((word) => /\btslab(\.cmd)?$/.test(word));
  if (program === undefined) return undefined;
  const file = isAbsolute(program) ? program : onPath(program);
  try {
    return file === null ? null : tslabAt(dirname(dirname(realpathSync(file))));
  } catch {
    return null; // it was removed
  }
}
