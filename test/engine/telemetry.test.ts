// Training tells nobody: neither a file of ONNX Runtime's telemetry nor a look-up of its host, by the system calls of a training.
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { test } from "uvu";
import * as assert from "uvu/assert";

const script = fileURLToPath(new URL("../loop/short-run.ts", import.meta.url));

test("the variable that turns telemetry off is set before ONNX Runtime is loaded, and a user's own value stays", () => {
  const code = `await import(${JSON.stringify(new URL("../../src/engine/onnx/session.ts", import.meta.url).href)});
    console.log(process.env.ORT_DISABLE_TELEMETRY)`;
  const value = (own?: string): string =>
    spawnSync(process.execPath, [...process.execArgv, "--input-type=module", "-e", code], {
      encoding: "utf8",
      env: { ...process.env, ORT_DISABLE_TELEMETRY: own },
    }).stdout.trim();
  assert.equal([value(), value("0")], ["1", "0"]);
});

test("a training opens nothing of Microsoft's in the cache and looks up no host", () => {
  if (spawnSync("strace", ["-V"]).status !== 0) return console.log("skipped: no strace");
  const folder = mkdtempSync(join(tmpdir(), "tangent-lab-strace-"));
  try {
    const trace = join(folder, "trace");
    const { ORT_DISABLE_TELEMETRY: _, ...env } = process.env;
    const args = ["-f", "-qq", "-e", "trace=openat,open,mkdir,mkdirat,socket,connect,sendto", "-o", trace];
    const child = spawnSync("strace", [...args, process.execPath, ...process.execArgv, script], {
      encoding: "utf8",
      env: { ...env, HOME: folder, XDG_CACHE_HOME: join(folder, "cache"), TANGENT_LAB_ENGINE: "onnx" },
    });
    if (/ptrace.*(not permitted|denied)/i.test(child.stderr)) return console.log("skipped: no ptrace");
    assert.is(child.status, 0, child.stderr);
    const calls = readFileSync(trace, "utf8").split("\n");
    assert.ok(
      calls.some((call) => call.includes("onnxruntime_binding.node")),
      "ONNX Runtime was loaded",
    );
    const asked = calls.filter(
      (call) =>
        /Microsoft|DeveloperTools|resolv\.conf|nsswitch/.test(call) ||
        /(socket|connect)\(.*AF_INET/.test(call),
    );
    assert.equal(asked, []);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test.run();
