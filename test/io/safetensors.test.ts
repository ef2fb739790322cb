import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { test } from "uvu";
import * as assert from "uvu/assert";
import {
  decodeSafetensors,
  encodeSafetensors,
  readSafetensors,
  type StoredArray,
  writeSafetensors,
} from "../../src/io/safetensors.js";
import { rejection } from "../rejection.js";

/** A file's bytes from a header (any value) and data bytes. */
function file(header: unknown, data: Uint8Array | number = 0): Uint8Array {
  const json = Buffer.from(typeof header === "string" ? header : JSON.stringify(header));
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(json.length));
  return Buffer.concat([length, json, typeof data === "number" ? Buffer.alloc(data) : data]);
}

const f32 = (begin: number, end: number, shape = [(end - begin) / 4]): unknown => ({
  dtype: "F32",
  shape,
  data_offsets: [begin, end],
});

/** The bytes of an array: unlike its numbers they can be compared where there are NaNs. */
const bits = (data: StoredArray["data"]): Uint8Array =>
  new Uint8Array(data.buffer, data.byteOffset, data.byteLength);

const stored = (shape: number[]): fc.Arbitrary<StoredArray> => {
  const n = shape.reduce((a, b) => a * b, 1);
  const exactly = { minLength: n, maxLength: n };
  return fc.oneof(
    fc.float32Array(exactly).map((data) => ({ shape, data })),
    fc.float64Array(exactly).map((data) => ({ shape, data })),
    fc.int32Array(exactly).map((data) => ({ shape, data })),
    fc.bigInt64Array(exactly).map((data) => ({ shape, data })),
    fc.uint8Array(exactly).map((data) => ({ shape, data })),
  );
};

const anyTensors = fc.dictionary(
  fc.string({ minLength: 1, maxLength: 8, unit: "grapheme" }).filter((name) => name !== "__metadata__"),
  fc.array(fc.nat(4), { maxLength: 3 }).chain(stored),
  { maxKeys: 6, noNullPrototype: true },
);

test("what is written is read: types, shapes, names, order, metadata, bit for bit", () => {
  fc.assert(
    fc.property(
      anyTensors,
      fc.dictionary(fc.string(), fc.string(), { maxKeys: 3, noNullPrototype: true }),
      (tensors, metadata) => {
        const bytes = encodeSafetensors(tensors, metadata);
        assert.is(Number(new DataView(bytes.buffer).getBigUint64(0, true)) % 8, 0);
        const read = decodeSafetensors(bytes);
        assert.equal(Object.keys(read.tensors), Object.keys(tensors));
        assert.equal(read.metadata, metadata);
        for (const [name, { shape, data }] of Object.entries(tensors)) {
          assert.equal(read.tensors[name]!.shape, shape);
          assert.is(read.tensors[name]!.data.constructor, data.constructor);
          assert.equal(bits(read.tensors[name]!.data), bits(data));
        }
      },
    ),
    { seed: 1, numRuns: 200 },
  );
});

test("any cut and any byte of the header changed: a corrupt-file error or a readable file, never another error", async () => {
  const bytes = encodeSafetensors({
    a: { shape: [2], data: new Float32Array(2) },
    b: { shape: [], data: new Uint8Array(1) },
  });
  for (let length = 0; length < bytes.length; length++) {
    assert.is((await rejection(() => decodeSafetensors(bytes.subarray(0, length)))).code, "corrupt-file");
  }
  const headerEnd = 8 + Number(new DataView(bytes.buffer).getBigUint64(0, true));
  for (let i = 0; i < headerEnd; i++) {
    const changed = bytes.slice();
    changed[i]! ^= 1 + (i % 255);
    try {
      decodeSafetensors(changed);
    } catch {
      assert.is((await rejection(() => decodeSafetensors(changed))).code, "corrupt-file");
    }
  }
});

