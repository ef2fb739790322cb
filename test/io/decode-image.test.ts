import { readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { deflateSync } from "node:zlib";
import fc from "fast-check";
import { PNG } from "pngjs";
import sharp, { type Sharp } from "sharp";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { decodeImage } from "../../src/io/decode-image.js";
import type { DecodedImage } from "../../src/io/decoded-image.js";
import { rejection } from "../rejection.js";
import { chunk } from "./png-chunks.js";

const folder = (name: string): string =>
  fileURLToPath(new URL(`../fixtures/inputs/${name}/`, import.meta.url));
const file = (name: string): Buffer => readFileSync(folder(".") + name);

/** The largest difference of two pictures of the same size. */
function difference(a: DecodedImage, b: DecodedImage): number {
  assert.equal([a.width, a.height, a.data.length], [b.width, b.height, b.data.length]);
  return a.data.reduce((most, value, i) => Math.max(most, Math.abs(value - b.data[i]!)), 0);
}

const expectedOf = (path: string): Promise<DecodedImage> => {
  const { width, height, data } = PNG.sync.read(file(path));
  const rgb = Uint8Array.from(
    { length: width * height * 3 },
    (_, i) => data[4 * Math.floor(i / 3) + (i % 3)]!,
  );
  return Promise.resolve({ width, height, data: rgb });
};

// What Pillow shows of them, orientation applied.
for (const kind of ["pictures", "bmp"]) {
  for (const name of readdirSync(folder(kind)).filter((each) => !each.includes(".expected."))) {
    test(`as a viewer shows it: ${kind}/${name}`, async () => {
      const shown = await decodeImage(file(`${kind}/${name}`), name);
      const expected = await expectedOf(`${kind}/${name.replace(/\.\w+$/, "")}.expected.png`);
      assert.ok(difference(shown, expected) <= 1);
    });
  }
}

/** A picture of 24 x 16 pixels, turned in the eight ways of EXIF. */
test("all eight orientations, in JPEG, PNG, WebP and TIFF", async () => {
  const [width, height] = [24, 16];
  const data = Uint8Array.from({ length: width * height * 3 }, (_, i) => (i * 7) % 251);
  const upright = { width, height, data };
  // How to make the stored picture of an orientation from the upright one: the inverse of what a viewer does.
  const stored: Record<number, (picture: Sharp) => Sharp> = {
    1: (picture) => picture,
    2: (picture) => picture.flop(),
    3: (picture) => picture.rotate(180),
    4: (picture) => picture.flip(),
    6: (picture) => picture.rotate(270),
    8: (picture) => picture.rotate(90),
  };
  for (const [orientation, turn] of Object.entries(stored)) {
    const turned = await turn(sharp(data, { raw: { width, height, channels: 3 } }))
      .png()
      .toBuffer();
    for (const format of ["png", "tiff", "webp"] as const) {
      const bytes = await sharp(turned)
        .withMetadata({ orientation: Number(orientation) })
        .toFormat(format, format === "png" ? {} : { lossless: true, compression: "lzw" })
        .toBuffer();
      const shown = await decodeImage(bytes, format);
      assert.is(difference(shown, upright), 0, `${format}, orientation ${orientation}`);
    }
    const jpeg = sharp(turned)
      .withMetadata({ orientation: Number(orientation) })
      .jpeg({ quality: 100, chromaSubsampling: "4:4:4" });
    assert.ok(difference(await decodeImage(await jpeg.toBuffer(), "jpeg"), upright) <= 4);
  }
});

test("WebP, GIF, AVIF and TIFF; grey, CMYK, 16 bits; transparency over white", async () => {
  const background = { r: 200, g: 100, b: 50, alpha: 0.5 };
  const plain = sharp({ create: { width: 9, height: 5, channels: 4, background } });
  for (const format of ["webp", "avif", "tiff", "png"] as const) {
    const { width, height, data } = await decodeImage(
      await plain
        .clone()
        .toFormat(format, format === "tiff" ? { compression: "lzw" } : {})
        .toBuffer(),
      format,
    );
    assert.equal([width, height], [9, 5]);
    [228, 178, 153].forEach((value, c) => {
      assert.ok(Math.abs(data[c]! - value) <= 3, `${format}: ${data.subarray(0, 3)}`);
    });
  }
  const opaque = plain.clone().flatten({ background: "#000" });
  // Not all of sRGB can be printed: this can.
  const pale = sharp({
    create: { width: 9, height: 5, channels: 3, background: { r: 150, g: 140, b: 130 } },
  });
  const printed = pale.toColourspace("cmyk").jpeg({ quality: 100 });
  for (const [name, bytes, expected] of [
    ["gif", await opaque.clone().gif().toBuffer(), [100, 50, 25]],
    ["grey", await opaque.clone().grayscale().jpeg({ quality: 100 }).toBuffer(), [60, 60, 60]],
    ["cmyk", await printed.toBuffer(), [150, 140, 130]],
    ["rgb16", await opaque.clone().toColourspace("rgb16").png().toBuffer(), [100, 50, 25]],
  ] as const) {
    const { data } = await decodeImage(bytes, name);
    assert.is(data.length, 9 * 5 * 3);
    expected.forEach((value, c) => {
      assert.ok(
        Math.abs(data[c]! - value) <= (name === "cmyk" ? 16 : 8),
        `${name}: ${[...data.subarray(0, 3)]}`,
      );
    });
  }
});

test("animated pictures: the first frame; 16 bits: the upper 8", async () => {
  const [width, height] = [4, 3];
  const frame = (level: number) =>
    sharp({ create: { width, height, channels: 3, background: { r: level, g: level, b: level } } })
      .png()
      .toBuffer();
  const frames = [await frame(30), await frame(200), await frame(90)];
  for (const format of ["gif", "webp"] as const) {
    const joined = sharp(frames, { join: { animated: true } });
    const bytes = await (format === "gif" ? joined.gif() : joined.webp({ lossless: true })).toBuffer();
    assert.is((await sharp(bytes, { animated: true }).metadata()).pages, 3);
    const shown = await decodeImage(bytes, format);
    assert.equal([shown.width, shown.height, [...new Set(shown.data)]], [width, height, [30]], format);
  }
  // An animated PNG's IDAT is its first frame: later ones are in chunks of their own.
  const still = PNG.sync.write(
    Object.assign(new PNG({ width: 2, height: 2 }), { data: Buffer.alloc(16, Buffer.of(77, 77, 77, 255)) }),
    { colorType: 2 },
  );
  const control = Buffer.alloc(26);
  for (const at of [4, 8]) control.writeUInt32BE(2, at);
  const later = Buffer.concat([Buffer.from([0, 0, 0, 1]), deflateSync(Buffer.alloc(14, 0))]);
  const animated = Buffer.concat([
    still.subarray(0, 33),
    chunk("acTL", Buffer.from([0, 0, 0, 2, 0, 0, 0, 0])),
    chunk("fcTL", control),
    still.subarray(33, still.length - 12),
    chunk("fdAT", later),
    still.subarray(still.length - 12),
  ]);
  assert.equal([...new Set((await decodeImage(animated, "apng")).data)], [77]);
  for (const channels of [1, 3] as const) {
    const values = [0x0000, 0x00ff, 0x0100, 0x7fff, 0x80ff, 0xffff];
    const row = Buffer.alloc(2 * channels * values.length);
    for (const [i, value] of values.entries())
      for (let c = 0; c < channels; c++) row.writeUInt16BE(value, 2 * (i * channels + c));
    const header = Buffer.alloc(13);
    header.writeUInt32BE(values.length, 0);
    header.writeUInt32BE(1, 4);
    header.set([16, channels === 1 ? 0 : 2], 8);
    const deep = Buffer.concat([
      still.subarray(0, 8),
      chunk("IHDR", header),
      chunk("IDAT", deflateSync(Buffer.concat([Buffer.of(0), row]))),
      chunk("IEND", Buffer.alloc(0)),
    ]);
    const { data } = await decodeImage(deep, "deep");
    assert.equal(
      values.map((_, i) => data[3 * i]),
      [0, 0, 1, 127, 128, 255],
      `${channels} channels`,
    );
  }
});

test("both decoders of PNG give the same pixels", async () => {
  const picture = fc.record({
    width: fc.integer({ min: 1, max: 12 }),
    height: fc.integer({ min: 1, max: 12 }),
    colorType: fc.constantFrom(0, 2, 4, 6),
    seed: fc.integer({ min: 1, max: 1e6 }),
  });
  await fc.assert(
    fc.asyncProperty(picture, async ({ width, height, colorType, seed }) => {
      const png = new PNG({ width, height });
      for (let i = 0; i < png.data.length; i++) png.data[i] = (seed * (i + 1) * 7919) % 256;
      const plain = PNG.sync.write(png, { colorType: colorType as 0 });
      // A colour profile, even an empty one, is for the other decoder.
      const end = plain.length - 12;
      const profiled = Buffer.concat([
        plain.subarray(0, 33),
        chunk("eXIf", Buffer.from("MM\0\x2a\0\0\0\x08\0\0\0\0\0\0", "latin1")),
        plain.subarray(33, end),
        plain.subarray(end),
      ]);
      const [a, b] = [await decodeImage(plain, "plain"), await decodeImage(profiled, "profiled")];
      assert.ok(difference(a, b) <= 1);
    }),
    { numRuns: 60 },
  );
});

test("hostile files: an error that says what is wrong, before anything is allocated", async () => {
  for (const [name, message] of [
    ["abort1.png", /abort1\.png is not a complete PNG image \(it declares 2147483647 x 3000 pixels, which/],
    ["b20000-tiny.png", /it declares 20000 x 20000 pixels, which its \d+ bytes of data cannot hold/],
    ["hang.png", /its header has pixels of kind 6 with 1 bits/],
    ["hang.jpg", /hang\.jpg is not a complete JPEG/],
  ] as const) {
    const error = await rejection(decodeImage(file(`hostile/${name}`), name));
    assert.is(error.code, "corrupt-file");
    assert.match(error.message, message);
    assert.ok(error.message.length < 400);
  }
});

test("sizes beyond the limit are refused, and maxBytes allows them", async () => {
  /** A white bitmap of runs: its size is not bounded by that of the file. */
  const bitmap = (width: number, height: number): Buffer => {
    const bytes = Buffer.alloc(60);
    bytes.write("BM", 0, "latin1");
    bytes.writeUInt32LE(58, 10);
    bytes.writeUInt32LE(40, 14);
    bytes.writeInt32LE(width, 18);
    bytes.writeInt32LE(height, 22);
    bytes.writeUInt16LE(8, 28);
    bytes.writeUInt32LE(1, 30);
    bytes.fill(255, 54, 57);
    bytes.writeUInt16LE(256, 58);
    return bytes;
  };
  const png = (width: number, height: number, data: Buffer): Buffer => {
    const header = Buffer.alloc(13);
    header.writeUInt32BE(width, 0);
    header.writeUInt32BE(height, 4);
    header.set([1, 0], 8);
    const signature = Buffer.of(0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a);
    const parts = [chunk("IHDR", header), chunk("IDAT", data), chunk("IEND", Buffer.alloc(0))];
    return Buffer.concat([signature, ...parts]);
  };
  for (const bytes of [bitmap(6000, 6000), png(20_000, 20_000, deflateSync(Buffer.alloc(20_000 * 2501)))]) {
    const error = await rejection(decodeImage(bytes, "large"));
    assert.is(error.code, "invalid-data");
    assert.is(error.argument, "maxBytes");
    assert.match(error.message, /large declares \d+ x \d+ pixels, more than it may take.*maxBytes/);
  }
  const small = bitmap(40, 30);
  assert.equal((await decodeImage(small, "small")).data.length, 3600);
  assert.is((await rejection(decodeImage(small, "small", { maxBytes: 1000 }))).argument, "maxBytes");
  assert.is((await rejection(decodeImage(small, "small", { maxBytes: -1 }))).code, "invalid-argument");
});

test("cut short at any byte, and other files: corrupt-file with what it is", async () => {
  const background = { r: 200, g: 100, b: 50, alpha: 1 };
  const plain = sharp({ create: { width: 30, height: 20, channels: 4, background } });
  for (const format of ["jpeg", "png", "webp", "gif", "avif"] as const) {
    const bytes = await plain.clone().toFormat(format).toBuffer();
    for (const share of [0.1, 0.5, 0.9]) {
      const cut = bytes.subarray(0, Math.floor(share * bytes.length));
      assert.is((await rejection(decodeImage(cut, format))).code, "corrupt-file", `${format} ${share}`);
    }
  }
  for (const [text, message] of [
    ["version https://git-lfs.github.com/spec/v1\noid sha256:0\n", /a is neither PNG.*Git LFS pointer/],
    ["<!DOCTYPE html><title>Sign in</title>", /a web page/],
    ["", /it is empty/],
    ["text", /a is neither PNG nor JPEG nor WebP/],
  ] as const) {
    const error = await rejection(decodeImage(Buffer.from(text), "a"));
    assert.is(error.code, "corrupt-file");
    assert.match(error.message, message);
  }
});

test.run();
