import { spawnSync } from "node:child_process";
import {
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { PNG } from "pngjs";
import sharp from "sharp";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { byName, imageFolder } from "../../datasets/index.js";
import { rejection } from "../rejection.js";

const test = suite<{ folder: string; cache: string }>("image folders");
test.before.each((context) => {
  context.folder = mkdtempSync(join(tmpdir(), "tangent-lab-"));
  context.cache = mkdtempSync(join(tmpdir(), "tangent-lab-cache-"));
  process.env.XDG_CACHE_HOME = context.cache;
});
test.after.each(({ folder, cache }) => {
  rmSync(folder, { recursive: true });
  rmSync(cache, { recursive: true });
});

const bitmap = fileURLToPath(new URL("../fixtures/inputs/bmp/rgb24.bmp", import.meta.url));

type Colour = readonly [number, number, number, number];

/** A PNG whose pixels are `colour(x, y)`. */
function png(width: number, height: number, colour: (x: number, y: number) => Colour): Buffer {
  const image = new PNG({ width, height });
  for (let i = 0; i < width * height; i++) image.data.set(colour(i % width, Math.floor(i / width)), 4 * i);
  return PNG.sync.write(image);
}

const plain = (...colour: Colour) => png(8, 8, () => colour);
const bytesOf = (values: Float32Array): number[] => Array.from(values, (v) => Math.round((v + 1) * 127.5));
const first = (values: Float32Array): number[] => bytesOf(values.subarray(0, 3));

test("PNG and JPEG, whatever their ending says; transparency over white; subfolders are classes", async ({
  folder,
}) => {
  for (const name of ["dogs", "cats"]) mkdirSync(join(folder, name));
  mkdirSync(join(folder, "dogs", "more"));
  writeFileSync(join(folder, "dogs", "a.png"), plain(10, 20, 30, 255));
  writeFileSync(join(folder, "dogs", "more", "b.PNG"), plain(0, 0, 0, 51));
  const background = { r: 200, g: 100, b: 50 };
  const jpeg = sharp({ create: { width: 8, height: 8, channels: 3, background } }).jpeg({ quality: 95 });
  writeFileSync(join(folder, "cats", "c.jpg"), await jpeg.toBuffer());
  writeFileSync(join(folder, "cats", "notes.txt"), "no image");
  const images = await imageFolder(folder);
  assert.equal(
    [images.size, images.shape, [...images.labels!], images.classNames, images.numClasses],
    [3, [8, 8, 3], [0, 1, 1], ["cats", "dogs"], 2],
  );
  assert.equal(
    [first(images.examples!([1])), first(images.examples!([2]))],
    [
      [10, 20, 30],
      [204, 204, 204],
    ],
  );
  first(images.examples!([0])).forEach((value, i) => {
    assert.ok(Math.abs(value - [200, 100, 50][i]!) <= 3, `${value}`);
  });
});

test("the middle square, resized without aliasing; grey", async ({ folder }) => {
  // Columns 0 and 9 are cut off; the rest is a checkerboard of single pixels, which averages to grey.
  const square = png(10, 8, (x, y) =>
    x === 0 || x === 9 ? [255, 0, 0, 255] : (x + y) % 2 ? [0, 0, 0, 255] : [200, 200, 200, 255],
  );
  writeFileSync(join(folder, "a.png"), square);
  writeFileSync(join(folder, "b.png"), plain(255, 0, 0, 255));
  const images = await byName("images", { folder, size: 4 });
  assert.equal([images.shape, images.labels], [[4, 4, 3], undefined]);
  for (const value of bytesOf(images.examples!([0]))) assert.ok(Math.abs(value - 100) <= 13, `${value}`);
  const grey = await imageFolder(folder, { size: 4, channels: 1 });
  assert.equal([grey.shape, bytesOf(grey.examples!([1]))[0]], [[4, 4, 1], 76]);
});

test("links to files are followed, hidden files and folders left aside", async ({ folder }) => {
  for (const name of ["kept", ".hidden"]) mkdirSync(join(folder, name));
  writeFileSync(join(folder, "kept", "a.png"), plain(1, 2, 3, 255));
  for (const name of ["kept/._a.png", ".hidden/b.png"]) writeFileSync(join(folder, name), "no image");
  symlinkSync("a.png", join(folder, "kept", "link.png"));
  const images = await imageFolder(folder);
  assert.equal([images.size, images.classNames], [2, ["kept"]]);
  assert.equal(first(images.examples!([1])), [1, 2, 3]);
  symlinkSync("gone.png", join(folder, "kept", "broken.png"));
  const error = await rejection(imageFolder(folder));
  assert.match(error.message, /cannot read .*broken\.png: it does not exist/);
});

test("decoded once, until a file changes", async ({ folder, cache }) => {
  writeFileSync(join(folder, "a.png"), plain(1, 2, 3, 255));
  let decoded = 0;
  const read = () => imageFolder(folder, { onProgress: () => decoded++ });
  assert.equal(first((await read()).examples!([0])), [1, 2, 3]);
  assert.is(readdirSync(join(cache, "tangent-lab")).length, 1);
  assert.equal([first((await read()).examples!([0])), decoded], [[1, 2, 3], 1]);
  writeFileSync(join(folder, "b.png"), plain(4, 5, 6, 255));
  assert.equal([(await read()).size, decoded], [2, 3]);
  const [kept] = readdirSync(join(cache, "tangent-lab"));
  writeFileSync(join(cache, "tangent-lab", kept!), "what a full disk left");
  assert.equal([(await read()).size, decoded], [2, 5]);
  rmSync(cache, { recursive: true });
  writeFileSync(cache, "no folder"); // nothing can be kept: it still works
  assert.equal([(await read()).size, decoded], [2, 7]);
});

test("a file of the same name, size and dates but another content is decoded anew", async ({ folder }) => {
  const path = join(folder, "a.png");
  const then = new Date("2020-01-01T00:00:00Z");
  let decoded = 0;
  const pixel = async (): Promise<number[]> =>
    first((await imageFolder(folder, { onProgress: () => decoded++ })).examples!([0]));
  // What stands after the end of a PNG is no part of it: all of one length.
  const padded = (colour: number) =>
    Buffer.concat([plain(colour, 2, 3, 255), Buffer.alloc(200)]).subarray(0, 200);
  writeFileSync(path, padded(1));
  utimesSync(path, then, then);
  assert.equal(await pixel(), [1, 2, 3]);
  // Written over, as rsync --inplace does, and put in its place, as archives do.
  for (const write of [writeFileSync, replace]) {
    for (const colour of [10, 20]) {
      const bytes = padded(colour);
      assert.is(bytes.length, readFileSync(path).length);
      write(path, bytes);
      utimesSync(path, then, then);
      assert.equal(await pixel(), [colour, 2, 3]);
    }
  }
  const before = decoded;
  utimesSync(path, new Date(), new Date()); // other dates, the same content
  assert.equal([await pixel(), decoded], [[20, 2, 3], before]);
});

function replace(path: string, bytes: Buffer): void {
  writeFileSync(`${path}.new`, bytes);
  renameSync(`${path}.new`, path);
}

test("linked class folders, every format; what is left out is named with counts", async ({
  folder,
  cache,
}) => {
  const pictures = join(folder, "pictures");
  for (const name of ["pictures", "pictures/cats", "store"]) mkdirSync(join(folder, name));
  symlinkSync(join("..", "store"), join(pictures, "dogs"));
  symlinkSync("..", join(pictures, "cats", "loop"));
  symlinkSync("gone", join(pictures, "cats", "nothing"));
  const background = { r: 10, g: 20, b: 30 };
  const image = sharp({ create: { width: 8, height: 8, channels: 3, background } });
  for (const [name, format] of [
    ["a.webp", "webp"],
    ["b.gif", "gif"],
    ["c.jfif", "jpeg"],
    ["d.avif", "avif"],
    ["e.tif", "tiff"],
  ] as const)
    writeFileSync(join(folder, "store", name), await image.clone().toFormat(format).toBuffer());
  copyFileSync(bitmap, join(pictures, "cats", "a.bmp"));
  for (const name of ["a.heic", "b.heic", "notes.txt", ".DS_Store", "Thumbs.db"])
    writeFileSync(join(pictures, "cats", name), "x");
  mkdirSync(join(pictures, "birds"));
  assert.is(spawnSync("mkfifo", [join(folder, "pipe")]).status, 0);
  symlinkSync(join(folder, "pipe"), join(pictures, "cats", "pipe.png"));
  const said: unknown[] = [];
  const { warn } = console;
  console.warn = (text: unknown) => said.push(text);
  try {
    for (let time = 0; time < 2; time++) {
      const images = await imageFolder(pictures, { size: 4 });
      assert.equal(
        [[...images.labels!], images.classNames],
        [
          [0, 1, 1, 1, 1, 1],
          ["cats", "dogs"],
        ],
      );
    }
  } finally {
    console.warn = warn;
  }
  assert.equal(said, [
    `${pictures}: left out 2 .heic (a format that cannot be read); 1 .txt (no picture); 1 links to a folder that contains them; 1 links to missing files; 1 neither files nor folders`,
    `${pictures}: no picture, and so no class, in birds`,
  ]);
  assert.is(readdirSync(join(cache, "tangent-lab")).length, 1);
});

test("a picture that declares too much is refused, and maxBytes allows it", async ({ folder }) => {
  writeFileSync(
    join(folder, "a.png"),
    png(200, 200, (x, y) => [x, y, 0, 255]),
  );
  assert.is((await rejection(imageFolder(folder, { maxBytes: 10_000 }))).argument, "maxBytes");
  assert.is((await imageFolder(folder, { maxBytes: 200_000 })).size, 1);
});

test("nothing there, images of several sizes, beside and in subfolders, and no images at all", async ({
  folder,
}) => {
  const refused = async (message: RegExp, code: string, options = {}) => {
    const error = await rejection(imageFolder(folder, options));
    assert.is(error.code, code);
    assert.match(error.message, message);
  };
  await refused(/no images in/, "file-system");
  assert.match(
    (await rejection(imageFolder(join(folder, "x")))).message,
    /cannot read .*x: it does not exist/,
  );
  writeFileSync(join(folder, "a.png"), plain(0, 0, 0, 255));
  writeFileSync(
    join(folder, "b.png"),
    png(8, 9, () => [0, 0, 0, 255]),
  );
  await refused(/b\.png is not of the size.*8 x 9 pixels.*8 x 8 pixels, as the first/, "invalid-data");
  await refused(/invalid size/, "invalid-argument", { size: 2 });
  for (const [bytes, message] of [
    [plain(0, 0, 0, 255).subarray(0, 60), /b\.png is not a complete PNG/],
    [Buffer.from("text"), /b\.png is neither PNG nor JPEG/],
    [Buffer.of(0xff, 0xd8, 0xff, 0xe0, 0, 16), /b\.png is not a complete JPEG/],
  ] as const) {
    writeFileSync(join(folder, "b.png"), bytes);
    await refused(message, "corrupt-file", { size: 8 });
  }
  mkdirSync(join(folder, "class"));
  writeFileSync(join(folder, "class", "c.png"), plain(0, 0, 0, 255));
  await refused(/both in subfolders and beside them.*a\.png/, "invalid-data");
});

test.run();
