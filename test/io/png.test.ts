import { PNG } from "pngjs";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { encodePng, imageGrid } from "../../src/io/png.js";
import { rejection } from "../rejection.js";

/** [height][width] of RGB hex. */
function pixels(png: Buffer): string[][] {
  const { width, height, data } = PNG.sync.read(png);
  return Array.from({ length: height }, (_, y) =>
    Array.from({ length: width }, (_, x) =>
      data.subarray(4 * (y * width + x), 4 * (y * width + x) + 3).toString("hex"),
    ),
  );
}

test("one image: grey levels, clipping, sharp upscaling", () => {
  const image = { data: Float32Array.of(-1, 0, 1, 7), shape: [2, 2, 1] };
  assert.equal(pixels(encodePng(image)), [
    ["000000", "808080"],
    ["ffffff", "ffffff"],
  ]);
  const large = pixels(encodePng(image, 3));
  assert.is(large.length, 6);
  assert.equal(large[2], ["000000", "000000", "000000", "808080", "808080", "808080"]);
});

test("a grid: row by row, RGB, white gaps and white where there is no image", () => {
  const data = Float32Array.of(1, -1, -1, -1, 1, -1, -1, -1, 1);
  assert.equal(pixels(imageGrid({ data, shape: [3, 1, 1, 3] }, { columns: 2, gap: 1 })), [
    ["ff0000", "ffffff", "00ff00"],
    ["ffffff", "ffffff", "ffffff"],
    ["0000ff", "ffffff", "ffffff"],
  ]);
});

test("shapes and options that do not fit are named", async () => {
  const data = new Float32Array(4);
  assert.match((await rejection(() => encodePng({ data, shape: [2, 2] }))).message, /image\.shape/);
  assert.match((await rejection(() => encodePng({ data, shape: [2, 1, 2] }))).message, /1 or 3 channels/);
  assert.match(
    (await rejection(() => encodePng({ data, shape: [3, 1, 1] }))).message,
    /4 values.*allowed: 3 values/,
  );
  assert.match((await rejection(() => encodePng({ data, shape: [2, 2, 1] }, 0.5))).message, /invalid scale/);
});

test.run();
