import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { Pax } from "tar";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { byName, captionedImages, type ImagesOptions, images } from "../../datasets/index.js";
import { greyPng, hubImage, hubParquet, plainParquet, tarOf, zipOf } from "../../fuzz/packed.js";
import * as random from "../../src/engine/random.js";
import { rejection } from "../rejection.js";

const test = suite<{ folder: string; cache: string }>("pictures as people have them");
test.before.each((context) => {
  context.folder = mkdtempSync(join(tmpdir(), "tangent-lab-"));
  context.cache = mkdtempSync(join(tmpdir(), "tangent-lab-cache-"));
  process.env.XDG_CACHE_HOME = context.cache;
});
test.after.each(({ folder, cache }) => {
  rmSync(folder, { recursive: true });
  rmSync(cache, { recursive: true });
});

/** Writes files into a folder, by their names. */
function write(folder: string, files: Readonly<Record<string, Uint8Array | string>>): void {
  for (const [name, content] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    writeFileSync(join(folder, name), content);
  }
}

/** The grey of each picture, 0 ... 255. */
const greys = (data: Awaited<ReturnType<typeof images>>): number[] =>
  Array.from({ length: data.size }, (_, i) => Math.round((data.examples!([i])[0]! + 1) * 127.5));

const range = (from: number, to: number): number[] => Array.from({ length: to - from }, (_, i) => from + i);
const pictures = (from: number, to: number) => range(from, to).map((level) => hubImage(greyPng(level)));

test("the same pictures in a folder, Parquet, tar and zip are the same data", async ({ folder }) => {
  const classNames = ["cats", "dogs"];
  const labels = [0, 0, 1, 1, 1];
  const members = labels.map((label, i) => [`${classNames[label]}/${i}.png`, greyPng(10 * i)] as const);
  write(join(folder, "plain"), Object.fromEntries(members));
  const inZip = Object.fromEntries(members.map(([name, bytes]) => [`data/train/${name}`, bytes]));
  write(folder, {
    "set.zip": zipOf({ ...inZip, "__MACOSX/data/._a.png": "x", "data/read.me": "x" }),
    "set.tar": tarOf(
      members.flatMap(([, bytes], i) => [
        [`${i}.png`, bytes] as const,
        [`${i}.cls`, classNames[labels[i]!]!] as const,
      ]),
    ),
    "set.parquet": hubParquet(
      { image: members.map(([, bytes]) => hubImage(bytes)), label: labels.map(BigInt) },
      { classNames, rows: 2 },
    ),
  });
  const sets = await Promise.all(
    ["plain", "set.zip", "set.tar", "set.parquet"].map((name) =>
      byName("images", { folder: join(folder, name) }),
    ),
  );
  for (const data of sets) {
    assert.equal(
      [data.shape, data.classNames, [...data.labels!]],
      [[4, 4, 3], classNames, labels],
      data.name,
    );
    assert.equal(greys(data), [0, 10, 20, 30, 40]);
  }
  const prints = await Promise.all(sets.map((data) => data.fingerprint!()));
  assert.is(new Set(prints).size, 1);
  assert.equal(
    sets.map(({ name }) => name),
    ["plain", "set", "set", "set"],
  );
});

