import { spawnSync } from "node:child_process";
import { chmodSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { root } from "../../notebooks/jupyter.js";

const lab = ["--import", "tsx", join(root, "notebooks", "lab.ts")];

let folder = "";
test.before.each(() => {
  folder = mkdtempSync(join(tmpdir(), "tangent-lab-"));
  symlinkSync(process.execPath, join(folder, "node"));
});
test.after.each(() => rmSync(folder, { recursive: true }));

const run = (...args: string[]) =>
  spawnSync(process.execPath, [...lab, ...args], { cwd: root, env: { PATH: folder }, encoding: "utf8" });

test("says how to get Jupyter where there is none", () => {
  const { status, stderr } = run();
  assert.is(status, 1);
  assert.match(stderr, /JupyterLab was not found/);
  assert.match(stderr, /pip install jupyterlab/);
});

test("starts JupyterLab with the lesson, the repository's kernels and the given arguments", () => {
  const script = join(folder, "jupyter-lab");
  writeFileSync(script, '#!/bin/sh\necho "$JUPYTER_PATH|$*"\n');
  chmodSync(script, 0o755);
  const { status, stdout } = run("--no-browser");
  assert.is(status, 0);
  const [path, args] = stdout.trim().split("|");
  assert.is(path, join(root, ".jupyter"));
  assert.match(args!, /--no-browser notebooks\/01-consistency-models\.ipynb$/);
});

test.run();
