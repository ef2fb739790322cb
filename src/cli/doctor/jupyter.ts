import { spawnSync } from "node:child_process";
import { readFile, realpath } from "node:fs/promises";
import { delimiter, dirname, isAbsolute, join } from "node:path";
import * as v from "valibot";
import { TangentLabError } from "../../errors.js";
import { parseJson } from "../../io/json.js";
import { onPath } from "../on-path.js";
import { firstLine, run } from "./run.js";

/** The parts of Jupyter that are used, and the Python module of each. */
const modules = { lab: "jupyterlab", nbconvert: "nbconvert", kernelspec: "jupyter_client.kernelspecapp" };

export type JupyterPart = keyof typeof modules;

/** A command line that starts a part of Jupyter: the `.venv` in a project's folder first, then what is on the PATH; null where there is none. */
export function findJupyter(part: JupyterPart, folder: string): string[] | null {
  const scripts = process.platform === "win32" ? "Scripts" : "bin";
  const candidates = [
    [join(folder, ".venv", scripts, `jupyter-${part}`)],
    [`jupyter-${part}`],
    ["jupyter", part],
    ["python3", "-m", modules[part]],
    ["python", "-m", modules[part]],
  ];
  const works = ([command, ...args]: string[]): boolean =>
    spawnSync(command!, [...args, "--version"], { stdio: "ignore", timeout: 60_000 }).status === 0;
  return candidates.find(works) ?? null;
}

/** The environment in which Jupyter finds a project's own kernels, in its folder `.jupyter`, too. */
export function jupyterEnvironment(folder: string): NodeJS.ProcessEnv {
  const path = [join(folder, ".jupyter"), process.env.JUPYTER_PATH].filter(Boolean).join(delimiter);
  return { ...process.env, JUPYTER_PATH: path };
}

/** A kernel for TypeScript, and the tslab that it runs. */
export interface Kernel {
  name: string;
  title: string;
  /** The folder of the tslab that it starts, and its version; null where it was not found. */
  tslab: { path: string; version: string } | null;
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
  return {
    jupyterlab: lab && (await firstLine([...lab, "--version"])),
    kernels: await kernelsIn(folder),
  };
}

async function kernelsIn(folder: string): Promise<Kernel[]> {
  const command = findJupyter("kernelspec", folder);
  if (!command) return [];
  const { code, out } = await run([...command, "list", "--json"], 60_000, jupyterEnvironment(folder));
  if (code !== 0) return [];
  const { kernelspecs } = parseJson(out, listSchema, "jupyter kernelspec list --json", (why, cause) => {
    return new TangentLabError("corrupt-file", why, { argument: "jupyter", cause });
  });
  const kernels = Object.entries(kernelspecs).map(
    async ([name, { spec, resource_dir }]): Promise<Kernel[]> => {
      const argv = spec.argv.map((word) => word.replaceAll("{resource_dir}", resource_dir));
      const program = argv.find((word) => /\btslab(\.cmd)?$/.test(word));
      if (program === undefined) return [];
      return [{ name, title: spec.display_name, tslab: await tslabOf(program) }];
    },
  );
  return (await Promise.all(kernels)).flat();
}

const listSchema = v.object({
  kernelspecs: v.record(
    v.string(),
    v.object({
      resource_dir: v.string(),
      spec: v.object({ argv: v.array(v.string()), display_name: v.string() }),
    }),
  ),
});

const manifestSchema = v.object({ name: v.literal("tslab"), version: v.string() });

/** The package that a kernel's program `.../tslab/bin/tslab`, or a link to it, belongs to. */
async function tslabOf(program: string): Promise<Kernel["tslab"]> {
  const file = isAbsolute(program) ? program : onPath(program);
  if (file === null) return null;
  try {
    const path = dirname(dirname(await realpath(file)));
    const manifest = v.parse(manifestSchema, JSON.parse(await readFile(join(path, "package.json"), "utf8")));
    return { path, version: manifest.version };
  } catch {
    return null; // it was removed, or is a script of another kind
  }
}