test("Parquet: shards by number and split, pages, plain columns, metadata's class names", async ({
  folder,
}) => {
  const names = ["a", "b", "c"];
  const shard = (from: number, to: number) =>
    hubParquet(
      { image: pictures(from, to), label: range(from, to).map((i) => BigInt(i % 3)) },
      // Pages so small that a group has many: what is read of one column must fit what is read of the other.
      { classNames: names, rows: 1000, pageSize: 256 },
    );
  write(join(folder, "hub/data"), {
    "train-00000-of-00002.parquet": shard(0, 70),
    "train-00001-of-00002.parquet": shard(70, 90),
    "test-00000-of-00001.parquet": shard(200, 203),
  });
  const train = await images(join(folder, "hub"));
  assert.equal(greys(train), range(0, 90));
  assert.equal(
    [...train.labels!],
    range(0, 90).map((i) => i % 3),
  );
  assert.equal(train.classNames, names);
  assert.equal(greys(await images(join(folder, "hub"), { split: "test" })), [200, 201, 202]);
  const files = ["test-00000-of-00001.parquet", "train-00001-of-00002.parquet"].map((name) =>
    join(folder, "hub/data", name),
  );
  assert.equal(greys(await images(files)), [200, 201, 202, ...range(70, 90)]);
  const bytes = [5, 6].map((level) => new Uint8Array(greyPng(level)));
  write(folder, {
    "plain.parquet": plainParquet([
      { name: "id", data: [1, 2], type: "INT32" },
      { name: "photo", data: bytes, type: "BYTE_ARRAY" },
      { name: "thumb", data: [...bytes].reverse(), type: "BYTE_ARRAY" },
      { name: "class", data: ["owl", "ant"], type: "STRING" },
    ]),
  });
  const plain = await images(join(folder, "plain.parquet"), { image: "photo" });
  assert.equal(
    [greys(plain), [...plain.labels!], plain.classNames],
    [
      [5, 6],
      [1, 0],
      ["ant", "owl"],
    ],
  );
  const thumbs = await images(join(folder, "plain.parquet"), { image: "thumb", label: "id" });
  assert.equal(
    [greys(thumbs), thumbs.classNames],
    [
      [6, 5],
      ["1", "2"],
    ],
  );
  assert.is(
    (await images(join(folder, "plain.parquet"), { image: "thumb", label: false })).labels,
    undefined,
  );
});

test("Parquet: labels that are numbers in one shard and names in the next, and pictures asked for as captions, are refused", async ({
  folder,
}) => {
  const image = { name: "image", data: [5, 6].map((level) => new Uint8Array(greyPng(level))) };
  const shard = (data: unknown[], type: "INT32" | "STRING") =>
    plainParquet([
      { ...image, type: "BYTE_ARRAY" },
      { name: "label", data, type },
    ]);
  write(join(folder, "hub"), {
    "train-00000-of-00002.parquet": shard([0, 1], "INT32"),
    "train-00001-of-00002.parquet": shard(["ant", "owl"], "STRING"),
  });
  const mixed = await rejection(() => images(join(folder, "hub")));
  assert.match(mixed.message, /its column label is of text; allowed: numbers, as in the first shard/);
  const path = join(folder, "hub/train-00001-of-00002.parquet");
  const error = await rejection(() => captionedImages(path, { caption: "image" }));
  assert.match(error.message, /invalid caption; given: "image"; allowed: another column of .*pictures/);
});

test("WebDataset: labels in .cls and .json, captions, shards, long names", async ({ folder }) => {
  const long = `${"folder/".repeat(30)}long`;
  write(join(folder, "shards"), {
    "a-000000.tar": tarOf([
      ["0.png", greyPng(1)],
      ["0.json", '{"label": 7, "caption": "one"}'],
      ["1.seg.png", greyPng(9)],
      ["1.png", greyPng(2)],
      ["1.json", '{"label": 3, "caption": ["two", "a pair"]}'],
      [".hidden", "x"],
    ]),
    "a-000001.tar": tarOf([
      ["2.jpg", greyPng(3)],
      ["2.json", '{"label": 7, "caption": "three"}'],
    ]),
  });
  const data = await images(join(folder, "shards"));
  assert.equal(
    [greys(data), [...data.labels!], data.classNames],
    [
      [1, 2, 3],
      [1, 0, 1],
      ["3", "7"],
    ],
  );
  const captioned = await captionedImages(join(folder, "shards"));
  assert.equal(captioned.captions, ["one", "two", "a pair", "three"]);
  // pax's header for a name that is too long for the other.
  const members = [
    ["png", greyPng(4)],
    ["cls", Buffer.from("8")],
  ] as const;
  const parts = members.flatMap(([kind, bytes], i) => [
    new Pax({ path: `${long}.${kind}`, size: bytes.length }).encode(),
    tarOf([[`${i}.short`, bytes]]).subarray(0, -1024),
  ]);
  write(folder, { "long.tar": Buffer.concat([...parts, Buffer.alloc(1024)]) });
  const named = await images(join(folder, "long.tar"));
  assert.equal([greys(named), named.classNames], [[4], ["8"]]);
});

