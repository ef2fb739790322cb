// A reader that stops reading, a disk that takes nothing, few files that may be open.
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { test } from "uvu";
import * as assert from "uvu/assert";

const main = fileURLToPath(new URL("../../src/cli/main.ts", import.meta.url));
const reference = fileURLToPath(new URL("../fixtures/reference", import.meta.url));
const quoted = [process.execPath, ...process.execArgv, main].map((text) => `'${text}'`).join(" ");
const shell = (command: string): { status: number | null; stdout: string; stderr: string } =>
  spawnSync("bash", ["-c", command], { encoding: "utf8" });

test("a pipe that is closed early is no error to read about", () => {
  const { stdout, stderr } = shell(`${quoted} --help | true; echo "\${PIPESTATUS[0]}"`);
  assert.is(stderr, "");
  assert.ok(["0\n", "141\n"].includes(stdout), stdout);
});

for (const [name, args] of [
  ["verify", ["verify", reference, "--engine", "cpu"]],
  ["tokens", ["tokens", join(reference, "published_tokens_sdxl.safetensors")]],
] as const)
  test(`${name} | head -1: one line, and no error`, () => {
    const words = args.map((word) => `'${word}'`).join(" ");
    const { stdout, stderr } = shell(`${quoted} ${words} | head -1; echo "\${PIPESTATUS[0]}"`);
    const [line, status] = stdout.trimEnd().split("\n");
    assert.ok(line!.length > 0);
    assert.ok(["0", "141"].includes(status!), stdout);
    assert.not.match(stderr, /EPIPE|error|\n\s+at /);
  });

test("output that cannot be written is a failure", () => {
  if (!existsSync("/dev/full")) return console.log("skipped: no /dev/full");
  for (const args of ["--help", "--version"]) {
    const { status, stderr } = shell(`${quoted} ${args} > /dev/full`);
    assert.is(status, 2, args);
    assert.match(stderr, /^error: cannot write the output: .*ENOSPC.*\n$/);
  }
});

/** The program as it is installed: tsx, which runs the sources, needs files and memory of its own. */
const installed = fileURLToPath(new URL("../../dist/src/cli/tangent-lab.js", import.meta.url));
const skipped = (): boolean => {
  if (existsSync(installed) && process.platform === "linux") return false;
  console.log("skipped: npm run build comes first, and limits are Linux's");
  return true;
};
const limited = (limit: string) =>
  shell(`ulimit ${limit}; exec '${process.execPath}' '${installed}' --version`);

test("too few files that may be open are named, before anything else", () => {
  if (skipped()) return;
  const { status, stderr } = limited("-n 64");
  assert.match(stderr, /^error: only 64 files may be open at a time, .*ulimit -n 256\n$/);
  assert.is(status, 2);
  assert.match(limited("-n 256").stdout, /^\d+\.\d+\.\d+\n$/);
});

test("6 GB of virtual memory are enough to start: WebAssembly reserves more, where it is used", () => {
  if (skipped()) return;
  const { stdout, stderr } = limited("-v 6000000");
  assert.match(stdout, /^\d+\.\d+\.\d+\n$/, stderr);
});

test.run();