for (const [why, bytes, message] of [
  [
    "a header longer than the file",
    file("{}").fill(0xff, 0, 8),
    /its header should have .* bytes, but 2 follow/,
  ],
  ["no JSON", file("{a"), /header is not JSON/],
  ["no UTF-8", file("{}").fill(0xff, 8), /header is not JSON/],
  ["an array as header", file([]), /header is not a JSON object/],
  ["metadata that is not text", file({ __metadata__: { a: 1 } }), /__metadata__ is not an object of strings/],
  ["an entry that is no object", file({ a: null }), /tensor "a": its entry is not an object/],
  [
    "an unknown type",
    file({ a: { dtype: "F8", shape: [], data_offsets: [0, 1] } }, 1),
    /dtype "F8" is not one of F64, F32/,
  ],
  [
    "a type called like a method",
    file({ a: { dtype: "toString", shape: [], data_offsets: [0, 1] } }, 1),
    /dtype "toString"/,
  ],
  ["a negative size", file({ a: f32(0, 4, [-1, -1]) }, 4), /shape \[-1,-1\]/],
  ["a range backwards", file({ a: f32(4, 0, [1]) }, 4), /data_offsets \[4,0\] is not a range/],
  ["a range beyond the end", file({ a: f32(0, 8) }, 4), /ends at byte 8 of the data, which has 4/],
  ["a shape that does not fit", file({ a: f32(0, 8, [3]) }, 8), /8 bytes where F32 of shape \[3\] takes 12/],
  ["overlaps", file({ a: f32(0, 8), b: f32(4, 12) }, 12), /tensor "b" overlaps/],
  ["gaps", file({ a: f32(0, 4), b: f32(8, 12) }, 12), /tensor "b" leaves a gap/],
  ["data left over", file({ a: f32(0, 4) }, 8), /8 bytes of data where the tensors take 4/],
] as const) {
  test(`corrupt: ${why}`, async () => {
    const error = await rejection(() => decodeSafetensors(bytes, "some.safetensors"));
    assert.is(error.code, "corrupt-file");
    assert.match(error.message, message);
    assert.match(error.message, /^some\.safetensors is not a valid safetensors file: /);
  });
}

test("half precision comes as float32, without loss; data need not be aligned", () => {
  const halves = [0x3c00, 0xc000, 0x0001, 0x7bff, 0x7c00, 0xfc00, 0x7e00, 0x8000];
  const values = [1, -2, 2 ** -24, 65504, Infinity, -Infinity, Number.NaN, -0];
  const header = {
    odd: { dtype: "U8", shape: [1], data_offsets: [0, 1] },
    half: { dtype: "F16", shape: [8], data_offsets: [1, 17] },
    brain: { dtype: "BF16", shape: [2], data_offsets: [17, 21] },
  };
  const data = Buffer.concat([
    new Uint8Array([9]),
    new Uint8Array(Uint16Array.from(halves).buffer),
    new Uint8Array(Uint16Array.from([0x3f80, 0xc049]).buffer),
  ]);
  const { tensors } = decodeSafetensors(file(header, data));
  assert.ok(values.every((value, i) => Object.is(tensors.half!.data[i], value)));
  assert.is(tensors.half!.data.length, values.length);
  assert.equal(tensors.brain!.data, Float32Array.from([1, -3.140625]));
});

test("a published file is read", async () => {
  const path = new URL("../fixtures/reference/optimizer_adam.safetensors", import.meta.url).pathname;
  const { tensors } = await readSafetensors(path);
  assert.equal(tensors["p.0"]!.shape, tensors["grad.0"]!.shape);
  assert.ok((tensors["p.11"]!.data as Float32Array).every(Number.isFinite));
});

