import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { zipSync } from "fflate";
import { dump } from "npyjs";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { arrayFile, byName } from "../../datasets/index.js";
import { decodeNpy, readNpz } from "../../src/io/npy.js";
import { rejection } from "../rejection.js";

// Written by NumPy: python generate.py, in test/fixtures/datasets
const fixture = (name: string): string =>
  fileURLToPath(new URL(`../fixtures/datasets/${name}`, import.meta.url));

const hostile = (name: string): string =>
  fileURLToPath(new URL(`../fixtures/inputs/hostile/${name}`, import.meta.url));

test("uint8 images with labels from an .npz", async () => {
  const data = await byName("array", { folder: fixture("grey.npz") });
  assert.equal(
    [data.name, data.size, data.shape, [...data.labels!], data.numClasses],
    ["grey", 3, [4, 4, 1], [2, 0, 1], 3],
  );
  assert.equal(data.examples!([2])[15], Math.fround(235 / 127.5 - 1));
});

test("real images from a compressed .npz, in their own range", async () => {
  const data = await arrayFile(fixture("rgb.npz"), { range: [0, 1] });
  assert.equal(
    [data.shape, [...data.labels!]],
    [
      [4, 4, 3],
      [0, 1],
    ],
  );
  const x = data.examples!([0, 1]);
  assert.equal([x[0], x[95]], [-1, 1]);
  assert.ok(Math.abs(x[10]! - (20 / 95 - 1)) < 1e-6);
  const none = await rejection(arrayFile(fixture("rgb.npz")));
  assert.match(none.message, /invalid range.*such as \[0, 1\]: no number there is below 0/);
  const error = await rejection(arrayFile(fixture("rgb.npz"), { range: [0, 0.5] }));
  assert.is(error.code, "invalid-data");
  assert.match(error.message, /images in \[-1, 1\]/);
});

test("points in double precision from an .npy", async () => {
  const data = await arrayFile(fixture("points.npy"));
  assert.equal([data.shape, data.size, [...data.examples!([1, 0])]], [[2], 3, [3, 4, 0.5, -2]]);
});

test("every type and both byte orders that NumPy has", async () => {
  const arrays = await readNpz(fixture("types.npz"));
  assert.is(Object.keys(arrays).length, 21);
  for (const [name, { shape, data, isBool = false }] of Object.entries(arrays)) {
    assert.equal(shape, [4]);
    assert.equal(
      Array.from<number | bigint, number>(data, Number),
      isBool ? [0, 1, 1, 1] : [0, 1, 2, 100],
      name,
    );
  }
  assert.ok(arrays["big-i8"]!.data instanceof BigInt64Array);
});

test("images of int64 with labels in a column, of bool, points of either byte order and of integers", async () => {
  const long = await arrayFile(fixture("long.npz"));
  assert.equal(
    [long.shape, long.classNames, [...long.labels!]],
    [
      [2, 2, 1],
      ["10", "30"],
      [1, 0],
    ],
  );
  [-1, 1, -0.6, -0.2].forEach((value, i) => {
    assert.ok(Math.abs(long.examples!([0])[i]! - value) < 1e-6);
  });
  assert.equal([...(await arrayFile(fixture("masks.npz"))).examples!([0])], [-1, 1, 1, -1]);
  assert.match(
    (await rejection(arrayFile(fixture("masks.npz"), { range: [0, 1] }))).message,
    /invalid range/,
  );
  assert.equal([...(await arrayFile(fixture("big-points.npy"))).examples!([0, 1])], [0.5, -2, 3, 4]);
  assert.equal([...(await arrayFile(fixture("int-points.npy"))).examples!([0, 1])], [5, -2, 3, 4]);
});

