import { PNG } from "pngjs";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { TangentLabError } from "../../src/errors.js";
import {
  orthographic,
  type Points,
  pictureRows,
  sampleGrids,
  sampleScatter,
  tangentPictures,
  toPNG,
  toSVG,
} from "../../viz/index.js";
import { pictureURI } from "../../viz/picture.js";
import { marks, texts } from "./marks.js";

const constant = (value: number, shape: number[]): Points => ({
  shape,
  values: new Float32Array(shape.reduce((a, b) => a * b, 1)).fill(value),
});

const frames = (steps: number[], shape: number[]) =>
  steps.map((step) => ({ step, samples: constant(0.5, shape) }));

/** The pixel [red, green, blue] of a picture. */
function pixel(uri: string, x: number, y: number): number[] {
  const png = PNG.sync.read(Buffer.from(uri.split(",")[1]!, "base64"));
  return [...png.data.subarray(4 * (y * png.width + x), 4 * (y * png.width + x) + 3)];
}

const fails = (body: () => unknown, argument: string): void =>
  assert.throws(body, (error: unknown) => error instanceof TangentLabError && error.argument === argument);

test("a picture per run and recording, first and last of many among them, and the data", async () => {
  const steps = [0, 1000, 2000, 3000, 4000, 5000, 6000];
  const spec = sampleGrids({
    runs: ["pixel", "MFD"].map((name) => ({ name, frames: frames(steps, [16, 4, 4, 3]) })),
    reference: constant(0, [20, 4, 4, 3]),
  });
  assert.equal(await marks(spec), { "image mark": 2 * 6 });
  const text = texts(await toSVG(spec));
  for (const label of ["0", "6,000", "data", "pixel", "MFD"])
    assert.ok(text.split("\n").includes(label), label);
  assert.match(text, "5 of 7 recordings shown");
});

test("signed maps are red above, blue below and nearly white at zero, whatever their scale", () => {
  const uri = pictureURI({ shape: [1, 1, 3, 1], values: [1e-6, 0, -1e-6] }, { signed: true, scale: 1 });
  assert.equal(
    [0, 1, 2].map((x) => pixel(uri, x, 0)),
    [
      [178, 24, 43],
      [245, 245, 245],
      [33, 102, 172],
    ],
  );
});

test("tangent pictures order columns by noise level and keep equal levels apart", async () => {
  const image = (value: number): number[] => Array<number>(4).fill(value);
  const spec = tangentPictures({
    times: [80, 0.1, 0.1],
    rows: [
      { label: "x", images: { shape: [3, 2, 2, 1], values: [...image(1), ...image(-1), ...image(0)] } },
      { label: "tangent", images: constant(0.1, [3, 2, 2, 1]), signed: true },
    ],
  });
  assert.equal(await marks(spec), { "image mark": 6 });
  const [table] = spec.vconcat as [{ data: { values: { url: string }[] } }];
  const shades = table.data.values.slice(0, 3).map(({ url }) => pixel(url, 0, 0)[0]);
  assert.equal(shades, [0, 128, 255], "t = 0.1, 0.1, 80");
  assert.equal(texts(await toSVG(spec)).match(/^(0\.1|80)$/gm), ["0.1", "0.1", "80"]);
});