test("files: written and read by path; errors name the file", async () => {
  const folder = mkdtempSync(join(tmpdir(), "tangent-lab-"));
  try {
    const path = join(folder, "state.safetensors");
    await writeSafetensors(path, { w: { shape: [2, 1], data: new Float32Array([1, 2]) } }, { step: "3" });
    const read = await readSafetensors(path);
    assert.equal(read, {
      tensors: { w: { shape: [2, 1], data: new Float32Array([1, 2]) } },
      metadata: { step: "3" },
    });
    writeFileSync(path, readFileSync(path).subarray(0, -1));
    const error = await rejection(readSafetensors(path));
    assert.is(error.code, "corrupt-file");
    assert.match(error.message, path);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test("PyTorch's own files are recognised: what to do with them", async () => {
  for (const [bytes, kind] of [
    [[0x80, 2, 0x63, 1, 2, 3, 4, 5, 6], "pickle"],
    [[0x50, 0x4b, 3, 4, 0, 0, 8, 8, 0], "zip file"],
  ] as const) {
    const error = await rejection(() => decodeSafetensors(Uint8Array.from(bytes), "model.pt"));
    assert.is(error.code, "corrupt-file");
    assert.match(error.message, new RegExp(`model\\.pt is not .*it is a ${kind}; .*docs/weights\\.md`));
  }
});

test("a shape that does not fit its data is not written", async () => {
  const error = await rejection(() => encodeSafetensors({ w: { shape: [3], data: new Float32Array(2) } }));
  assert.is(error.code, "invalid-argument");
  assert.match(error.message, /tensors\["w"\]\.shape; given: \[3\]; allowed: a shape of 2 elements/);
});

test("integers, booleans and 8-bit floats; types that cannot be read are named", async () => {
  const parts: [string, Uint8Array][] = [
    ["I8", Uint8Array.of(0xff, 1)],
    ["U16", Uint8Array.of(0xff, 0xff)],
    ["I16", Uint8Array.of(0xfe, 0xff)],
    ["U32", Uint8Array.of(1, 0, 0, 0x80)],
    ["U64", Uint8Array.of(2, 0, 0, 0, 0, 0, 0, 0x80)],
    ["BOOL", Uint8Array.of(0, 1)],
    ["F8_E4M3", Uint8Array.of(0x7e, 0xfe, 0x01, 0x7f, 0x38, 0x80)],
    ["F8_E5M2", Uint8Array.of(0x7b, 0xfc, 0x01, 0x7e, 0x3c)],
    ["F4", Uint8Array.of(1)],
    ["C64", new Uint8Array(8)],
  ];
  let end = 0;
  const header = parts.map(([dtype, bytes]) => {
    const begin = end;
    end += bytes.length;
    const width = { I8: 1, BOOL: 1, F8_E4M3: 1, F8_E5M2: 1, U16: 2, I16: 2, U32: 4, F4: 0.5 }[dtype] ?? 8;
    return [dtype, { dtype, shape: [bytes.length / width], data_offsets: [begin, end] }];
  });
  const bytes = file(Object.fromEntries(header), Buffer.concat(parts.map(([, part]) => part)));
  const folder = mkdtempSync(join(tmpdir(), "tangent-lab-"));
  try {
    const path = join(folder, "a.safetensors");
    writeFileSync(path, bytes);
    for (const { tensors, unread } of [decodeSafetensors(bytes), await readSafetensors(path)]) {
      const numbers = Object.entries(tensors).map(([name, { data }]) => [
        name,
        Array.from<number | bigint, number | bigint>(data, (value) => value),
      ]);
      assert.equal(numbers, [
        ["I8", [-1, 1]],
        ["U16", [65_535]],
        ["I16", [-2]],
        ["U32", [2 ** 31 + 1]],
        ["U64", [2n ** 63n + 2n]],
        ["BOOL", [0, 1]],
        ["F8_E4M3", [448, -448, 2 ** -9, Number.NaN, 1, -0]],
        ["F8_E5M2", [57_344, Number.NEGATIVE_INFINITY, 2 ** -16, Number.NaN, 1]],
      ]);
      assert.equal(unread, { F4: "F4", C64: "C64" });
    }
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test("what is no safetensors file says what it is, and quotes little", async () => {
  for (const [bytes, message] of [
    ["version https://git-lfs.github.com/spec/v1\noid sha256:0", /Git LFS pointer.*git lfs pull/],
    ["<!DOCTYPE html><html><title>404</title></html>", /web page/],
    ["", /it is empty/],
    [file({ a: { dtype: "x".repeat(1e6), shape: [], data_offsets: [0, 0] } }), /dtype "xxx/],
    [file({ ["n".repeat(1e6)]: 1 }), /tensor "nnn/],
    [file({ a: { dtype: "F32", shape: Array(1e5).fill(1), data_offsets: [0, 0] } }), /0 bytes where F32/],
    [
      file(`{"a": {"dtype": "F32", "data_offsets": [0, 0], "shape": ${"[".repeat(2e4)}${"]".repeat(2e4)}}}`),
      /not a list/,
    ],
  ] as const) {
    const error = await rejection(() => decodeSafetensors(Buffer.from(bytes as string), "a"));
    assert.is(error.code, "corrupt-file");
    assert.match(error.message, message);
    assert.ok(error.message.length < 400, `${error.message.length}`);
  }
});

test("names like those of every object's properties", () => {
  const names = ["__proto__", "constructor", "toString"];
  const json = names.map((name) => `"${name}": {"dtype": "U8", "shape": [1], "data_offsets": [0, 1]}`);
  for (const [i, name] of names.entries()) {
    const { tensors } = decodeSafetensors(file(`{${json[i]}}`, Uint8Array.of(7)));
    assert.equal(Object.keys(tensors), [name]);
    assert.equal([...(Object.entries(tensors)[0]![1].data as Uint8Array)], [7]);
  }
});

test.run();
