import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { loadDataset } from "../../src/cli/load-dataset.js";
import { rejection } from "../rejection.js";

const arrays = fileURLToPath(new URL("../fixtures/datasets/", import.meta.url));

test("--data with and without a dataset's name before it", async () => {
  const folder = mkdtempSync(join(tmpdir(), "tangent-lab="));
  try {
    writeFileSync(join(folder, "data_batch_1.bin"), Buffer.alloc(3073));
    const data = [folder, `array=${join(arrays, "grey.npz")}`];
    assert.is((await loadDataset("array", { data })).size, 3);
    assert.equal((await loadDataset("cifar-10", { data, size: 8 })).shape, [8, 8, 3]);
    const real = { data: [`array=${join(arrays, "rgb.npz")}`], range: [0, 1] } as const;
    assert.equal((await loadDataset("array", real)).shape.at(-1), 3);
    assert.equal((await loadDataset("shapes", { data, size: 8 })).shape, [8, 8, 1]);
    assert.is((await loadDataset("spiral-16d", { data, seed: 1, size: 8 })).name, "spiral-16d");
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test("a name that is no dataset, and files that are needed", async () => {
  const error = await rejection(loadDataset("digits", { data: ["mnist=somewhere"] }));
  assert.match(error.message, /invalid --data; given: "mnist=somewhere"; allowed: .*digits, fashion/);
  assert.match(
    (await rejection(loadDataset("images", {}))).message,
    /invalid --data; given: undefined; allowed: where the files of images are: --data PATH/,
  );
});

test.run();