test("dataset.json gives the classes, in a folder and in a zip file, and none where it says so", async ({
  folder,
}) => {
  const files = { "00000/a.png": greyPng(1), "00000/b.png": greyPng(2), "00001/c.png": greyPng(3) };
  const json = JSON.stringify({
    labels: [
      ["00001/c.png", 6],
      ["00000/a.png", 6],
      ["00000/b.png", 2],
    ],
  });
  write(join(folder, "plain"), { ...files, "dataset.json": json });
  write(folder, {
    "set.zip": zipOf({ ...files, "dataset.json": json }),
    "none.zip": zipOf({ ...files, "dataset.json": '{"labels": null}' }),
  });
  for (const name of ["plain", "set.zip"]) {
    const data = await images(join(folder, name));
    assert.equal(
      [greys(data), [...data.labels!], data.classNames],
      [
        [1, 2, 3],
        [1, 0, 1],
        ["2", "6"],
      ],
      name,
    );
  }
  assert.is((await images(join(folder, "none.zip"))).labels, undefined);
  assert.is((await images(join(folder, "set.zip"), { label: false })).labels, undefined);
});

test("captions: a text or a list of texts in Parquet, a file in a zip file, a folder", async ({ folder }) => {
  write(folder, {
    "text.parquet": hubParquet({ image: pictures(0, 2), text: ["a cat", "a dog"] }),
    "list.parquet": hubParquet({ image: pictures(0, 2), captions: [["a cat"], ["a dog", "one dog"]] }),
    "set.zip": zipOf({
      "x/a.png": greyPng(0),
      "x/b.png": greyPng(1),
      "x/metadata.csv": "file_name,text\nb.png,a dog\na.png,a cat\n",
    }),
    "plain/a.png": greyPng(0),
    "plain/captions.jsonl": '{"file": "a.png", "caption": "a cat"}',
  });
  const captions = async (name: string) => (await captionedImages(join(folder, name))).captions;
  assert.equal(await captions("text.parquet"), ["a cat", "a dog"]);
  assert.equal(await captions("list.parquet"), ["a cat", "a dog", "one dog"]);
  assert.equal(await captions("plain"), ["a cat"]);
  const zip = await captionedImages(join(folder, "set.zip"));
  const batch = zip.sample(random.key(0), 20);
  for (const [i, caption] of batch.captions.entries())
    assert.is(batch.x[48 * i]! < -0.999, caption === "a cat");
});

test("more than one block of pixels, in order, with and without onProgress; kept until a shard changes", async ({
  folder,
  cache,
}) => {
  const count = 700;
  const levels = range(0, count).map((i) => i % 251);
  const member = (level: number, i: number) => [`${i}.png`, greyPng(level, 32)] as const;
  write(folder, { "set.tar": tarOf(levels.map(member)) });
  let decoded = 0;
  const read = (options: ImagesOptions = {}) => images(join(folder, "set.tar"), options);
  assert.equal(greys(await read()), levels);
  assert.is(readdirSync(join(cache, "tangent-lab")).length, 1);
  await read({ onProgress: () => decoded++ });
  assert.is(decoded, 0);
  write(folder, { "set.tar": tarOf([...levels].reverse().map(member)) });
  assert.equal([greys(await read({ onProgress: () => decoded++ })), decoded], [[...levels].reverse(), count]);
});

test("stopped by a signal, with its reason", async ({ folder }) => {
  write(folder, { "set.tar": tarOf(range(0, 40).map((i) => [`${i}.png`, greyPng(i)] as const)) });
  for (const onDisk of [false, true]) {
    const controller = new AbortController();
    const onProgress = (done: number): void => {
      if (done === 8) controller.abort("enough");
    };
    const { signal } = controller;
    const reason: unknown = await images(join(folder, "set.tar"), { signal, onProgress, onDisk }).then(
      () => "read to the end",
      (error: unknown) => error,
    );
    assert.is(reason, "enough");
  }
});

