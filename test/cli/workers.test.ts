import { spawn } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { test } from "uvu";
import * as assert from "uvu/assert";

const script = fileURLToPath(new URL("./workers-run.ts", import.meta.url));

let folder: string;
let file: string;
test.before.each(() => {
  folder = mkdtempSync(join(tmpdir(), "tangent-lab-workers-"));
  file = join(folder, "ended");
});
test.after.each(() => rmSync(folder, { recursive: true }));

/** Runs a command with a worker, in a group of its own as a terminal does; `interruptAt` is a text on stderr at which the group gets SIGINT. */
function run(
  what: string,
  interruptAt?: string,
): Promise<{ code: number | null; out: string; errors: string }> {
  return new Promise((resolve) => {
    const child = spawn(process.execPath, [...process.execArgv, script, what, file], {
      detached: true,
    });
    let [out, errors] = ["", ""];
    child.stdout.on("data", (chunk) => {
      out += chunk;
    });
    child.stderr.on("data", (chunk) => {
      errors += chunk;
      if (interruptAt && errors.includes(interruptAt)) process.kill(-child.pid!, "SIGINT");
    });
    child.on("close", (code) => resolve({ code, out, errors }));
  });
}

test("a worker that fails is told with its reason, and the command goes on", async () => {
  const { code, out, errors } = await run("fails");
  assert.equal([code, out], [0, "went on\n"], errors);
  const told = "[2] failed: its exit code is 2; what it was at is left to the others";
  assert.is(errors, `[2] error: no such thing\n${told}\n`);
});

test("so is one that is killed", async () => {
  const { code, out, errors } = await run("is-killed");
  assert.equal([code, out], [0, "went on\n"], errors);
  assert.is(errors, "[2] failed: it was killed (SIGKILL); what it was at is left to the others\n");
});

test("Ctrl-C, which the terminal sends to all, ends the worker in order, and the command after it", async () => {
  const { code, out } = await run("waits", "works");
  assert.equal([code, out], [0, "stopped\n"]);
  assert.is(readFileSync(file, "utf8"), "in order");
});

test("no worker is started by a command that is stopped already", async () => {
  const { code, errors } = await run("aborted");
  assert.equal([code, errors], [0, ""]);
});

test("a worker whose command was killed before it began ends in order, too", async () => {
  const { code } = await run("late");
  assert.is(code, null);
  for (let i = 0; !existsSync(file) && i < 300; i++) await setTimeout(100);
  assert.is(readFileSync(file, "utf8"), "in order");
});

test.run();
