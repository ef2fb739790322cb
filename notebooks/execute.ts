import { spawn } from "node:child_process";
import { mkdir, mkdtemp, readFile, rm } from "node:fs/promises";
import { basename, join } from "node:path";
import { TangentLabError } from "../src/errors.js";
import { vegaLiteMime } from "../viz/display/bundle.js";
import { findJupyter, jupyterEnvironment, root } from "./jupyter.js";

/** Longest time that one cell may take, in seconds, on a machine that is shared; nbconvert itself then ends the kernel. */
const limit = 40 * 60;

/** What the first failing cell said. */
export class CellError extends Error {}

/**
 * Executes a notebook from top to bottom on the real kernel, as `npm run lab` starts it, with `environment` besides the process's own.
 * Returns the notebook's text with its outputs; the file is left as it is.
 * @throws CellError; TangentLabError `file-system` without Jupyter.
 */
export async function executeNotebook(
  path: string,
  environment: Record<string, string> = {},
): Promise<string> {
  const jupyter = findJupyter("nbconvert");
  if (!jupyter)
    throw new TangentLabError(
      "file-system",
      "Jupyter's nbconvert was not found (pip install jupyterlab nbconvert)",
    );
  const folder = await temporaryFolder();
  try {
    const [command, ...args] = jupyter;
    const execution = { kernel_name: "tslab", timeout: limit };
    const settings = Object.entries(execution).map(
      ([name, value]) => `--ExecutePreprocessor.${name}=${value}`,
    );
    const options = ["--execute", "--to", "notebook", ...settings];
    const child = spawn(command!, [...args, ...options, "--output-dir", folder, path], {
      env: { ...jupyterEnvironment(), ...environment },
      stdio: ["ignore", "ignore", "pipe"],
    });
    let errors = "";
    child.stderr.setEncoding("utf8").on("data", (text: string) => {
      errors += text;
    });
    const status = await new Promise((resolve, reject) => child.on("error", reject).on("close", resolve));
    if (status !== 0) {
      const why = errors.split("CellExecutionError: ").at(-1)!.trim();
      throw new CellError(`executing ${basename(path)} failed:\n${why}`);
    }
    return compact(numbered(await readFile(join(folder, basename(path)), "utf8")));
  } finally {
    await rm(folder, { recursive: true });
  }
}

/** The notebook's text with its code cells counted as a fresh kernel counts them: nbconvert leaves out what tslab says of it. */
export function numbered(notebook: string): string {
  const { cells, ...rest } = JSON.parse(notebook) as { cells: { cell_type: string }[] };
  let count = 0;
  const counted = cells.map((cell) =>
    cell.cell_type === "code" ? { ...cell, execution_count: ++count } : cell,
  );
  return JSON.stringify({ cells: counted, ...rest });
}

/** The notebook's text with each chart's specification on one line: indented by nbconvert, its numbers would have a line each, and the file be a third larger. */
export function compact(notebook: string): string {
  const charts: string[] = [];
  const keep = (key: string, value: unknown): unknown =>
    key === vegaLiteMime ? `@chart-${charts.push(JSON.stringify(value)) - 1}@` : value;
  const text = JSON.stringify(JSON.parse(notebook), keep, 1);
  return `${text.replace(/"@chart-(\d+)@"/g, (_, index: string) => charts[Number(index)]!)}\n`;
}

/** A new folder inside the repository, so that a kernel started there finds the package by its name. */
export async function temporaryFolder(): Promise<string> {
  const cache = join(root, ".cache");
  await mkdir(cache, { recursive: true });
  return mkdtemp(join(cache, "notebook-"));
}
