import { mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import jpeg from "jpeg-js";
import { PNG } from "pngjs";
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
  const data = Buffer.alloc(8 * 8 * 4, Buffer.of(200, 100, 50, 255));
  writeFileSync(join(folder, "cats", "c.jpg"), jpeg.encode({ width: 8, height: 8, data }, 95).data);
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
