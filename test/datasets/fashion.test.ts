import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { byName, fashion } from "../../datasets/index.js";
import { rejection } from "../rejection.js";

const test = suite<{ folder: string }>("fashion");
test.before.each((context) => {
  context.folder = mkdtempSync(join(tmpdir(), "tangent-lab-"));
});
test.after.each(({ folder }) => rmSync(folder, { recursive: true }));

/** Two 28 x 28 images, black and white, a bag and a coat. */
function writeFiles(folder: string): void {
  const images = Buffer.alloc(16 + 2 * 784);
  images.set([0, 0, 8, 3, 0, 0, 0, 2, 0, 0, 0, 28, 0, 0, 0, 28]);
  images.fill(255, 16 + 784);
  writeFileSync(join(folder, "train-images-idx3-ubyte.gz"), gzipSync(images));
  writeFileSync(join(folder, "train-labels-idx1-ubyte"), Buffer.of(0, 0, 8, 1, 0, 0, 0, 2, 8, 4));
}

test("IDX files from a folder, with the names of their classes", async ({ folder }) => {
  writeFiles(folder);
  const data = await fashion({ folder, size: 28 });
  assert.equal([data.name, data.size, data.shape], ["fashion", 2, [28, 28, 1]]);
  assert.equal(
    Array.from(data.labels!, (label) => data.classNames![label]),
    ["bag", "coat"],
  );
  assert.equal([data.examples!([0])[0], data.examples!([1])[783]], [-1, 1]);
  const named = await byName("fashion", { folder, size: 14 });
  assert.equal([named.shape, named.classNames!.length], [[14, 14, 1], 10]);
});

test("a folder without the files is named", async ({ folder }) => {
  const error = await rejection(fashion({ folder, split: "test" }));
  assert.is(error.code, "file-system");
  assert.match(error.message, /t10k-images/);
});

test.run();
