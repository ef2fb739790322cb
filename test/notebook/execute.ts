import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { findJupyter, jupyterEnvironment, root } from "../../notebooks/jupyter.js";

export interface Output {
  output_type: "display_data" | "stream" | "error" | "execute_result";
  name?: string;
  text?: string | string[];
  data?: Record<string, unknown>;
  metadata?: Record<string, unknown>;
}

export interface Cell {
  cell_type: "code" | "markdown";
  source: string | string[];
  outputs: Output[];
}

/** Text of a notebook's field, which is one string or a list of lines. */
export const textOf = (text: unknown): string => (Array.isArray(text) ? text.join("") : String(text ?? ""));

/** Why notebooks cannot be executed here, or null. In CI they have to be. */
export const reasonToSkip: string | null = (() => {
  if (findJupyter("nbconvert")) return null;
  if (process.env.CI) throw new Error("CI needs Jupyter's nbconvert (.ci/run installs it)");
  return "Jupyter's nbconvert was not found (pip install nbconvert)";
})();

/** Executes a notebook on the real kernel, like `npm run lab` starts it. Throws what the failing cell said. */
export function execute(path: string, environment: Record<string, string> = {}): Cell[] {
  const folder = temporaryFolder();
  try {
    const [command, ...args] = findJupyter("nbconvert")!;
    const options = [
      "--execute",
      "--to",
      "notebook",
      "--ExecutePreprocessor.kernel_name=tslab",
      "--output-dir",
      folder,
    ];
    const { status, stderr } = spawnSync(command!, [...args, ...options, path], {
      env: { ...jupyterEnvironment(), ...environment },
      encoding: "utf8",
      timeout: 300_000,
    });
    if (status !== 0)
      throw new Error(`executing ${basename(path)} failed:\n${stderr.split("CellExecutionError: ").at(-1)}`);
    return (JSON.parse(readFileSync(join(folder, basename(path)), "utf8")) as { cells: Cell[] }).cells;
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** Executes code cells; they import the built package by its name, as a user's notebook does. Returns each cell's outputs. */
export function executeCells(sources: string[]): Output[][] {
  const folder = temporaryFolder();
  try {
    const path = join(folder, "cells.ipynb");
    const cells = sources.map((source, i) => ({
      cell_type: "code",
      id: `cell-${i}`,
      metadata: {},
      execution_count: null,
      outputs: [],
      source,
    }));
    const kernelspec = { name: "tslab", display_name: "TypeScript", language: "typescript" };
    writeFileSync(path, JSON.stringify({ cells, metadata: { kernelspec }, nbformat: 4, nbformat_minor: 5 }));
    return execute(path).map((cell) => cell.outputs);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** A folder inside the repository, so that the kernel finds the package by its name. */
function temporaryFolder(): string {
  const cache = join(root, ".cache");
  mkdirSync(cache, { recursive: true });
  return mkdtempSync(join(cache, "notebook-"));
}
