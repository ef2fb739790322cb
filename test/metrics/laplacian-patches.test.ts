import { readFileSync } from "node:fs";
import { test } from "uvu";
import * as assert from "uvu/assert";
import * as random from "../../src/engine/random.js";
import { laplacianPatches, slicedWasserstein } from "../../src/metrics/index.js";
import { doubled, halved, laplacianPyramid } from "../../src/metrics/laplacian-pyramid.js";
import { close } from "../reference/fixtures.js";
import { rejection } from "../rejection.js";

const near = (actual: number, expected: number, tolerance: number): void =>
  assert.ok(Math.abs(actual - expected) <= tolerance, `${actual}, not ${expected} within ${tolerance}`);

const noise = (seed: number, count: number, size: number, channels = 1): Float32Array =>
  random.normal(random.key(seed), count * size * size * channels);

test("Laplacian pyramids as SciPy's convolutions make them", () => {
  const url = new URL("../fixtures/metrics/pyramid.json", import.meta.url);
  const cases = JSON.parse(readFileSync(url, "utf8")) as {
    shape: [number, number, number];
    image: number[];
    levels: number[][];
  }[];
  for (const { shape, image, levels } of cases) {
    const [height, width, channels] = shape;
    const ours = laplacianPyramid(
      { height, width, channels, values: Float32Array.from(image) },
      levels.length,
    );
    assert.is(ours.length, levels.length);
    ours.forEach((level, i) => {
      assert.equal([level.height, level.width], [height / 2 ** i, width / 2 ** i]);
      close(level.values, levels[i]!, 1e-5, `${shape}, level ${i}`);
    });
  }
});

test("a pyramid adds up to its image, and an even image has nothing but its last level", () => {
  const image = { height: 16, width: 8, channels: 3, values: random.normal(random.key(1), 384) };
  const levels = laplacianPyramid(image, 3);
  const sum = levels.slice(0, -1).reduceRight((below, { values, ...level }) => {
    const up = doubled(below).values;
    return { ...level, values: values.map((value, i) => value + up[i]!) };
  }, levels.at(-1)!);
  close(sum.values, image.values, 1e-5, "sum");
  const even = { ...image, values: new Float32Array(384).fill(0.7) };
  close(halved(even).values, new Float32Array(96).fill(0.7), 1e-6, "half");
  for (const { values } of laplacianPyramid(even, 3).slice(0, -1))
    assert.ok(values.every((value) => Math.abs(value) < 1e-6));
});

test("levels: down to 16 pixels, to 8 for images below 32, or as far as is asked", () => {
  const sizes = (size: number, lowest?: number): number[] => {
    const images = noise(2, 2, size);
    const { levels } = laplacianPatches(images, images, {
      shape: [size, size, 1],
      directions: 1,
      ...(lowest && { lowest, patch: Math.min(7, lowest) }),
    });
    return levels.map(({ height }) => height);
  };
  assert.equal(
    [sizes(16), sizes(32), sizes(64)],
    [
      [16, 8],
      [32, 16],
      [64, 32, 16],
    ],
  );
  assert.equal([sizes(24), sizes(28), sizes(9)], [[24, 12], [28, 14], [9]]);
  assert.equal([sizes(32, 8), sizes(32, 32), sizes(32, 4)], [[32, 16, 8], [32], [32, 16, 8, 4]]);
});

test("of pixels alone it is the Wasserstein distance of their values, normalized", () => {
  // Two values against three, all as often: quantiles of -1, 1 and of -a, 0, a with a = sqrt(3/2).
  const two = Float32Array.from({ length: 6 * 16 }, (_, i) => (i % 2 === 0 ? 5 : -3));
  const three = Float32Array.from({ length: 6 * 16 }, (_, i) => [0, 0.1, 0.2][i % 3]!);
  const { levels, mean } = laplacianPatches(two, three, {
    shape: [4, 4, 1],
    patch: 1,
    lowest: 4,
    patches: 16,
  });
  const a = Math.sqrt(1.5);
  near(mean, 2 * ((a - 1) / 3 + 1 / 6), 1e-5);
  assert.is(levels.length, 1);
});

test("order 1 in one dimension, and of scaled normal numbers |s - 1| sqrt(2 / pi)", () => {
  const rows = (...values: number[]): Float32Array => Float32Array.from(values);
  near(slicedWasserstein(rows(0, 1, 5), rows(2, 7, 4), { dim: 1, order: 1 }), (2 + 3 + 2) / 3, 1e-6);
  near(slicedWasserstein(rows(0), rows(-2, 2), { dim: 1, order: 1 }), 2, 1e-6);
  const x = random.normal(random.key(3), 20_000);
  const wide = x.map((value) => 1.5 * value);
  near(slicedWasserstein(x, wide, { dim: 1, order: 1 }), 0.5 * Math.sqrt(2 / Math.PI), 0.01);
});

test("0 for the same images, whatever their brightness and contrast; texture and content show at their own levels", () => {
  const shape = [16, 16, 2];
  const smooth = Float32Array.from({ length: 200 * 512 }, (_, i) => {
    const [image, row, column] = [Math.floor(i / 512), Math.floor((i % 512) / 32), Math.floor((i % 32) / 2)];
    return Math.sin(image + (row + 0.6 * column) / 4);
  });
  const grain = noise(4, 200, 16, 2);
  const x = smooth.map((value, i) => value + 0.1 * grain[i]!);
  assert.is(laplacianPatches(x, x, { shape }).mean, 0);
  const brighter = x.map((value, i) => (i % 2 === 0 ? 0.4 * value + 0.3 : value));
  near(laplacianPatches(x, brighter, { shape }).mean, 0, 1e-4);
  const otherGrain = noise(5, 200, 16, 2);
  const other = smooth.map((value, i) => value + 0.1 * otherGrain[i]!);
  const [floor, blurred] = [other, smooth].map((y) =>
    laplacianPatches(x, y, { shape }).levels.map((l) => l.distance),
  );
  assert.ok(blurred![0]! > 5 * floor![0]!, `${blurred} against ${floor}`);
  assert.ok(blurred![1]! < 0.2 * blurred![0]!, `${blurred}`);
});

test("what is no image and options out of range are refused", async () => {
  const x = noise(6, 2, 8);
  const wrong: [object, string][] = [
    [{ shape: [64] }, "shape"],
    [{ shape: [8, 8, 1], patch: 9 }, "patch"],
    [{ shape: [8, 8, 1], lowest: 16 }, "lowest"],
    [{ shape: [8, 8, 1], patches: 0 }, "patches"],
    [{ shape: [8, 8, 1], directions: 0 }, "directions"],
  ];
  for (const [config, argument] of wrong)
    assert.is((await rejection(() => laplacianPatches(x, x, config as never))).argument, argument);
  const bad = await rejection(() =>
    laplacianPatches(
      x,
      x.map(() => Number.NaN),
      { shape: [8, 8, 1] },
    ),
  );
  assert.is(bad.argument, "y");
});

test.run();
