import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
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

test("metadata.csv: quotes and commas", async ({ folder }) => {
  const csv = 'file_name,text\na.png,"grey, or ""gray"""\n';
  write(folder, { "a.png": grey(0), "metadata.csv": csv });
  assert.equal((await captionedFolder(folder, { size: 8 })).captions, ['grey, or "gray"']);
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
    /b\.png has the wrong size; given: "9 x 9 pixels"; allowed: 8 x 8/,
  ],
  [
    "no image",
    { "a.png": "GIF89a", "captions.jsonl": line },
    "corrupt-file",
    /a\.png is neither PNG nor JPEG/,
  ],
  ["no JSON", { "a.png": grey(0), "captions.jsonl": `${line}\n{` }, "corrupt-file", /line 2 is not JSON/],
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
