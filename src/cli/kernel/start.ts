// Starts a kernel for notebooks. `tangent-lab kernel install` copies this file beside kernel.json, where it imports nothing but Node: the tangent-lab that it starts
// is that of the notebook's project, or `--from`, the one that installed it.
import { existsSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { pathToFileURL } from "node:url";
import { parseArgs } from "node:util";
import type { startKernel } from "./main.js";

const { values, positionals } = parseArgs({
  options: { from: { type: "string", default: "" }, prelude: { type: "boolean", default: false } },
  allowPositionals: true,
});

/** The tangent-lab among the packages of the folder in which the notebook runs. */
function ofProject(): string | null {
  try {
    const require = createRequire(join(process.cwd(), "program.js"));
    return dirname(require.resolve("tangent-lab/package.json"));
  } catch {
    return null;
  }
}

const candidates = [ofProject() ?? "", values.from].filter((path) => path !== "");
const file = (path: string): string => join(path, "dist", "src", "cli", "kernel", "main.js");
const from = candidates.find((path) => existsSync(file(path)));
try {
  if (from === undefined)
    throw new Error(
      `tangent-lab is not in ${candidates.join(", nor in ") || process.cwd()}: npm install tangent-lab`,
    );
  const kernel = (await import(pathToFileURL(file(from)).href)) as { startKernel: typeof startKernel };
  await kernel.startKernel({ connectionFile: positionals[0] ?? "", from, prelude: values.prelude });
} catch (error) {
  console.error(`error: ${(error as Error).message}`);
  process.exitCode = 2;
}
