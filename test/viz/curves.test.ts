import { test } from "uvu";
import * as assert from "uvu/assert";
import { TangentLabError } from "../../src/errors.js";
import type { RunRecord } from "../../src/loop/record.js";
import {
  autocorrelation,
  directionChange,
  gradientNoise,
  intervals,
  type MetricCurvesInput,
  metricCurves,
  parallelShare,
  toSVG,
} from "../../viz/index.js";
import { marks, texts } from "./marks.js";

const fails = (body: () => unknown, argument: string): void =>
  assert.throws(body, (error: unknown) => error instanceof TangentLabError && error.argument === argument);

const steps = [0, 10, 20];
const two: MetricCurvesInput = {
  metric: "loss",
  curves: [
    { name: "pixel", steps, values: [3, 2, 1] },
    { name: "MFD", steps, values: [3, 1, 0.5], low: [2, 0.5, 0.2], high: [4, 2, 1] },
  ],
};

test("a line per run, a point per value, a band only where there is one", async () => {
  assert.equal(await marks(metricCurves(two)), { "area mark": 1, "line mark": 2, point: 6 });
});

test("long names are whole in the legend and below the axis, in as many rows as they need", async () => {
  const names = [
    "pixel",
    "MFD",
    "MFD with geometric transformations only",
    "MFD with features that were not trained",
  ];
  const svg = await toSVG(
    metricCurves({ metric: "m", curves: names.map((name) => ({ name, steps, values: [3, 2, 1] })) }),
  );
  for (const name of names) assert.ok(svg.includes(`>${name}</text>`), name);
  const drawnWidth = Number(/ width="([\d.]+)"/.exec(svg)?.[1]);
  assert.ok(drawnWidth <= 610, `${drawnWidth} pixels`);

  const places = [
    "features not trained at all",
    "colour only",
    "geometry only",
    "all transformations",
    "none",
    "noise and mixup",
  ];
  const points = places.map((at, i) => ({ at, mean: i }));
  const below = await toSVG(
    intervals({ metric: "m", title: "t", xTitle: "features", series: [{ name: "a", points }] }),
  );
  const words = [...below.matchAll(/<text(?![^>]* opacity="0")[^>]*>(.+?)<\/text>/gs)].flatMap(([, lines]) =>
    lines!.split(/<[^>]*>| /),
  );
  for (const word of places.join(" ").split(" ")) assert.ok(words.includes(word), word);
});

test("the title is the finding, best run first", () => {
  const title = (input: MetricCurvesInput): string =>
    (metricCurves(input).title as { text: string[] }).text.join(" ");
  assert.is(title(two), "Loss after 20 steps: MFD 0.5, pixel 1");
  const shorter = { name: "both", steps: [0, 10], values: [3, 4] };
  assert.is(
    title({ ...two, curves: [...two.curves, shorter] }),
    "Loss at each one's end: MFD 0.5, pixel 1, both 4",
  );
  assert.is(title({ ...two, lowerIsBetter: false }), "Loss after 20 steps: pixel 1, MFD 0.5");
  assert.is(title({ ...two, curves: two.curves.slice(0, 1) }), "Loss: 3 at the start, 1 after 20 steps");
});

