import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { captionedFolder } from "../../datasets/index.js";
import * as random from "../../src/engine/random.js";
import { encodePng } from "../../src/io/png.js";
import { rejection } from "../rejection.js";

const test = suite<{ folder: string }>("captioned folder");
test.before.each((context) => {
  context.folder = mkdtempSync(join(tmpdir(), "tangent-lab-"));
});
test.after.each(({ folder }) => rmSync(folder, { recursive: true }));

/** A PNG of one grey. */
const grey = (value: number, size = 8): Buffer =>
  encodePng({ data: new Float32Array(size * size * 3).fill(value), shape: [size, size, 3] });

const write = (folder: string, files: Record<string, string | Buffer>): void => {
  for (const [name, content] of Object.entries(files)) writeFileSync(join(folder, name), content);
};

test("captions.jsonl: several captions an image", async ({ folder }) => {
  const lines = [
    '{"file": "a.png", "captions": ["black", "night"]}',
    '{"file_name": "b.png", "text": "white"}',
    "",
  ];
  write(folder, { "a.png": grey(-1), "b.png": grey(1), "captions.jsonl": lines.join("\n") });
  const data = await captionedFolder(folder);
  assert.equal([data.shape, data.size, data.captions], [[8, 8, 3], 2, ["black", "night", "white"]]);
  const { x, captions } = data.sample(random.key(0), 40);
  assert.is(new Set(captions).size, 3);
  for (const [i, caption] of captions.entries()) assert.is(x[i * 192], caption === "white" ? 1 : -1);
});

test("says how far it is, and stops by a signal, with its reason", async ({ folder }) => {
  const lines = ["a", "b"].map((name) => JSON.stringify({ file: `${name}.png`, caption: name }));
  write(folder, { "a.png": grey(-1), "b.png": grey(1), "captions.jsonl": lines.join("\n") });
  const seen: number[][] = [];
  const controller = new AbortController();
  const stopped = captionedFolder(folder, {
    signal: controller.signal,
    onProgress: (done, all) => {
      seen.push([done, all]);
      controller.abort("enough");
    },
  });
  assert.is(await stopped.catch((reason: unknown) => reason), "enough");
  assert.equal(seen, [[1, 2]]);
  await captionedFolder(folder, { onProgress: (done, all) => seen.push([done, all]) });
  assert.equal(seen.slice(1), [
    [1, 2],
    [2, 2],
  ]);
});

test("metadata.csv: quotes and commas", async ({ folder }) => {
  const csv = 'file_name,text\na.png,"grey, or ""gray"""\n';
  write(folder, { "a.png": grey(0), "metadata.csv": csv });
  assert.equal((await captionedFolder(folder, { size: 4 })).shape, [4, 4, 3]);
  assert.equal((await captionedFolder(folder, { size: 8 })).captions, ['grey, or "gray"']);
});

test("names: hidden files aside, paths, subfolders, links, and both forms of an accent", async ({
  folder,
}) => {
  mkdirSync(join(folder, "more"));
  const files = {
    "a.png": grey(-1),
    "._a.png": "x",
    ".DS_Store": "x",
    "more/b.png": grey(0),
    ["\u00e9t\u00e9.png".normalize("NFD")]: grey(1),
  };
  write(folder, files);
  symlinkSync("a.png", join(folder, "link.png"));
  const lines = [
    ...['{"file": "./a.png", "caption": "a"}', '{"file": "more/../more/b.png", "captions": "one text"}'],
    ...[`{"file": "${"\u00e9t\u00e9.png".normalize("NFC")}", "text": "summer"}`],
    '{"file": "link.png", "text": ["x", "y"]}',
  ];
  write(folder, { "captions.jsonl": lines.join("\r\n") });
  assert.equal((await captionedFolder(folder)).captions, ["a", "one text", "summer", "x", "y"]);
});

test("encodings: Latin-1 by option, UTF-16 and UTF-8 by their marks", async ({ folder }) => {
  const csv = "file_name,text\na.png,caf\u00e9\n";
  const mark = (...bytes: number[]) => Buffer.from(bytes);
  const swapped = Buffer.from(csv, "utf16le").swap16();
  for (const [bytes, options] of [
    [Buffer.from(csv, "latin1"), { encoding: "windows-1252" }],
    [Buffer.concat([mark(0xff, 0xfe), Buffer.from(csv, "utf16le")]), {}],
    [Buffer.concat([mark(0xfe, 0xff), swapped]), {}],
    [Buffer.concat([mark(0xef, 0xbb, 0xbf), Buffer.from(csv)]), {}],
    [Buffer.from(csv, "utf16le"), { encoding: "utf-16le" }],
  ] as const) {
    write(folder, { "a.png": grey(0), "metadata.csv": bytes });
    assert.equal((await captionedFolder(folder, options)).captions, ["caf\u00e9"]);
  }
  const error = await rejection(captionedFolder(folder, { encoding: "klingon" }));
  assert.is(error.argument, "encoding");
});

