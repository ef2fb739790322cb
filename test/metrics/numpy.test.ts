import { readFileSync } from "node:fs";
import { test } from "uvu";
import * as assert from "uvu/assert";
import * as random from "../../src/engine/random.js";
import { resample } from "../../src/io/resample.js";
import {
  frechetDistance,
  kernelDistance,
  kernelDistanceOfSubsets,
  precisionRecall,
} from "../../src/metrics/index.js";
import { eachSquaredDistance, meanRow } from "../../src/metrics/pairs.js";
import { rejection } from "../rejection.js";

// Against NumPy, SciPy and PyTorch: python test/fixtures/metrics/generate.py > test/fixtures/metrics/metrics.json
const { cases, image, resizes } = JSON.parse(
  readFileSync(new URL("../fixtures/metrics/metrics.json", import.meta.url), "utf8"),
) as {
  cases: {
    x: number[][];
    y: number[][];
    frechet: number;
    kernelDistance: number;
    precisionRecall: [number, number];
  }[];
  image: number[];
  resizes: { height: number; width: number; values: number[] }[];
};

const near = (actual: number, expected: number, relative: number): void => {
  const off = Math.abs(actual - expected) / Math.max(Math.abs(expected), 1e-3);
  assert.ok(off < relative, `${actual} instead of ${expected}`);
};

for (const [i, expected] of cases.entries()) {
  const [x, y] = [expected.x, expected.y].map((rows) => Float32Array.from(rows.flat())) as [
    Float32Array,
    Float32Array,
  ];
  const dim = expected.x[0]!.length;
  const what = `case ${i} (${expected.x.length} and ${expected.y.length} rows of ${dim})`;

  test(`Frechet distance, also of singular covariances, ${what}`, () => {
    near(frechetDistance(x, y, { dim }), expected.frechet, 1e-6);
    near(frechetDistance(y, x, { dim }), expected.frechet, 1e-6);
  });

  test(`kernel distance, ${what}`, () => {
    near(kernelDistance(x, y, { dim }), expected.kernelDistance, 1e-6);
  });

  test(`precision and recall, ${what}`, () => {
    const { precision, recall } = precisionRecall(x, y, { dim });
    near(precision, expected.precisionRecall[0], 1e-9);
    near(recall, expected.precisionRecall[1], 1e-9);
  });
}

test("precision and recall need more rows than neighbours", async () => {
  const rows = new Float32Array(6).map((_, i) => i);
  const error = await rejection(() => precisionRecall(rows, rows, { dim: 2 }));
  assert.match(error.message, /samples.*at least 4 rows/);
  assert.match(
    (await rejection(() => precisionRecall(rows, rows, { dim: 2, neighbours: 0 }))).message,
    /neighbours/,
  );
});

for (const { height, width, values } of resizes) {
  test(`resampling 7 x 5 to ${height} x ${width} without aliasing`, () => {
    const out = resample({ data: image, height: 7, width: 5, channels: 3 }, { height, width });
    assert.is(out.length, values.length);
    out.forEach((value, i) => {
      near(value, values[i]!, 1e-5);
    });
  });
}

test("resampling refuses sizes and data that do not fit", async () => {
  const raster = { data: new Float32Array(12), width: 2, height: 2, channels: 3 };
  assert.match((await rejection(() => resample(raster, { width: 0, height: 2 }))).message, /to\.width/);
  assert.match(
    (await rejection(() => resample({ ...raster, width: 3 }, { width: 2, height: 2 }))).message,
    /12 values.*2 x 3 x 3 values/,
  );
});

test("distances of wide rows are those of differences, far from the origin too, and 0 for equal rows", () => {
  const dim = 40;
  const [x, y] = [1, 2].map((seed) => random.normal(random.key(seed), 30 * dim).map((value) => value + 500));
  x!.set(y!.subarray(0, dim));
  eachSquaredDistance(x!, y!, dim, meanRow(y!, dim), (i, j, squared) => {
    let expected = 0;
    for (let d = 0; d < dim; d++) expected += (x![i * dim + d]! - y![j * dim + d]!) ** 2;
    assert.ok(Math.abs(squared - expected) < 1e-9 * Math.max(1, expected));
    if (i === 0 && j === 0) assert.is(squared, 0);
  });
});

test("kernel distance of subsets: of all rows the distance itself, of some about it with a spread", () => {
  const dim = 20;
  const [x, y] = [3, 4].map((seed) => random.normal(random.key(seed), 60 * dim).map((v) => v + seed / 10));
  const whole = kernelDistance(x!, y!, { dim });
  const all = kernelDistanceOfSubsets(x!, y!, { dim, key: random.key(1), subsets: 3, size: 60 });
  near(all.mean, whole, 1e-12);
  assert.ok(all.standardDeviation < 1e-12);
  const some = kernelDistanceOfSubsets(x!, y!, { dim, key: random.key(1), subsets: 400, size: 30 });
  assert.ok(Math.abs(some.mean - whole) < (4 * some.standardDeviation) / Math.sqrt(400));
  assert.ok(some.standardDeviation > 0);
  assert.throws(
    () => kernelDistanceOfSubsets(x!, y!, { dim, key: random.key(1), size: 61 }),
    /size.*2 to 60/s,
  );
});

test.run();