test("zip files that lie: declared sizes, checksums, and entries that nobody asked for", async () => {
  const error = await rejection(readNpz(hostile("zdecl.npz")));
  assert.is(error.code, "corrupt-file");
  assert.match(error.message, /images\.npy declares 4294967280 bytes, which 5 do not hold/);
  const folder = mkdtempSync(join(tmpdir(), "tangent-lab-"));
  try {
    const path = join(folder, "a.npz");
    const array = new Uint8Array(dump(new Uint8Array(1 << 20), [1 << 14, 8, 8]));
    const other = new Uint8Array(1 << 21);
    writeFileSync(path, zipSync({ "images.npy": array, "other.npy": other }));
    // The other array is no array, and would take more than the limit: it is not looked at.
    assert.is((await arrayFile(path, { maxBytes: array.length })).size, 1 << 14);
    const refused = await rejection(arrayFile(path, { maxBytes: array.length - 1 }));
    assert.equal([refused.code, refused.argument], ["invalid-data", "maxBytes"]);
    assert.is((await rejection(readNpz(path))).code, "corrupt-file");
    const bytes = zipSync({ "images.npy": [array, { level: 0 }] });
    bytes[200]! ^= 1;
    writeFileSync(path, bytes);
    assert.match((await rejection(arrayFile(path))).message, /images\.npy has another checksum/);
    for (const [text, message] of [
      ["<html>", /no complete zip file/],
      ["", /no complete zip file/],
    ] as const) {
      writeFileSync(path, text);
      assert.match((await rejection(arrayFile(path))).message, message);
    }
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test("headers that lie or that NumPy does not write", async () => {
  const npy = (dict: string, size: number): Buffer => {
    const header = Buffer.from(`${dict}\n`, "latin1");
    const length = Buffer.alloc(2);
    length.writeUInt16LE(header.length);
    return Buffer.concat([Buffer.from("\x93NUMPY\x01\0", "latin1"), length, header, Buffer.alloc(size)]);
  };
  const dict = (descr: string, shape: string) =>
    `{'descr': ${descr}, 'fortran_order': False, 'shape': ${shape}, }`;
  for (const [bytes, message] of [
    [npy(dict("'|u1'", "(1, 2.5, 4)"), 10), /does not name type, order and shape/],
    [npy(dict("'|u1'", "(1, -2)"), 2), /does not name type, order and shape/],
    [npy(dict("'|u1'", "(99999999999999999999,)"), 2), /its shape is/],
    [npy(dict("'<f4'", "(1000000000, 1000)"), 8), /2 numbers where shape \[1000000000,1000\] takes/],
    [npy(dict("'|O'", "(1,)"), 8), /it holds Python objects/],
    [npy(dict("'<U3'", "(1,)"), 12), /it holds text/],
    [npy(dict("'<f16'", "(1,)"), 16), /it holds no numbers \(type '<f16'\)/],
    [npy(dict("[('a', '<f4')]", "(1,)"), 4), /it holds records/],
    [Buffer.from("version https://git-lfs.github.com/spec/v1"), /Git LFS pointer/],
  ] as const) {
    const error = await rejection(() => decodeNpy(bytes, "a"));
    assert.is(error.code, "corrupt-file");
    assert.match(error.message, message);
  }
});

test("every array of an .npz, by name", async () => {
  const arrays = await readNpz(fixture("grey.npz"));
  assert.equal(Object.keys(arrays), ["images", "labels"]);
  assert.equal([arrays.labels!.shape, [...arrays.labels!.data]], [[3], [2n, 0n, 1n]]);
});

test("files that hold something else say what", async () => {
  for (const [attempt, code, message] of [
    [() => arrayFile(fixture("fortran.npy")), "corrupt-file", /Fortran order: save np\.ascontiguousarray/],
    [() => arrayFile(fixture("complex.npy")), "corrupt-file", /it holds complex numbers \(type '<c8'\)/],
    [() => arrayFile(fixture("nan.npy")), "invalid-data", /x\[1\].*NaN.*finite/],
    [() => arrayFile(fixture("generate.py")), "invalid-argument", /\.npy or \.npz/],
    [() => arrayFile(fixture("none.npy")), "file-system", /cannot read/],
    [() => arrayFile(fixture("points.npy"), { range: [1, 0] }), "invalid-argument", /range/],
    [
      () => arrayFile(fixture("points.npy"), { range: [0, 1] }),
      "invalid-argument",
      /only for images of real/,
    ],
    [() => arrayFile(fixture("grey.npz"), { range: [0, 1] }), "invalid-argument", /only for images of real/],
    [() => byName("array"), "invalid-argument", /the \.npy or \.npz file of the dataset "array"/],
  ] as const) {
    const error = await rejection(attempt);
    assert.is(error.code, code, error.message);
    assert.match(error.message, message);
  }
});

test("bytes cut short, and arrays of other types and shapes", async () => {
  const npz = readFileSync(fixture("grey.npz"));
  const npy = readFileSync(fixture("points.npy"));
  assert.match(
    (await rejection(() => decodeNpy(npy.subarray(0, -8), "a"))).message,
    /5 numbers.*\[3,2\] takes 6/,
  );
  for (const end of [0, 5, 40, npy.length - 3]) {
    assert.is((await rejection(() => decodeNpy(npy.subarray(0, end), "a"))).code, "corrupt-file", `${end}`);
  }
  assert.match((await rejection(() => decodeNpy(Buffer.from("no array"), "a"))).message, /does not begin as/);
  const folder = mkdtempSync(join(tmpdir(), "tangent-lab-"));
  try {
    const path = join(folder, "a.npz");
    writeFileSync(path, npz.subarray(0, 300));
    assert.is((await rejection(arrayFile(path))).code, "corrupt-file");
    const array = join(folder, "a.npy");
    for (const [data, shape, message] of [
      [new Uint8Array(8), [1, 2, 2, 2], /\[1,2,2,2\].*1 or 3/],
      [new Float32Array(3), [3], /\[3\].*a shape/],
      [new Int32Array(4), [1, 2, 2], /invalid range.*they are integers, and none is above 1/],
      [new Float32Array(0), [0, 2], /\[0,2\].*a shape/],
    ] as const) {
      writeFileSync(array, new Uint8Array(dump(data, [...shape])));
      assert.match((await rejection(arrayFile(array))).message, message);
    }
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test.run();
