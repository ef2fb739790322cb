import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { loadCodecs } from "../../datasets/sources/parquet-codecs.js";
import { openParquet } from "../../datasets/sources/parquet-file.js";
import { endOfStruct } from "../../datasets/sources/thrift.js";
import { plainParquet } from "../../fuzz/packed.js";
import type { TangentLabError } from "../../src/errors.js";
import { rejection } from "../rejection.js";

const test = suite<{ folder: string }>("Parquet");
test.before.each((context) => {
  context.folder = mkdtempSync(join(tmpdir(), "tangent-lab-"));
});
test.after.each(({ folder }) => rmSync(folder, { recursive: true }));

const fixtures = fileURLToPath(new URL("../fixtures/parquet/", import.meta.url));

/** All values of a column. */
async function column(path: string, name: string, maxBytes?: number): Promise<unknown[]> {
  const file = await openParquet(path, maxBytes);
  try {
    const parts: unknown[] = [];
    for (const range of file.ranges) parts.push(...Array.from(await file.read(name, range)));
    return parts;
  } finally {
    await file.close();
  }
}

for (const name of readdirSync(fixtures))
  test(`pyarrow's ${name}: each column, over groups and pages`, async () => {
    const path = join(fixtures, name);
    const of = <T>(make: (i: number) => T): T[] => Array.from({ length: 20 }, (_, i) => make(i));
    assert.equal(
      await column(path, "label"),
      of((i) => BigInt(i % 3)),
    );
    if (/none-1|snappy-2|gzip|brotli|lz4/.test(name))
      assert.equal(
        await column(path, "text"),
        of((i) => `caption ${i % 4}`),
      );
    assert.equal(
      await column(path, "captions"),
      of((i) => Array(1 + (i % 3)).fill(`a ${i % 5}`)),
    );
    const images = (await column(path, "image")) as { bytes: Uint8Array; path: string }[];
    assert.equal(
      images.map((image) => image.path),
      of((i) => `${i}.png`),
    );
    assert.ok(images.every(({ bytes }) => Buffer.from(bytes.subarray(1, 4)).toString() === "PNG"));
  });

/** Every second value is missing: levels in a run of bits, which there is room for another run in. */
const sparse = plainParquet(
  [
    {
      name: "text",
      data: Array.from({ length: 64 }, (_, i) => (i % 2 ? null : "x")),
      type: "STRING",
      nullable: true,
    },
  ],
  "UNCOMPRESSED",
);
/** Where the head of their run stands: 8 groups of 8 bits, which follow. */
const levels = sparse.indexOf(Buffer.from([17, 0x55, 0x55, 0x55, 0x55]));

function changed(at: number, bytes: readonly number[]): Buffer {
  const file = Buffer.from(sparse);
  file.set(bytes, at);
  return file;
}

for (const [why, bytes, message] of [
  [
    "a run of 2^31 - 1 values",
    [0xfe, 0xff, 0xff, 0xff, 0x0f, 1],
    /a run has 2147483647 values, of 64 that are left/,
  ],
  [
    "2^31 groups of bits",
    [0xff, 0xff, 0xff, 0xff, 0x0f],
    /a run has 17179869176 values, of 64 that are left/,
  ],
  ["a run of no bits", [1], /a run has 0 values/],
  ["an integer without end", [0xff, 0xff, 0xff, 0xff, 0xff, 0xff], /an integer of more than 32 bits/],
] as const)
  test(`levels with ${why} are refused before they are decoded`, async ({ folder }) => {
    assert.ok(levels > 0);
    const path = join(folder, "a.parquet");
    writeFileSync(path, changed(levels, bytes));
    const error = await rejection(() => column(path, "text"));
    assert.is(error.code, "corrupt-file");
    assert.match(error.message, message);
  });

test("levels that say to be longer than their page", async ({ folder }) => {
  const path = join(folder, "a.parquet");
  const file = readFileSync(join(fixtures, "none-1.parquet"));
  // Of the labels: 9 that are there, in a run behind its length.
  const at = file.indexOf(Buffer.from([2, 0, 0, 0, 18, 1]));
  assert.ok(at > 0);
  file.set([0xff, 0xff], at);
  writeFileSync(path, file);
  const errors = await Promise.all(
    ["label", "text", "image"].map((name) =>
      column(path, name).catch((error: TangentLabError) => error.message),
    ),
  );
  assert.ok(
    errors.some((error) => /65535 bytes of levels/.test(String(error))),
    errors.join("\n"),
  );
});

