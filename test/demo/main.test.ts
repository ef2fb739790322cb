import { type SpawnSyncReturns, spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { test } from "uvu";
import * as assert from "uvu/assert";

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

test.run();