test("pixel is orange and MFD blue in whatever order and chart", async () => {
  const color = async (curves: MetricCurvesInput["curves"]) =>
    [
      ...(await toSVG(metricCurves({ metric: "m", curves }))).matchAll(/line mark"[^>]* stroke="(#\w+)"/g),
    ].map(([, stroke]) => stroke);
  const [pixel, mfd] = two.curves;
  assert.equal(await color([pixel!, mfd!]), ["#D55E00", "#0072B2"]);
  assert.equal(await color([{ ...mfd!, name: "mfd" }]), ["#0072B2"]);
});

test("values that are not finite are gaps, and the chart says so", async () => {
  const svg = await toSVG(
    metricCurves({
      metric: "loss",
      curves: [{ name: "a", steps: [0, 1, 2, 3], values: [1, Number.NaN, 2, Infinity] }],
    }),
  );
  assert.match(texts(svg), "a: left out 2 of 4 values (not finite).");
});

test("where an end of a band is not positive a log scale has no band there, and the chart says so", async () => {
  const band = { low: [0.5, 0, -1], high: [2, 2, 2] };
  const spec = metricCurves({
    metric: "loss",
    yScale: "log",
    curves: [{ name: "a", steps, values: [1, 1, 1], ...band }],
  });
  assert.match(texts(await toSVG(spec)), "a: no band at 2 of 3 values (an end of it is not finite or not");
  const gap = { low: [1, 1, Number.NaN, 1, 1], high: [2, 2, 2, 2, 2] };
  const svg = await toSVG(
    metricCurves({
      metric: "loss",
      curves: [{ name: "a", steps: [0, 1, 2, 3, 4], values: [1, 1, 1, 1, 1], ...gap }],
    }),
  );
  const [, path] = /area mark"[^>]* d="([^"]*)"/.exec(svg) ?? [];
  assert.is(path?.split("M").length, 1 + 2, "not drawn across the gap");
});

test("on a log scale values that are not positive are left out, and the chart says so", async () => {
  const svg = await toSVG(
    metricCurves({ metric: "loss", yScale: "log", curves: [{ name: "a", steps, values: [1, 0, 0.1] }] }),
  );
  assert.match(texts(svg), "a: left out 1 of 3 values (not finite or not positive).");
});

test("one value is drawn as a point", async () => {
  const drawn = await marks(
    metricCurves({ metric: "loss", curves: [{ name: "a", steps: [5], values: [1] }] }),
  );
  assert.is(drawn.point, 1);
});

test("a value to compare with is a dashed line, and the caption says what it is", async () => {
  const reference = { value: 0.1, text: "real against real" };
  const svg = await toSVG(metricCurves({ ...two, reference, yScale: "log" }));
  assert.is(svg.split('stroke-dasharray="4,4"').length, 2, "one dashed line");
  assert.match(texts(svg), "Dashed: real against real.");
  fails(() => metricCurves({ ...two, reference: { value: Number.NaN, text: "" } }), "reference.value");
  fails(() => metricCurves({ ...two, reference: { value: 0, text: "" }, yScale: "log" }), "reference.value");
});

test("gradient noise: the last finite scale of each run, the least first, with its intervals and the batch size", async () => {
  const at = (step: number, estimate: number, half = estimate / 2) => ({
    step,
    scale: { estimate, low: Math.max(0, estimate - half), high: estimate + half },
  });
  const gap = at(20, Number.POSITIVE_INFINITY, Number.NaN);
  const runs = [
    { name: "pixel", points: [gap, at(10, 900), at(0, 20)] },
    { name: "MFD", points: [at(0, 8, 10), at(10, 70), at(20, 120)] },
  ];
  const spec = gradientNoise({ runs, batchSize: 16 });
  assert.equal(spec.title, {
    text: ["Gradient noise scale where it is told last: MFD 120, pixel 900 examples"],
  });
  assert.equal(await marks(spec), { "area mark": 2, "line mark": 2, point: 5 });
  const svg = await toSVG(spec);
  assert.is(svg.split('stroke-dasharray="4,4"').length, 2, "one dashed line");
  const said = texts(svg);
  assert.match(said, "Dashed: the batch size of the training, 16.");
  assert.match(said, "Gaps: the mean gradient cannot be told from 0.");
  const [chart] = spec.vconcat as [{ data: { values: { run: string; step: number; low: number }[] } }];
  const { values } = chart.data;
  const low = (run: string, step: number) => values.find((row) => row.run === run && row.step === step)!.low;
  assert.is(low("MFD", 0), 8, "an interval that reaches 0 goes down to the least estimate");
  assert.is(low("pixel", 10), 450);
  assert.is(low("pixel", 20), null);
  const some = [at(0, 8), { step: 10, scale: { estimate: 9 } }];
  const half = await marks(gradientNoise({ runs: [{ name: "a", points: some }] }));
  assert.is(half["area mark"], 1, "a point without ends does not take the others' band");
  const linear = gradientNoise({ runs: [{ name: "a", points: [at(0, 8, 10)] }], yScale: "linear" });
  assert.not.match(texts(await toSVG(linear)), /Dashed|Gaps/);

  const bad = (points: (typeof runs)[number]["points"]) => () =>
    gradientNoise({ runs: [{ name: "a", points }] });
  fails(bad([]), "runs[0].points");
  fails(bad([gap]), "runs[0].points[].scale.estimate");
  fails(bad([at(0, -1)]), "runs[0].points[0].scale.estimate");
  fails(bad([at(0, Number.NaN)]), "runs[0].points[0].scale.estimate");
  fails(bad([at(0, 1), at(0, 2)]), "runs[0].points[].step");
  fails(() => gradientNoise({ runs, batchSize: 0 }), "batchSize");
});

test("gradient noise of runs is what they recorded; a gap where it is none, no bands", async () => {
  const run = (name: string, noise: number[]): RunRecord =>
    ({
      ...{ name, probes: [], losses: [], samples: [], settings: {} },
      curve: noise.map((gradientNoise, i) => ({ step: 10 * i, metrics: { frechet: 1, gradientNoise } })),
    }) as unknown as RunRecord;
  const spec = gradientNoise(
    { a: run("pixel", [20, Number.NaN, 900]), b: run("MFD", [8, 70, 120]) },
    { batchSize: 16 },
  );
  assert.equal(spec.title, { text: ["Gradient noise scale at the end: b 120, a 900 examples"] });
  assert.is((await marks(spec))["area mark"], undefined);
  const said = texts(await toSVG(spec));
  assert.match(said, "Gaps: the mean gradient cannot be told from 0.");
  assert.not.match(said, "Band:");
  const lost = run("lost", [Number.NaN, Number.NaN]);
  const without = await toSVG(gradientNoise({ lost, told: run("MFD", [8, 70]) }));
  assert.match(texts(without), "Left out: lost, whose mean gradient is nowhere told from 0.");
  fails(() => gradientNoise({ lost }), "runs");
  const plain = { ...run("pixel", []), curve: [{ step: 0, metrics: { frechet: 1 } }] };
  fails(() => gradientNoise(plain), "runs");
});

test("fewer points may be asked for", () => {
  const steps = Array.from({ length: 100 }, (_, i) => i);
  const spec = metricCurves({ metric: "m", maxPoints: 10, curves: [{ name: "a", steps, values: steps }] });
  assert.match(JSON.stringify(spec), /every 10 of its 100 values/);
  assert.throws(
    () => metricCurves({ metric: "m", maxPoints: 0, curves: [{ name: "a", steps, values: steps }] }),
    /invalid maxPoints/,
  );
});

test("100,000 values become 1,000 means with the range as a band, and the chart says so", async () => {
  const count = 100_000;
  const values = Float32Array.from({ length: count }, (_, i) => (i === 77_777 ? 50 : i % 2));
  const spec = metricCurves({
    metric: "loss",
    curves: [{ name: "a", steps: values.map((_, i) => i), values }],
  });
  const svg = await toSVG(spec);
  assert.match(texts(svg).replace(/\n/g, " "), "the range of every 100 of its 100,000 values");
  assert.ok(svg.length < 200_000, `${svg.length} characters`);
  const rows = JSON.stringify(spec);
  assert.match(rows, '"high":50', "a spike stays visible in the band");
});

test("a run's name is text wherever it appears", async () => {
  const name = '</text><script>alert("1")</script>& "quotes"';
  const svg = await toSVG(
    metricCurves({ metric: name, curves: [{ name, steps, values: [1, 2, 3] }, two.curves[0]!] }),
  );
  assert.not.match(svg, "<script");
  assert.match(texts(svg), name);
});

test("bad curves are refused by name", () => {
  const curve = two.curves[0]!;
  fails(() => metricCurves({ metric: "m", curves: [] }), "curves");
  fails(() => metricCurves({ metric: "m", curves: [curve, curve] }), "curves[].name");
  fails(() => metricCurves({ metric: "m", curves: [{ ...curve, name: " " }] }), "curves[].name");
  fails(
    () => metricCurves({ metric: "m", curves: [{ ...curve, steps: [], values: [] }] }),
    "curves[0].values",
  );
  fails(() => metricCurves({ metric: "m", curves: [{ ...curve, values: [1] }] }), "curves[0].steps");
  fails(
    () => metricCurves({ metric: "m", curves: [{ ...curve, values: [NaN, NaN, NaN] }] }),
    "curves[0].values",
  );
  fails(
    () => metricCurves({ metric: "m", curves: [{ ...curve, steps: [0, NaN, 1] }] }),
    "curves[0].steps[1]",
  );
  fails(() => metricCurves({ metric: "m", curves: [{ ...curve, low: [1, 1, 1] }] }), "curves[0].low");
  fails(
    () => metricCurves({ metric: "m", yScale: "log", curves: [{ ...curve, values: [0, -1, 0] }] }),
    "curves[0].values",
  );
  fails(() => metricCurves({ ...two, width: Number.NaN }), "width");
});

const recordings = (shares: number[][]) => shares.map((values, i) => ({ step: 100 * i, values }));
const runs = [
  {
    name: "pixel",
    recordings: recordings([
      [0.4, 0.4],
      [0.6, 0.68],
    ]),
  },
  {
    name: "MFD",
    recordings: recordings([
      [0.3, 0.3],
      [0.02, 0.22],
    ]),
  },
];

test("the parallel share shows means, bands, chance, and the finding", async () => {
  const spec = parallelShare({ runs, chance: 1 / 16 });
  assert.equal(await marks(spec), { "area mark": 2, "line mark": 2, point: 4 });
  assert.equal(spec.title, {
    text: ["Share of the tangents parallel to the data", "manifold at the end: pixel 64%, MFD 12%"],
  });
  const svg = await toSVG(spec);
  assert.match(texts(svg), "random direction, 6%");
  assert.is(svg.split('stroke-dasharray="4,4"').length, 2, "one dashed line");
});

test("direction change starts at the second recording, where there is a cosine", async () => {
  const cosines = runs.map((run) => ({
    ...run,
    recordings: [{ step: 0, values: null }, ...run.recordings.slice(1), { step: 200, values: [-0.5, -0.2] }],
  }));
  assert.equal(await marks(directionChange({ runs: cosines })), { "area mark": 2, "line mark": 2, point: 4 });
});

test("autocorrelation says when tangents have lost their direction, or that they have not by then", async () => {
  const turning = (degrees: number) => ({
    tangents: Array.from({ length: 5 }, (_, j) => {
      const angle = (j * degrees * Math.PI) / 180;
      return { shape: [1, 2], values: [Math.cos(angle), Math.sin(angle)] };
    }),
  });
  const runs = [
    { name: "pixel", ...turning(45) },
    { name: "MFD", ...turning(0) },
  ];
  const spec = autocorrelation({ runs, interval: 1000 });
  const title = (chart: typeof spec): string => (chart.title as { text: string[] }).text.join(" ");
  assert.is(title(spec), "Steps until tangents lose their direction: pixel 2,000, MFD more than 2,000");
  assert.is(
    title(autocorrelation({ runs })),
    "Recordings until tangents lose their direction: pixel 2, MFD more than 2",
  );
  assert.match(texts(await toSVG(spec)), /below 0\.5/);
  const curve = (chart: typeof spec): number[] =>
    (chart.vconcat as { data: { values: { value: number }[] } }[])[0]!.data.values.map(({ value }) => value);
  const [one, two, ...constant] = curve(spec);
  assert.ok(Math.abs(one! - Math.SQRT1_2) < 1e-9 && Math.abs(two!) < 1e-9);
  assert.equal(constant, [1, 1]);
});

test("shares beyond 0 to 1 and runs without values are refused by name", () => {
  fails(
    () => parallelShare({ runs: [{ name: "a", recordings: recordings([[0.1, 1.2]]) }] }),
    "runs[0].recordings[0].values[1]",
  );
  fails(
    () => parallelShare({ runs: [{ name: "a", recordings: recordings([[NaN]]) }] }),
    "runs[0].recordings",
  );
  fails(() => parallelShare({ runs, chance: 2 }), "chance");
  fails(
    () => directionChange({ runs: [{ name: "a", recordings: [{ step: 0, values: null }] }] }),
    "runs[0].recordings",
  );
});

test.run();
