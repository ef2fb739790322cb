// `npm run notebooks`: executes the lessons on the real kernel and saves their outputs in them. `-- --check` saves nothing. Names or beginnings of names
// choose: `npm run notebooks -- 02 05`. With QUICK=1 in the environment trainings are short, and nothing is saved.
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { TangentLabError } from "../src/errors.js";
import { writeFileAtomically } from "../src/io/files.js";
import { CellError, executeNotebook } from "./execute.js";
import { readNotebook } from "./file.js";
import { root } from "./jupyter.js";

const { values, positionals } = parseArgs({
  options: { check: { type: "boolean", default: false } },
  allowPositionals: true,
});
const save = !values.check && process.env.QUICK !== "1";

const folder = join(root, "notebooks");
const all = (await readdir(folder)).filter((name) => name.endsWith(".ipynb")).sort();
const chosen =
  positionals.length === 0 ? all : all.filter((name) => positionals.some((p) => name.startsWith(p)));

try {
  if (chosen.length === 0)
    throw new TangentLabError("invalid-argument", "no such lesson", {
      given: positionals.join(" "),
      allowed: `beginnings of ${all.join(", ")}`,
    });
  // Before minutes of training.
  for (const name of chosen) await readNotebook(join(folder, name));
  for (const name of chosen) {
    const path = join(folder, name);
    const start = performance.now();
    const executed = await executeNotebook(path);
    if (save) await writeFileAtomically(path, executed);
    const seconds = ((performance.now() - start) / 1000).toFixed(0);
    console.log(`${name}: ${seconds} s, ${(executed.length / 1e6).toFixed(1)} MB${save ? ", saved" : ""}`);
  }
} catch (error) {
  if (!(error instanceof TangentLabError || error instanceof CellError)) throw error;
  console.error(error.message);
  process.exitCode = "code" in error && error.code === "invalid-argument" ? 2 : 1;
}