test("values without end in few bytes, and pages of more than may be", async ({ folder }) => {
  const path = join(folder, "a.parquet");
  const zeros = plainParquet([{ name: "text", data: Array(100_000).fill("the same"), type: "STRING" }]);
  writeFileSync(path, zeros);
  const error: TangentLabError = await rejection(() => column(path, "text", 100_000));
  assert.is(error.code, "invalid-data");
  assert.match(error.message, /[0-9]+ values, more than it may take/);
  assert.is((await column(path, "text", 1e7)).length, 100_000);
});

test("pages of plain values are decompressed once: what looks through them needs nothing in them", async ({
  folder,
}) => {
  const codecs = (await loadCodecs()) as {
    SNAPPY: NonNullable<Awaited<ReturnType<typeof loadCodecs>>["SNAPPY"]>;
  };
  const { SNAPPY } = codecs;
  const path = join(folder, "a.parquet");
  let calls = 0;
  codecs.SNAPPY = (...given) => {
    calls++;
    return SNAPPY(...given);
  };
  try {
    // Pages without levels, and those whose levels are outside of what is compressed.
    for (const nullable of [false, true]) {
      const data = Array.from({ length: 50 }, (_, i) => `text ${i}`);
      writeFileSync(path, plainParquet([{ name: "text", data, type: "STRING", nullable }]));
      calls = 0;
      assert.equal(await column(path, "text"), data);
      assert.is(calls, 1);
      // Damaged, they are still found to be: here the length of the first text.
      const file = readFileSync(path);
      file[file.indexOf("text 0") - 1] = 0x7f;
      writeFileSync(path, file);
      assert.is((await rejection(() => column(path, "text"))).code, "corrupt-file");
    }
  } finally {
    codecs.SNAPPY = SNAPPY;
  }
});

test("an index that is not of the file's pages", async ({ folder }) => {
  const path = join(folder, "a.parquet");
  const file = readFileSync(join(fixtures, "none-2.parquet"));
  // Of the first column: pages of one struct each, at their offsets from byte 4 on, of which the first is changed.
  const tail = await rejectedAt(file, path);
  assert.ok(tail > 0);
});

/** How many of the bytes after the pages may be changed so that an index is found to be wrong. */
async function rejectedAt(file: Buffer, path: string): Promise<number> {
  let found = 0;
  for (let at = file.length - 2600; at < file.length - 1500; at += 7) {
    const copy = Buffer.from(file);
    copy[at]! ^= 2;
    writeFileSync(path, copy);
    const error = await column(path, "image").then(
      () => undefined,
      (cause: TangentLabError) => cause,
    );
    if (error) assert.ok(["corrupt-file", "invalid-data"].includes(error.code), String(error.stack));
    if (error?.message.includes("its index is not that of its pages")) found++;
  }
  return found;
}

test("codecs: pages that become more than they declare, frames that go backwards", async () => {
  const codecs = await loadCodecs();
  // Two frames of LZ4, of which the second declares -8 bytes: followed, it has no end.
  const backwards = new Uint8Array([
    0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 255, 255, 255, 248, 0, 0, 0, 0, 0, 0, 0, 0,
  ]);
  assert.throws(() => codecs.LZ4(backwards, 10));
  const zstd = Buffer.from("KLUv/WQAD00AABAAAAEA+/85wAI=", "base64");
  assert.is(codecs.ZSTD(zstd, 10).length, 10);
});

test("Thrift: what is declared is there", () => {
  const end = (...bytes: number[]): number => endOfStruct(new DataView(new Uint8Array(bytes).buffer), 0);
  // A field of a list of 3 bytes; of a text of 2; of a struct with nothing in it.
  assert.is(end(0x19, 0x33, 1, 2, 3, 0x18, 2, 65, 66, 0x1c, 0, 0, 99), 12);
  assert.throws(() => end(0x19, 0xf3, 0xff, 0xff, 0xff, 0x0f, 1, 0), /a list of 33554431, in 2 bytes/);
  assert.throws(() => end(0x18, 9, 65, 0), /9 bytes, of 2/);
  assert.throws(() => end(...Array<number>(100).fill(0x1c)), /nested more than 32 deep/);
  assert.throws(() => end(0x15, ...Array<number>(20).fill(0xff)), /more than 64 bits/);
  assert.throws(() => end(0x1b, 0), /type 11/);
  assert.throws(() => end(0x15, 2), RangeError);
});

test.run();