const line = '{"file": "a.png", "caption": "a"}';
for (const [why, files, code, message] of [
  ["no captions file", { "a.png": grey(0) }, "file-system", /no captions in/],
  [
    "an empty list",
    { "a.png": grey(0), "captions.jsonl": "\n" },
    "invalid-data",
    /captions\.jsonl has no captions/,
  ],
  [
    "an image without a caption",
    { "a.png": grey(0), "b.png": grey(0), "captions.jsonl": line },
    "invalid-data",
    /b\.png has no caption/,
  ],
  [
    "a caption without an image",
    { "captions.jsonl": line },
    "invalid-data",
    /line 1 names a\.png, which is not/,
  ],
  [
    "one image twice",
    { "a.png": grey(0), "captions.jsonl": `${line}\n${line}` },
    "invalid-data",
    /line 2 names a\.png a second time/,
  ],
  [
    "a blank caption",
    { "a.png": grey(0), "captions.jsonl": '{"file": "a.png", "caption": " "}' },
    "invalid-data",
    /line 1 does not caption/,
  ],
  [
    "another size",
    { "a.png": grey(0), "b.png": grey(0, 9), "captions.jsonl": `${line}\n${line.replace("a.png", "b.png")}` },
    "invalid-data",
    /b\.png is not of the size of the others; given: "9 x 9 pixels"; allowed: 8 x 8 pixels, as the first image, or a `size`/,
  ],
  ["no image", { "a.png": "text", "captions.jsonl": line }, "corrupt-file", /a\.png is neither PNG nor JPEG/],
  ["no JSON", { "a.png": grey(0), "captions.jsonl": `${line}\n{` }, "corrupt-file", /line 2 is not JSON/],
  [
    "Latin-1",
    { "a.png": grey(0), "metadata.csv": Buffer.from("file_name,text\na.png,caf\u00e9\n", "latin1") },
    "corrupt-file",
    /metadata\.csv: line 2 is not UTF-8.*"windows-1252"/,
  ],
  [
    "UTF-16 without a mark",
    { "a.png": grey(0), "captions.jsonl": Buffer.from(line, "utf16le") },
    "corrupt-file",
    /captions\.jsonl: line 1 has a byte 0, as UTF-16 has/,
  ],
  [
    "a file outside of the folder",
    { "a.png": grey(0), "captions.jsonl": line.replace("a.png", "../a.png") },
    "invalid-data",
    /line 1 names \.\.\/a\.png, which is not an image there/,
  ],
  [
    "the same file in other words",
    { "a.png": grey(0), "captions.jsonl": `${line}\n${line.replace("a.png", "./a.png")}` },
    "invalid-data",
    /line 2 names \.\/a\.png a second time/,
  ],
  [
    "JSON that is nested deep",
    { "a.png": grey(0), "captions.jsonl": `{"file": ${"[".repeat(20_000)}${"]".repeat(20_000)}}` },
    "invalid-data",
    /line 1 does not caption/,
  ],
  ["null", { "a.png": grey(0), "captions.jsonl": "null" }, "invalid-data", /line 1 does not caption/],
  [
    "numbers for text",
    { "a.png": grey(0), "captions.jsonl": '{"file": "a.png", "caption": 7}' },
    "invalid-data",
    /line 1 does not caption/,
  ],
  [
    "a Git LFS pointer",
    { "a.png": grey(0), "metadata.csv": "version https://git-lfs.github.com/spec/v1" },
    "corrupt-file",
    /Git LFS pointer/,
  ],
  [
    "ragged CSV",
    { "a.png": grey(0), "metadata.csv": "file_name,text\na.png\n" },
    "corrupt-file",
    /is not CSV/,
  ],
] as const) {
  test(`refused: ${why}`, async ({ folder }) => {
    write(folder, files);
    const error = await rejection(captionedFolder(folder));
    assert.is(error.code, code, error.message);
    assert.match(error.message, message);
  });
}

test.run();