const png = greyPng(1);
const tar = tarOf([
  ["a.png", png],
  ["a.cls", "1"],
  ["b.png", png],
  ["b.cls", "2"],
]);
const parquet = hubParquet({ image: pictures(0, 2), label: [0n, 1n] }, { classNames: ["x", "y"] });

for (const [why, files, code, message, options = {}] of [
  ["nothing there", {}, "file-system", /cannot read .*: it does not exist/],
  [
    "another kind of file",
    { "set.rar": "x" },
    "invalid-argument",
    /invalid path; .*allowed: a folder, or a file \.parquet, \.tar, \.zip/,
  ],
  [
    "half a Parquet file",
    { "set.parquet": parquet.subarray(0, 200) },
    "corrupt-file",
    /set\.parquet is no complete Parquet file: its end is missing, as after half a download/,
  ],
  [
    "a pointer for a Parquet file",
    { "set.parquet": "version https://git-lfs.github.com/spec/v1\n" },
    "corrupt-file",
    /it is a Git LFS pointer/,
  ],
  [
    "Parquet without pictures",
    {
      "set.parquet": plainParquet([
        { name: "n", data: [1], type: "INT32" },
        { name: "s", data: ["x"], type: "STRING" },
      ]),
    },
    "invalid-data",
    /set\.parquet: it has no column of pictures; given: "n, s"/,
  ],
  [
    "a column that is not there",
    { "set.parquet": parquet },
    "invalid-argument",
    /invalid image; given: "photo"; allowed: a column of .*: image, label/,
    { image: "photo" },
  ],
  [
    "a label that is not there",
    { "set.parquet": parquet },
    "invalid-argument",
    /invalid label; given: "kind"; allowed: a column of .*: image, label/,
    { label: "kind" },
  ],
  [
    "a column of no pictures",
    { "set.parquet": parquet },
    "invalid-argument",
    /invalid image; given: "label"; allowed: a column of bytes/,
    { image: "label" },
  ],
  [
    "paths instead of pictures",
    { "set.parquet": hubParquet({ image: [hubImage(null, "x.png")] }) },
    "invalid-data",
    /row 0: column image has only the path x\.png/,
  ],
  [
    "no label in a row",
    { "set.parquet": hubParquet({ image: pictures(0, 2), label: [0n, -1n] }, { classNames: ["x"] }) },
    "invalid-data",
    /row 1 has no label in column label/,
  ],
  [
    "a label beyond the names",
    { "set.parquet": hubParquet({ image: pictures(0, 2), label: [0n, 4n] }, { classNames: ["x"] }) },
    "invalid-data",
    /row 1 has the label 4; allowed: 0 to 0/,
  ],
  [
    "mixed sizes",
    { "set.parquet": hubParquet({ image: [hubImage(png), hubImage(greyPng(1, 5))] }) },
    "invalid-data",
    /set\.parquet, row 1 is not of the size of the others; given: "5 x 5 pixels"/,
  ],
  [
    "no picture in a row",
    { "set.parquet": hubParquet({ image: [hubImage(Buffer.from("text"))] }) },
    "corrupt-file",
    /set\.parquet, row 0 is neither PNG nor JPEG/,
  ],
  [
    "a shard that is missing",
    { "train-00000-of-00003.parquet": parquet, "train-00002-of-00003.parquet": parquet },
    "invalid-data",
    /shards are missing; given: "2 of the 3 shards of train"; .*has number 1/,
  ],
  [
    "splits of other names",
    { "a-00000-of-00001.tar": tar, "b-00000-of-00001.tar": tar },
    "invalid-argument",
    /invalid split; given: undefined; allowed: a, b/,
  ],
  [
    "a split that is not there",
    { "train-00000-of-00001.tar": tar },
    "invalid-argument",
    /invalid split; given: "dev"; allowed: train/,
    { split: "dev" },
  ],
  [
    "half a file in a shard",
    { "set.tar": tar.subarray(0, 512 + 30) },
    "corrupt-file",
    /half a shard: a\.png should end at byte \d+ of 542, after 0 whole files/,
  ],
  // A header, a picture that fills its block in part, a header, a label.
  ...[1024 - 100, 1024, 2048 - 511].map(
    (length) =>
      [
        `a shard that ends after ${length} bytes`,
        { "set.tar": tar.subarray(0, length) },
        "corrupt-file",
        /set\.tar is no complete tar file: half a shard: .*after [12] whole files, without the mark of its end/,
      ] as const,
  ),
  [
    "half a key in a shard",
    {
      "set.tar": tarOf([
        ["a.png", png],
        ["a.cls", "1"],
        ["b.png", png],
      ]),
    },
    "invalid-data",
    /half a shard: b has no label; allowed: a file \.cls/,
  ],
  [
    "no picture in a shard",
    { "set.tar": tarOf([["a.txt", "x"]]) },
    "invalid-data",
    /no picture, or half a shard: a has none; given: "\.txt"/,
  ],
  [
    "a damaged shard",
    { "set.tar": Buffer.concat([tar.subarray(0, 1024), Buffer.alloc(512, 7)]) },
    "corrupt-file",
    /its header at byte 1024 is damaged/,
  ],
  [
    "a compressed shard",
    { "set.tar": Buffer.concat([Buffer.of(0x1f, 0x8b), Buffer.alloc(600)]) },
    "corrupt-file",
    /it is compressed with gzip/,
  ],
  [
    "a zip file without pictures",
    { "set.zip": zipOf({ "a.txt": "x" }) },
    "invalid-data",
    /no images in .*set\.zip; given: "1 files, the first a\.txt"/,
  ],
  [
    "half a zip file",
    { "set.zip": zipOf({ "a.png": png }).subarray(0, 60) },
    "corrupt-file",
    /set\.zip is no complete zip file/,
  ],
  [
    "pictures beside class folders in a zip file",
    { "set.zip": zipOf({ "a.png": png, "x/b.png": png }) },
    "invalid-data",
    /both in subfolders and beside them/,
  ],
  [
    "labels of some pictures",
    { "set.zip": zipOf({ "a.png": png, "b.png": png, "dataset.json": '{"labels": [["a.png", 1]]}' }) },
    "invalid-data",
    /no label of b\.png/,
  ],
  [
    "labels that are vectors",
    { "set.zip": zipOf({ "a.png": png, "dataset.json": '{"labels": [["a.png", [1, 0.5]]]}' }) },
    "invalid-data",
    /the label of a\.png is a list of numbers/,
  ],
  [
    "labels in another form",
    { "set.zip": zipOf({ "a.png": png, "dataset.json": '{"labels": {"a.png": 1}}' }) },
    "corrupt-file",
    /dataset\.json has no labels: it is of another form/,
  ],
  [
    "a column for a zip file",
    { "set.zip": zipOf({ "a.png": png }) },
    "invalid-argument",
    /invalid image; given: "x"; allowed: only for Parquet and WebDataset/,
    { image: "x" },
  ],
] as readonly (readonly [string, Record<string, Uint8Array | string>, string, RegExp, ImagesOptions?])[]) {
  test(`refused in a sentence: ${why}`, async ({ folder }) => {
    write(folder, files);
    const names = Object.keys(files);
    const path =
      names.length === 1 && options.split === undefined
        ? join(folder, names[0]!)
        : names.length === 0
          ? join(folder, "gone")
          : folder;
    const error = await rejection(images(path, options));
    assert.is(error.code, code, error.message);
    assert.match(error.message, message);
  });
}

test("captions that are not there: what there is is named", async ({ folder }) => {
  write(folder, { "set.parquet": parquet, "set.tar": tar, "set.zip": zipOf({ "a.png": png }) });
  for (const [name, message] of [
    ["set.parquet", /invalid caption; .*that has the captions: image, label/],
    ["set.tar", /invalid caption; .*: \.png, \.cls/],
    ["set.zip", /a zip file with captions\.jsonl or metadata\.jsonl or metadata\.csv/],
  ] as const)
    assert.match((await rejection(captionedImages(join(folder, name)))).message, message);
});

test.run();
