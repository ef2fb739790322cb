import { test } from "uvu";
import * as assert from "uvu/assert";
import * as random from "../../src/engine/random.js";
import { TangentLabError } from "../../src/errors.js";
import {
  type FieldRun,
  type Points,
  type TangentFieldInput,
  tangentField,
  toSVG,
  umap,
} from "../../viz/index.js";
import { marks, texts } from "./marks.js";

const noise = (seed: number, shape: number[]): Points => ({
  shape,
  values: random.normal(
    random.key(seed),
    shape.reduce((a, b) => a * b, 1),
  ),
});

/** A circle in the plane of the first two of `dim` axes; tangents along it (1) or across it (0). */
const circle = (count: number, dim: number, along: 0 | 1): FieldRun => {
  const row = (x: number, y: number): number[] => [x, y, ...Array<number>(dim - 2).fill(0)];
  const angles = Array.from({ length: count }, (_, i) => (2 * Math.PI * i) / count);
  return {
    name: along ? "pixel" : "MFD",
    outputs: { shape: [count, dim], values: angles.flatMap((a) => row(Math.cos(a), Math.sin(a))) },
    tangents: {
      shape: [count, dim],
      values: angles.flatMap((a) =>
        along ? row(-Math.sin(a), Math.cos(a)) : row(-Math.cos(a), -Math.sin(a)),
      ),
    },
  };
};

/** The rows that a chart draws as arrows, panel by panel. */
const arrows = (spec: unknown): { x: number; y: number; x2: number; y2: number; angle: number }[][] => {
  const { vconcat } = spec as { vconcat: [{ concat: { layer: { data: { values: never[] } }[] }[] }] };
  return vconcat[0].concat.map((panel) => panel.layer[1]!.data.values);
};

test("a panel per run with data, an arrow and a head per output", async () => {
  const data = noise(1, [50, 2]);
  const spec = tangentField({ data, runs: [circle(12, 2, 1), circle(12, 2, 0)] });
  const drawn = await marks(spec);
  assert.is(drawn["rule mark"], 24);
  assert.is(drawn.point, 2 * (50 + 12));
});

test("points in the plane are drawn as they are; heads turn with the screen, clockwise from up", () => {
  const run: FieldRun = {
    name: "a",
    outputs: { shape: [3, 2], values: [0, 0, 0, 0, 0, 0] },
    tangents: { shape: [3, 2], values: [0, 1, 1, 0, 0, -2] },
  };
  const [rows] = arrows(tangentField({ data: noise(1, [50, 2]), runs: [run], arrowLength: 0.5 }));
  assert.equal(
    rows!.map(({ x2, y2, angle }) => [x2, y2, angle]),
    [
      [0, 0.5, 0],
      [0.5, 0, 90],
      [0, -1, 180],
    ],
  );
});

test("a circle embedded in 16 dimensions is shown whole by PCA, and tangents out of its plane are counted", async () => {
  const data = circle(60, 16, 1).outputs;
  const out: FieldRun = { ...circle(20, 16, 0), name: "out" };
  const tangents = Array.from(out.tangents.values);
  for (let i = 0; i < 20; i++) tangents[i * 16 + 5] = Math.sqrt(3);
  const runs = [circle(20, 16, 1), { ...out, tangents: { shape: [20, 16], values: tangents } }];
  const text = texts(await toSVG(tangentField({ data, runs })));
  assert.match(text, "holds 100% of its variance");
  assert.match(text.replace(/\n/g, " "), "pixel 100%, out 25%");
});

test("images are shown by UMAP, alike at every call, with its trustworthiness printed", async () => {
  const input = {
    data: noise(1, [40, 4, 4, 1]),
    runs: [{ name: "MFD", outputs: noise(2, [6, 4, 4, 1]), tangents: noise(3, [6, 4, 4, 1]) }],
  };
  const spec = tangentField(input);
  assert.equal(spec, tangentField(input));
  assert.match(texts(await toSVG(spec)), /trustworthiness 0\.\d\d/);
  assert.not.equal(arrows(spec), arrows(tangentField({ ...input, seed: 1 })));
});

test("a projection fitted elsewhere places data, outputs and ends of arrows alike", () => {
  const map = umap(noise(9, [30, 3]));
  const run = { name: "a", outputs: noise(2, [6, 3]), tangents: noise(3, [6, 3]) };
  const [rows] = arrows(tangentField({ data: noise(1, [40, 3]), runs: [run], projection: map }));
  const places = Array.from(map.project(run.outputs).values, (value) => Number(value.toPrecision(5)));
  assert.equal(
    rows!.flatMap(({ x, y }) => [x, y]),
    places,
  );
});

