import { rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { executeNotebook, temporaryFolder } from "../../notebooks/execute.js";
import { findJupyter } from "../../notebooks/jupyter.js";

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

/** Executes a notebook and returns its cells. */
export async function execute(path: string, environment: Record<string, string> = {}): Promise<Cell[]> {
  return (JSON.parse(await executeNotebook(path, environment)) as { cells: Cell[] }).cells;
}

/** Executes code cells; they import the built package by its name, as a user's notebook does. Returns each cell's outputs. */
export async function executeCells(sources: string[]): Promise<Output[][]> {
  const folder = await temporaryFolder();
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
    await writeFile(
      path,
      JSON.stringify({ cells, metadata: { kernelspec }, nbformat: 4, nbformat_minor: 5 }),
    );
    return (await execute(path)).map((cell) => cell.outputs);
  } finally {
    await rm(folder, { recursive: true });
  }
}
