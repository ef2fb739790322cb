import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { runTestFile } from "./run-file.js";

const path = (name: string): string => fileURLToPath(new URL(name, import.meta.url));
const fixture = (name: string): string => path(`fixtures/runner/${name}.ts`);

test("runner: passes, failures, crashes and files that run no test are told apart", async () => {
  const expected = {
    passing: [2, 0],
    failing: [1, 1],
    crashing: [1, 1],
    throwing: [0, 1],
    forgotten: [0, 1],
    skipped: [0, 0],
  };
  for (const [name, counts] of Object.entries(expected)) {
    const { passed, failed } = await runTestFile(fixture(name));
    assert.equal({ [name]: [passed, failed] }, { [name]: counts });
  }
});

test("runner: a hanging file is killed and fails", async () => {
  const result = await runTestFile(fixture("hanging"), 500);
  assert.equal([result.passed, result.failed], [0, 1]);
  assert.match(result.output, "killed by SIGKILL");
});

test("runner: the last line counts all tests, the exit code tells", () => {
  const run = (...names: string[]): [string, number | null] => {
    const arguments_ = [...process.execArgv, path("run.ts"), ...names.map(fixture)];
    const { stdout, status } = spawnSync(process.execPath, arguments_, { encoding: "utf8" });
    return [stdout.trimEnd().split("\n").at(-1)!, status];
  };
  assert.equal(run("passing", "failing", "throwing"), ["3 passed, 2 failed", 1]);
  assert.equal(run("passing"), ["2 passed, 0 failed", 0]);
  assert.equal(run("skipped"), ["0 passed, 0 failed", 1]);
});

test.run();
