// `npm run lab`: opens the first lesson in JupyterLab with this repository's TypeScript kernel. Further arguments go to JupyterLab.
import { spawn } from "node:child_process";
import { join } from "node:path";
import { findJupyter, jupyterEnvironment, root } from "./jupyter.js";

const jupyter = findJupyter("lab");
if (jupyter) {
  const [command, ...args] = jupyter;
  const asRoot = process.getuid?.() === 0 ? ["--allow-root"] : [];
  const notebook = join("notebooks", "01-consistency-models.ipynb");
  const lab = spawn(command!, [...args, ...asRoot, ...process.argv.slice(2), notebook], {
    cwd: root,
    env: jupyterEnvironment(),
    stdio: "inherit",
  });
  // Ctrl-C goes to JupyterLab too, which asks what to do: wait for its answer.
  process.on("SIGINT", () => {});
  lab.on("exit", (code) => process.exit(code ?? 1));
} else {
  console.error(`JupyterLab was not found. With Python 3, in this folder:

  python3 -m venv .venv && .venv/bin/pip install jupyterlab

(on Debian and Ubuntu after: apt-get install python3-venv), then again: npm run lab`);
  process.exitCode = 1;
}
