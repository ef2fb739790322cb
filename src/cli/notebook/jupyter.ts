import { spawnSync } from "node:child_process";
import { delimiter, join } from "node:path";
import * as v from "valibot";
import { TangentLabError } from "../../errors.js";
import { parseJson } from "../../io/json.js";
import { run } from "../doctor/run.js";
import { inVenv } from "../python.js";

/** The parts of Jupyter that are used, and the Python module of each. */
const modules = { lab: "jupyterlab", nbconvert: "nbconvert", kernelspec: "jupyter_client.kernelspecapp" };

export type JupyterPart = keyof typeof modules;

/** The first of some commands that succeeds with `options`; null where none does. */
const firstThatWorks = (candidates: string[][], ...options: string[]): string[] | null =>
  candidates.find(([command, ...args]) => {
    const { status } = spawnSync(command!, [...args, ...options], { stdio: "ignore", timeout: 60_000 });
    return status === 0;
  }) ?? null;

/** A command line that starts a part of Jupyter: the `.venv` in a project's folder first, then what is on the PATH; null where there is none. */
export function findJupyter(part: JupyterPart, folder: string): string[] | null {
  const candidates = [
    [inVenv(folder, `jupyter-${part}`)],
    [`jupyter-${part}`],
    ["jupyter", part],
    ["python3", "-m", modules[part]],
    ["python", "-m", modules[part]],
  ];
  return firstThatWorks(candidates, "--version");
}

/** Where the Python of a project, or that on the PATH, is installed: its `sys.prefix`. @throws TangentLabError `file-system` where there is none. */
export async function pythonPrefix(folder: string): Promise<string> {
  const python = firstThatWorks([[inVenv(folder, "python")], ["python3"], ["python"]], "--version");
  const { code, out } = python
    ? await run([...python, "-c", "import sys; print(sys.prefix)"], 60_000)
    : { code: null, out: "" };
  if (code === 0) return out.trim();
  throw new TangentLabError("file-system", "Python, for --sys-prefix, was not found", {
    argument: "--sys-prefix",
    allowed: "a Python in .venv or on the PATH; or --prefix FOLDER; or neither, for your own kernels",
  });
}

/** The environment in which Jupyter finds a project's own kernels, in its folder `.jupyter`, and those in `others`, too. */
export function jupyterEnvironment(folder: string, ...others: string[]): NodeJS.ProcessEnv {
  const folders = [join(folder, ".jupyter"), ...others, process.env.JUPYTER_PATH];
  return { ...process.env, JUPYTER_PATH: folders.filter(Boolean).join(delimiter) };
}

/** A kernel that Jupyter knows. */
export interface KernelSpec {
  name: string;
  title: string;
  folder: string;
  /** The command line that starts it, with `{connection_file}` where the connection's file goes. */
  argv: string[];
}

/** All kernels that Jupyter knows in a project's folder; null where there is no Jupyter. */
export async function specsIn(folder: string): Promise<KernelSpec[] | null> {
  const command = findJupyter("kernelspec", folder);
  if (!command) return null;
  const { code, out } = await run([...command, "list", "--json"], 60_000, jupyterEnvironment(folder));
  if (code !== 0) return null;
  const { kernelspecs } = parseJson(out, listSchema, "jupyter kernelspec list --json", (why, cause) => {
    return new TangentLabError("corrupt-file", why, { argument: "jupyter", cause });
  });
  return Object.entries(kernelspecs).map(([name, { spec, resource_dir }]) => ({
    name,
    title: spec.display_name,
    folder: resource_dir,
    argv: spec.argv.map((word) => word.replaceAll("{resource_dir}", resource_dir)),
  }));
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
