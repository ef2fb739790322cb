import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { tslabSend } from "../../viz/display/tslab.js";

/** Two copies of tslab in one process, of which one runs the cell: that of the kernel. */
function twoCopies(running: "first" | "second" | "none"): unknown {
  const folder = mkdtempSync(join(tmpdir(), "tangent-lab-"));
  const require = createRequire(import.meta.url);
  const paths = (["first", "second"] as const).map((name) => {
    const path = join(folder, name, "node_modules", "tslab", "dist", "jupyter.js");
    mkdirSync(join(path, ".."), { recursive: true });
    const writer = name === running ? `() => "${name}"` : "null";
    writeFileSync(path, `module.exports = { lastWriteDisplayData: ${writer} };`);
    return path;
  });
  try {
    for (const path of paths) require(path);
    return (tslabSend() as (() => unknown) | null)?.();
  } finally {
    for (const path of paths) delete require.cache[path];
    rmSync(folder, { recursive: true });
  }
}

test("of two copies of tslab, the one that runs the cell shows the chart", () => {
  assert.is(twoCopies("first"), "first");
  assert.is(twoCopies("second"), "second");
  assert.is(twoCopies("none"), undefined);
});

test.run();
