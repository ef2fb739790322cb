import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PNG } from "pngjs";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { TangentLabError } from "../../src/errors.js";
import { metricCurves, save, themed, toHTML, toPNG, toSVG } from "../../viz/index.js";
import { still } from "../../viz/render/still.js";
import { textWidth, wrap } from "../../viz/text.js";
import { withoutScripts } from "./marks.js";

const chart = metricCurves({
  metric: "sliced Wasserstein distance",
  curves: [{ name: "pixel", steps: [0, 1, 2], values: [3, 2, 1] }],
});

const test = suite<{ folder: string }>("render");
test.before.each(async (context) => {
  context.folder = await mkdtemp(join(tmpdir(), "viz-"));
});
test.after.each((context) => rm(context.folder, { recursive: true }));

/** Share of a PNG's pixels that are exactly this colour. */
function shareOf(png: PNG, [red, green, blue]: readonly number[]): number {
  let count = 0;
  for (let i = 0; i < png.data.length; i += 4) {
    if (png.data[i] === red && png.data[i + 1] === green && png.data[i + 2] === blue) count++;
  }
  return (4 * count) / png.data.length;
}

test("the PNG has the chart's size times the scale, the line's colour and text", async () => {
  const svg = await toSVG(chart);
  const [width, height] = ["width", "height"].map((name) =>
    Number(svg.match(new RegExp(`${name}="(\\d+)"`))![1]),
  );
  const png = PNG.sync.read(Buffer.from(await toPNG(chart, { scale: 2 })));
  assert.equal([png.width, png.height], [2 * width!, 2 * height!]);
  assert.ok(shareOf(png, [0xd5, 0x5e, 0x00]) > 0.002, "the line");
  assert.ok(shareOf(png, [0x1f, 0x23, 0x28]) > 0.002, "the title, drawn with the package's own font");
});

test("dark has a dark background and light text, and the same chart otherwise", async () => {
  const png = PNG.sync.read(Buffer.from(await toPNG(chart, { theme: "dark", scale: 1 })));
  assert.ok(shareOf(png, [0x16, 0x18, 0x1c]) > 0.8, "background");
  assert.ok(shareOf(png, [0x1f, 0x23, 0x28]) < 1e-4, "no dark text");
  const { config: light, ...rest } = themed(chart, "light");
  const { config: dark, ...same } = themed(chart, "dark");
  assert.not.equal(light, dark);
  assert.equal(rest, same);
});

test("drawing leaves the specification as it was, and repeats itself", async () => {
  const before = structuredClone(chart);
  assert.is(await toSVG(chart), await toSVG(chart));
  assert.equal(chart, before);
});

test("a chart is plain data for Vega-Lite 5, the version notebooks know", () => {
  assert.equal(JSON.parse(JSON.stringify(chart)), chart);
  assert.match(chart.$schema, "vega-lite/v5");
});

test("a page is one file: nothing in it is loaded from elsewhere", async () => {
  const html = await toHTML(chart, { title: "<script>" });
  assert.match(html, "<title>&#60;script&#62;</title>");
  assert.match(html, "default-src 'none'");
  assert.not.match(withoutScripts(html), /<(script|link|img|iframe)[^>]*(src|href)="(?!data:)/);
  assert.ok(html.length < 2_000_000, `${html.length} characters`);
});

test("save writes the format of the extension", async ({ folder }) => {
  const starts = { "a.png": "\x89PNG", "a.SVG": "<svg", "a.html": "<!doctype html>", "deep/a.json": "{" };
  for (const [name, start] of Object.entries(starts)) {
    await save(chart, join(folder, name));
    assert.is((await readFile(join(folder, name))).subarray(0, start.length).toString("latin1"), start);
  }
});

test("an unknown extension, a bad scale or a place that cannot be written leave nothing behind", async ({
  folder,
}) => {
  const fails = async (promise: Promise<unknown>, code: string): Promise<void> => {
    const error = await promise.then(
      () => undefined,
      (reason: unknown) => reason,
    );
    assert.ok(error instanceof TangentLabError && error.code === code, String(error));
  };
  await fails(save(chart, join(folder, "a.gif")), "invalid-argument");
  await fails(save(chart, join(folder, "a.png"), { scale: 0 }), "invalid-argument");
  await save(chart, join(folder, "file.json"));
  await fails(save(chart, join(folder, "file.json", "a.json")), "file-system");
  assert.equal(await readdir(folder), ["file.json"]);
});

test("a still image's texts keep their width in other fonts, and nothing is cut off", async () => {
  const svg = still(await toSVG(chart));
  const title = /textLength="(\d+)"[^<>]*>(Sliced Wasserstein distance: [^<]*)</.exec(svg);
  assert.is(Number(title?.[1]), Math.round(textWidth(title![2]!, 15, true)));
  assert.not.match(svg, /textLength="\d+"[^<>]*>1</);
});

test("text is measured as Arial has it, and wrapped between words", () => {
  assert.is(textWidth("iii", 1000), 666);
  assert.is(textWidth("WWW", 1000), 2832);
  assert.equal(wrap("one two three", textWidth("one two", 12), 12), ["one two", "three"]);
  assert.equal(wrap("unbreakably-long", 10, 12), ["unbreakably-long"]);
});

test.run();