test("a tangent of zero is an arrow of no length, in UMAP too", () => {
  const run = {
    name: "a",
    outputs: noise(2, [6, 4, 4, 1]),
    tangents: { shape: [6, 4, 4, 1], values: new Float32Array(96) },
  };
  for (const { x, y, x2, y2 } of arrows(tangentField({ data: noise(1, [40, 4, 4, 1]), runs: [run] }))[0]!) {
    assert.equal([x2, y2], [x, y]);
  }
});

test("values colour the arrows on one scale, and shares make the title", async () => {
  const runs = [
    { ...circle(4, 2, 1), values: [0, 1, 2, 3], parallel: [1, 1, 1, 1] },
    { ...circle(4, 2, 0), values: [0, 1, 2, 30], parallel: [0, 0, 0, 0.2] },
  ];
  const spec = tangentField({ data: noise(1, [50, 2]), runs, valueTitle: "loss <i>" });
  assert.equal(spec.title, {
    text: ["Share of the tangents parallel to the data manifold: pixel 100%, MFD 5%"],
  });
  const svg = await toSVG(spec);
  assert.is(texts(svg).split("loss <i>").length, 2, "one legend for both panels");
  assert.match(svg, "Gradient legend", "a band of colours, no dots");
  const paints = (pattern: RegExp): string[] =>
    [...svg.matchAll(/<(?:line|path)[^>]*value: [^>]*>/g)].flatMap(
      ([mark]) => mark.match(pattern)?.[1] ?? [],
    );
  const [lines, heads] = [paints(/stroke="([^"]+)"/), paints(/fill="(rgb[^"]+)"/)];
  assert.is(lines.length, 8);
  assert.equal(heads, lines, "a head has its line's colour");
});

test("100,000 points are thinned, and the chart says so", async () => {
  const spec = tangentField({ data: noise(1, [100_000, 2]), runs: [circle(1000, 2, 1)] });
  const svg = await toSVG(spec);
  assert.match(texts(svg), "1,000 of 100,000 data points drawn");
  assert.match(texts(svg), "250 of 1,000 arrows drawn");
  const few = tangentField({
    data: noise(1, [50, 2]),
    runs: [{ ...circle(4, 2, 1), name: "few" }, circle(300, 2, 1)],
  });
  assert.match(texts(await toSVG(few)), "250 of 300 arrows drawn");
  assert.ok(svg.length < 1_000_000, `${svg.length} characters`);
});

test("outputs far away do not squeeze the data; the chart says how many are outside", async () => {
  const run = circle(4, 2, 1);
  const outputs = { shape: [4, 2], values: [0, 1, 1e6, 0, 0, -1, -1, 0] };
  const spec = tangentField({ data: circle(50, 2, 1).outputs, runs: [{ ...run, outputs }] });
  assert.match(texts(await toSVG(spec)), "Outside the frame: 1 of 4 arrows");
});

test("bad fields are refused by name", () => {
  const data = noise(1, [50, 2]);
  const run = circle(4, 2, 1);
  const fails = (input: Partial<TangentFieldInput>, argument: string): void =>
    assert.throws(
      () => tangentField({ data, runs: [run], ...input }),
      (error: unknown) => error instanceof TangentLabError && error.argument === argument,
    );
  fails({ runs: [] }, "runs");
  fails({ data: { shape: [0, 2], values: [] } }, "data.shape");
  fails({ data: { shape: [2, 2], values: [1, 2, 3] } }, "data.values");
  fails({ data: { shape: [1, 2], values: [1, NaN] } }, "data.values[1]");
  fails({ runs: [circle(4, 3, 1)] }, "runs[0].outputs.shape");
  fails({ runs: [{ ...run, tangents: circle(5, 2, 1).tangents }] }, "runs[0].tangents.shape");
  fails({ runs: [{ ...run, values: [1] }] }, "runs[0].values");
  fails({ arrowLength: 0 }, "arrowLength");
  fails({ data: noise(1, [9, 3]), runs: [circle(4, 3, 1)], projection: "plane" }, "projection");
});

test("in feature space the caption says so, and the plane shows what leaves the data", async () => {
  // Data vary along the first feature; the tangent leads along the third.
  const data: Points = { shape: [4, 3], values: [-2, 0.1, 0, -1, -0.1, 0, 1, -0.1, 0, 2, 0.1, 0] };
  const run: FieldRun = {
    name: "a",
    outputs: { shape: [1, 3], values: [0, 0, 1] },
    tangents: { shape: [1, 3], values: [0, 0, -1] },
  };
  const spec = tangentField({ data, runs: [run], space: "features" });
  const text = texts(await toSVG(spec)).replace(/\s+/g, " ");
  assert.match(text, "Where the loss moves the outputs' features");
  assert.match(text, "In feature space. Arrows: from φ(f)");
  assert.match(text, "in 3 dimensions this plane shows: a 100%");
  const elsewhere = texts(await toSVG(tangentField({ data, runs: [run] }))).replace(/\s+/g, " ");
  assert.match(elsewhere, "in 3 dimensions this plane shows: a 0%");
});

test.run();
