import { dirname } from "node:path";
import { fileURLToPath } from "node:url";
import * as jupyter from "../src/cli/notebook/jupyter.js";

/** The repository's root. */
export const root = dirname(dirname(fileURLToPath(import.meta.url)));

/** A command line that starts a part of Jupyter; null where there is none. */
export const findJupyter = (part: jupyter.JupyterPart): string[] | null => jupyter.findJupyter(part, root);

/** The environment in which Jupyter finds the repository's tslab kernel. */
export const jupyterEnvironment = (): NodeJS.ProcessEnv => jupyter.jupyterEnvironment(root);
