import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { byName, cifar100 } from "../../datasets/index.js";
import { rejection } from "../rejection.js";

const test = suite<{ folder: string }>("CIFAR-100");
test.before.each((context) => {
  context.folder = mkdtempSync(join(tmpdir(), "tangent-lab-"));
});
test.after.each(({ folder }) => rmSync(folder, { recursive: true }));

/** Both labels, then planes of one red, green and blue. */
const record = (coarse: number, fine: number, colour: readonly [number, number, number]): Buffer =>
  Buffer.concat([Buffer.of(coarse, fine), ...colour.map((value) => Buffer.alloc(1024, value))]);

test("fine and coarse labels with their names; the test set", async ({ folder }) => {
  const inner = join(folder, "cifar-100-binary");
  mkdirSync(inner);
  const [fine, coarse] = [100, 20].map((n) => Array.from({ length: n }, (_, i) => `class ${i}`)) as [
    string[],
    string[],
  ];
  writeFileSync(
    join(inner, "train.bin"),
    Buffer.concat([record(11, 19, [0, 51, 255]), record(19, 99, [255, 0, 0])]),
  );
  writeFileSync(join(inner, "test.bin"), record(0, 5, [1, 2, 3]));
  writeFileSync(join(inner, "fine_label_names.txt"), fine.join("\n"));
  writeFileSync(join(inner, "coarse_label_names.txt"), `${coarse.join("\n")}\n`);
  const data = await cifar100(folder);
  assert.equal([data.name, data.size, [...data.labels!], data.numClasses], ["cifar-100", 2, [19, 99], 100]);
  assert.equal([data.classNames, data.shape], [fine, [32, 32, 3]]);
  assert.equal(
    [...data.examples!([0]).subarray(0, 3)].map((value) => Math.round((value + 1) * 127.5)),
    [0, 51, 255],
  );
  const superclasses = await cifar100(folder, { labels: "coarse" });
  assert.equal(
    [[...superclasses.labels!], superclasses.numClasses, superclasses.classNames],
    [[11, 19], 20, coarse],
  );
  const named = await byName("cifar-100-coarse", { folder, split: "test", size: 8 });
  assert.equal([named.name, [...named.labels!], named.shape], ["cifar-100-coarse", [0], [8, 8, 3]]);
});

test("refused: CIFAR-10's files, half a file, a label beyond the classes, no files", async ({ folder }) => {
  const refused = async (bytes: Buffer | undefined, message: RegExp) => {
    if (bytes) writeFileSync(join(folder, "train.bin"), bytes);
    assert.match((await rejection(cifar100(folder))).message, message);
  };
  await refused(undefined, /no batches of CIFAR-100 in .*allowed: a folder with train\.bin/);
  await refused(record(1, 1, [0, 0, 0]).subarray(1), /3073 bytes, not a multiple of 3074/);
  await refused(record(20, 1, [0, 0, 0]), /label 0 is 20, where 0 to 19 are allowed/);
  await refused(record(1, 100, [0, 0, 0]), /CIFAR-100's binary version: label 0 is 100, where 0 to 99/);
});

test.run();