test("small images are files of their own pixels, enlarged as sharp squares in SVG and PNG, in their own shape", async () => {
  // Left black, right white, twice as wide as high.
  const images: Points = { shape: [1, 2, 4, 1], values: [-1, -1, 1, 1, -1, -1, 1, 1] };
  const spec = pictureRows({ rows: [{ label: "a", images }], columns: ["b"] });
  const svg = await toSVG(spec);
  const image = svg.match(/<image[^>]*>/)![0];
  assert.match(image, "image-rendering: pixelated");
  assert.match(image, 'preserveAspectRatio="xMidYMid"');
  assert.match(image, 'aria-label="a, b"');
  const file = PNG.sync.read(Buffer.from(image.match(/base64,([^"]*)/)![1]!, "base64"));
  assert.equal([file.width, file.height], [4, 2]);
  const drawn = PNG.sync.read(Buffer.from(await toPNG(spec)));
  // A row through the image, right of its label.
  const start = drawn.width * Math.round(0.6 * drawn.height) + Math.round(0.35 * drawn.width);
  const row = [...drawn.data.subarray(4 * start, 4 * (start + Math.round(0.6 * drawn.width)))];
  const greys = new Set(row.filter((_, i) => i % 4 === 0));
  const between = [...greys].filter((grey) => grey > 40 && grey < 215);
  assert.ok(greys.has(0) && greys.has(255), "the row goes through the image");
  assert.equal(between, [], "no shades between black and white");
});

test("images that are hardly enlarged stay smooth", async () => {
  const shape = [16, 28, 28, 1];
  const svg = await toSVG(sampleGrids({ runs: [{ name: "a", frames: frames([0, 1, 2, 3], shape) }] }));
  assert.is(svg.split("<image").length - 1, 4);
  assert.not.match(svg, "image-rendering");
});

test("points are panels of samples over the data, in more dimensions by PCA", async () => {
  const reference: Points = { shape: [4, 3], values: [1, 0, 0, -1, 0, 0, 0, 1, 0, 0, -1, 0] };
  const spec = sampleScatter({
    runs: ["pixel", "MFD"].map((name) => ({ name, frames: frames([0, 10], [5, 3]) })),
    reference,
  });
  assert.is((await marks(spec)).point, 4 * (4 + 5));
  assert.match(texts(await toSVG(spec)), "holds 100% of its variance");
});

test("without data nothing is drawn behind samples, nor called data", async () => {
  const runs = [{ name: "pixel", frames: frames([0, 10], [5, 3]) }];
  const spec = sampleScatter({ runs });
  assert.is((await marks(spec)).point, 2 * 5);
  const text = texts(await toSVG(spec));
  assert.match(text, "PCA of the first run's last samples");
  assert.not.match(text, /\bdata\b/i);
});

test("seen from a side, data that are far are fainter, as the caption says", async () => {
  const reference: Points = { shape: [3, 3], values: [0, 0, -1, 0, 0, 0, 0, 0, 1] };
  const runs = [{ name: "pixel", frames: frames([0], [2, 3]) }];
  const svg = await toSVG(sampleScatter({ runs, reference, projection: orthographic({ elevation: 90 }) }));
  const opacities = [...svg.matchAll(/<path aria-label="data"[^<>]*>/g)].map(([tag]) =>
    Number(/opacity="([\d.]+)"/.exec(tag)![1]),
  );
  assert.equal(opacities, [0.12, 0.46, 0.8]);
});

test("bad samples are refused by name", () => {
  const run = { name: "a", frames: frames([0, 1], [4, 2, 2, 1]) };
  fails(() => sampleGrids({ runs: [] }), "runs");
  fails(() => sampleGrids({ runs: [{ name: "a", frames: [] }] }), "runs[0].frames");
  fails(
    () => sampleGrids({ runs: [run, { name: "b", frames: frames([0, 2], [4, 2, 2, 1]) }] }),
    "runs[1].frames[].step",
  );
  fails(
    () => sampleGrids({ runs: [{ name: "a", frames: frames([0], [4, 2, 2, 2]) }] }),
    "runs[0].frames[0].samples.shape",
  );
  fails(() => sampleGrids({ runs: [run], columns: 0 }), "columns");
  fails(() => sampleScatter({ runs: [run] }), "runs[0].frames[0].samples.shape");
  fails(
    () => tangentPictures({ times: [1], rows: [{ label: "x", images: constant(0, [2, 2, 2, 1]) }] }),
    "rows[0].images",
  );
  fails(
    () => tangentPictures({ times: [NaN], rows: [{ label: "x", images: constant(0, [1, 2, 2, 1]) }] }),
    "times.values[0]",
  );
  fails(() => pictureURI({ shape: [1, 1, 1, 1], values: [NaN] }), "images.values[0]");
});

test.run();
