// Runs test files, each in its own process, two at a time: `node --import tsx test/run.ts [FILE...]`, all by default.
import { readdirSync } from "node:fs";
import { availableParallelism } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { runTestFile } from "./run-file.js";

const root = dirname(fileURLToPath(import.meta.url));
const files =
  process.argv.length > 2
    ? process.argv.slice(2)
    : readdirSync(root, { recursive: true, encoding: "utf8" })
        .filter((path) => path.endsWith(".test.ts"))
        .sort()
        .map((path) => join(root, path));

let passed = 0;
let failed = 0;

async function work(): Promise<void> {
  for (let file = files.shift(); file !== undefined; file = files.shift()) {
    const result = await runTestFile(file);
    process.stdout.write(`\n${file}\n${result.output}`);
    passed += result.passed;
    failed += result.failed;
  }
}

await Promise.all(Array.from({ length: Math.min(2, availableParallelism()) }, work));
console.log(`${passed} passed, ${failed} failed`);
process.exitCode = failed > 0 || passed === 0 ? 1 : 0;
