import { spawnSync } from "node:child_process";
import { delimiter, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

/** The repository's root. */
export const root = dirname(dirname(fileURLToPath(import.meta.url)));

/** The parts of Jupyter that are used here, and the Python module of each. */
const modules = { lab: "jupyterlab", nbconvert: "nbconvert" };

/** A command line that starts a part of Jupyter: the repository's own `.venv` first, then what is on the PATH; null where there is none. */
export function findJupyter(part: keyof typeof modules): string[] | null {
  const scripts = process.platform === "win32" ? "Scripts" : "bin";
  const candidates = [
    [join(root, ".venv", scripts, `jupyter-${part}`)],
    [`jupyter-${part}`],
    ["jupyter", part],
    ["python3", "-m", modules[part]],
    ["python", "-m", modules[part]],
  ];
  const works = ([command, ...args]: string[]): boolean =>
    spawnSync(command!, [...args, "--version"], { stdio: "ignore", timeout: 60_000 }).status === 0;
  return candidates.find(works) ?? null;
}

/** The environment in which Jupyter finds the repository's tslab kernel. */
export function jupyterEnvironment(): NodeJS.ProcessEnv {
  const path = [join(root, ".jupyter"), process.env.JUPYTER_PATH].filter(Boolean).join(delimiter);
  return { ...process.env, JUPYTER_PATH: path };
}
