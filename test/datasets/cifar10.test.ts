import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { cifar10 } from "../../datasets/index.js";
import { rejection } from "../rejection.js";

const test = suite<{ folder: string }>("CIFAR-10");
test.before.each((context) => {
  context.folder = mkdtempSync(join(tmpdir(), "tangent-lab-"));
});
test.after.each(({ folder }) => rmSync(folder, { recursive: true }));

/** One image: red rises with the row, green with the column, blue is `blue`. */
function record(label: number, blue: number): Buffer {
  const bytes = Buffer.alloc(3073);
  bytes[0] = label;
  for (let i = 0; i < 1024; i++) {
    bytes[1 + i] = 8 * Math.floor(i / 32);
    bytes[1 + 1024 + i] = 8 * (i % 32);
    bytes[1 + 2048 + i] = blue;
  }
  return bytes;
}

const value = (byte: number): number => Math.fround(byte / 127.5 - 1);

test("batches in order, planes to pixels, names of classes, progress", async ({ folder }) => {
  const inner = join(folder, "cifar-10-batches-bin");
  mkdirSync(inner);
  writeFileSync(join(inner, "data_batch_2.bin"), record(9, 255));
  writeFileSync(join(inner, "data_batch_1.bin"), Buffer.concat([record(3, 0), record(0, 10)]));
  writeFileSync(join(inner, "test_batch.bin"), record(1, 20));
  const names = ["a", "b", "c", "d", "e", "f", "g", "h", "i", "j"];
  writeFileSync(join(inner, "batches.meta.txt"), `${names.join("\r\n")}\r\n\r\n`);
  const seen: [number, number][] = [];
  const data = await cifar10(folder, { onProgress: (...at) => seen.push(at) });
  assert.equal([data.size, data.shape, [...data.labels!]], [3, [32, 32, 3], [3, 0, 9]]);
  assert.equal([data.classNames, seen], [names, [[3, 3]]]);
  const pixel = 3 * (5 * 32 + 7);
  assert.equal([...data.examples!([2]).subarray(pixel, pixel + 3)], [value(40), value(56), value(255)]);
  const test = await cifar10(inner, { split: "test" });
  assert.equal([test.size, [...test.labels!]], [1, [1]]);
});

test("smaller images are averages", async ({ folder }) => {
  writeFileSync(join(folder, "data_batch_1.bin"), record(3, 77));
  const data = await cifar10(folder, { size: 16 });
  assert.equal([data.shape, data.classNames], [[16, 16, 3], undefined]);
  const pixel = 3 * (5 * 16 + 7);
  // Of a ramp of 8 a pixel, between pixels 10 and 11, and 14 and 15.
  assert.equal([...data.examples!([0]).subarray(pixel, pixel + 3)], [value(84), value(116), value(77)]);
});

for (const [why, name, bytes, message] of [
  ["cut short", "data_batch_1.bin", record(0, 0).subarray(1), /3072 bytes, not a multiple of 3073/],
  ["empty", "data_batch_1.bin", Buffer.alloc(0), /0 bytes/],
  ["CIFAR-100's or a wrong label", "data_batch_1.bin", record(10, 0), /label 0 is 10, where 0 to 9/],
  ["nine names", "batches.meta.txt", Buffer.from("x\n".repeat(9)), /9 names of classes instead of 10/],
] as const) {
  test(`files that are not what they should be: ${why}`, async ({ folder }) => {
    writeFileSync(join(folder, "data_batch_1.bin"), record(0, 0));
    writeFileSync(join(folder, name), bytes);
    const error = await rejection(cifar10(folder));
    assert.is(error.code, "corrupt-file");
    assert.match(error.message, name);
    assert.match(error.message, message);
  });
}

test("folders without batches and other sizes are refused", async ({ folder }) => {
  const error = await rejection(cifar10(folder, { split: "test" }));
  assert.is(error.code, "file-system");
  assert.match(error.message, /no batches of CIFAR-10.*test_batch\.bin/);
  assert.match((await rejection(cifar10(join(folder, "nowhere")))).message, /cannot read .*nowhere/);
  assert.match((await rejection(cifar10(folder, { size: 64 }))).message, /size.*4 to 32/);
});

test.run();
