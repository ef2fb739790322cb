import { type SpawnSyncReturns, spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { build } from "../../demo/build.js";
import { rejection } from "../rejection.js";

const main = fileURLToPath(new URL("../../demo/main.ts", import.meta.url));
const demo = (...args: string[]): SpawnSyncReturns<string> =>
  spawnSync(process.execPath, ["--import", "tsx", main, ...args], { encoding: "utf8", timeout: 60_000 });

test("--help says what there is and serves nothing", () => {
  const { status, stdout } = demo("--help");
  assert.is(status, 0);
  assert.match(stdout, "serves it on this machine");
  assert.not.match(stdout, "http://");
});

test("an unknown option is refused before anything is built", () => {
  const { status, stdout, stderr } = demo("--port=80");
  assert.is(status, 2);
  assert.is(stdout, "");
  assert.match(stderr, "unknown option '--port");
});

test("it is built only into a folder that is missing, empty or of an earlier build", async () => {
  const folder = mkdtempSync(join(tmpdir(), "tangent-lab-"));
  try {
    writeFileSync(join(folder, "photo.jpg"), "mine");
    const error = await rejection(build(folder));
    assert.is(error.code, "file-system");
    assert.match(error.message, 'holds "photo.jpg", which tangent-lab did not write');
    assert.is(readFileSync(join(folder, "photo.jpg"), "utf8"), "mine");
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test.run();
