import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import {
  captionedFolder,
  drawn,
  embed,
  fromArray,
  imageFolder,
  labelledBy,
  objects,
  pairs,
  shapes,
  spiral,
  torus,
} from "../../datasets/index.js";
import { fingerprintOf } from "../../src/io/fingerprint.js";
import { encodePng } from "../../src/io/png.js";

const values = (...changed: number[]): Float32Array => {
  const x = Float32Array.from({ length: 12 }, (_, i) => i / 100);
  for (const i of changed) x[i] = 0.5;
  return x;
};

test("contents, labels, order and shape: each alone changes it; names do not", async () => {
  const of = (...data: Parameters<typeof fromArray>) => fromArray(...data).fingerprint!();
  const first = await of(values(), [2], [0, 1, 0, 1, 0, 1]);
  assert.match(first, /^[0-9a-f]{32}$/);
  assert.is(await of(values(), [2], [0, 1, 0, 1, 0, 1], "another name"), first);
  const others = await Promise.all([
    of(values(11), [2], [0, 1, 0, 1, 0, 1]),
    of(values(), [2], [0, 1, 0, 1, 1, 0]),
    of(values(), [2], ["a", "b", "a", "b", "a", "b"]),
    of(values(), [2]),
    of(values(), [3]),
    of(values(), [2, 1, 1]),
    of(values().reverse(), [2], [0, 1, 0, 1, 0, 1]),
  ]);
  assert.is(new Set([first, ...others]).size, others.length + 1);
});

test("computed once, and the same as another time", async () => {
  const data = fromArray(values(), [2]);
  const [a, b] = [data.fingerprint!(), data.fingerprint!()];
  assert.is(a, b);
  assert.is(await a, await fromArray(values(), [2]).fingerprint!());
});

test("generated data: by what they are generated from", async () => {
  const stroke = [
    [0, 0],
    [1, 0],
    [1, 1],
  ] as const;
  const made = () => [
    ...[spiral(), torus(), embed(spiral(), 8), embed(spiral(), 8, 1), embed(spiral(), 9)],
    ...[shapes(), shapes({ size: 8 }), shapes({ colour: true })],
    ...[drawn([stroke]), drawn([stroke.slice(0, 2)]), objects(), objects({ size: 32 }), pairs()],
    ...[labelledBy(objects(), ["colour"]), labelledBy(objects(), ["shape"])],
  ];
  const prints = await Promise.all(made().map((data) => data.fingerprint!()));
  assert.is(new Set(prints).size, prints.length);
  assert.equal(await Promise.all(made().map((data) => data.fingerprint!())), prints);
});

test("folders: by pixels, classes and captions, wherever they lie", async () => {
  const folder = mkdtempSync(join(tmpdir(), "tangent-lab-"));
  process.env.XDG_CACHE_HOME = join(folder, ".cache");
  try {
    const grey = (value: number) => encodePng({ data: new Float32Array(192).fill(value), shape: [8, 8, 3] });
    const prints = new Set<string>();
    for (const value of [0, 0.5]) {
      writeFileSync(join(folder, "a.png"), grey(value));
      prints.add(await (await imageFolder(folder)).fingerprint!());
      for (const caption of ["grey", "gray"]) {
        writeFileSync(join(folder, "captions.jsonl"), JSON.stringify({ file: "a.png", caption }));
        prints.add(await (await captionedFolder(folder)).fingerprint!());
      }
    }
    assert.is(prints.size, 6);
  } finally {
    rmSync(folder, { recursive: true });
    delete process.env.XDG_CACHE_HOME;
  }
});

test("parts that are divided in another way, and every byte of a large one", async () => {
  const bytes = new Uint8Array(9 * 2 ** 20);
  const parts = [[bytes], [bytes.subarray(0, 5), bytes.subarray(5)], ["a", "b"], ["ab"], [[]], []];
  const prints = await Promise.all(parts.map((each) => fingerprintOf(each)));
  for (const at of [0, 2 ** 22, bytes.length - 1]) {
    bytes[at] = 1;
    prints.push(await fingerprintOf([bytes]));
    bytes[at] = 0;
  }
  assert.is(new Set(prints).size, prints.length);
});

test.run();
