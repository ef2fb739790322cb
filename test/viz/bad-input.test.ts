import { test } from "uvu";
import * as assert from "uvu/assert";
import { TangentLabError } from "../../src/errors.js";
import {
  attributeAgreement,
  autocorrelation,
  directionPerProbe,
  editStrips,
  featureResponse,
  fourRows,
  levelSets,
  logitsMatrices,
  metricAgainstBatchSize,
  metricCurves,
  orthographic,
  oscillationMap,
  type Points,
  parallelShare,
  pictureRows,
  sampleScatter,
  tangentField,
  timeSchedule,
  tokenAttention,
  toSVG,
  trajectories,
  type VegaLiteSpec,
} from "../../viz/index.js";
import { texts } from "./marks.js";

const refused = (body: () => unknown, argument: string): void =>
  assert.throws(
    body,
    (error: unknown) => error instanceof TangentLabError && error.argument === argument,
    argument,
  );

const nan = Number.NaN;
const zeros = (...shape: number[]): Points => ({
  shape,
  values: new Float64Array(shape.reduce((a, b) => a * b, 1)),
});
const broken = (...shape: number[]): Points => ({
  shape,
  values: new Float64Array(shape.reduce((a, b) => a * b, 1)).fill(nan),
});

test("nothing to draw is refused, naming what is empty", () => {
  refused(() => oscillationMap({ runs: [] }), "runs");
  refused(
    () => directionPerProbe({ runs: [{ name: "a", times: [1], recordings: [] }] }),
    "runs[].recordings",
  );
  refused(() => autocorrelation({ runs: [{ name: "a", tangents: [zeros(1, 2)] }] }), "runs[0].tangents");
  refused(() => timeSchedule({ stages: [] }), "stages");
  refused(() => timeSchedule({ stages: [{ step: 0, t: [], r: [] }] }), "stages[0].t");
  refused(() => trajectories({ data: zeros(1, 2), runs: [{ name: "a", frames: [] }] }), "runs[0].frames");
  refused(() => levelSets({ xs: [0], ys: [0, 1], slices: [{ name: "a", values: [0, 0] }] }), "xs");
  refused(() => featureResponse({ responses: [] }), "responses");
  refused(() => metricAgainstBatchSize({ metric: "m", runs: [{ name: "a", points: [] }] }), "runs[0].points");
  refused(() => logitsMatrices({ panels: [], count: 1 }), "panels");
  refused(() => attributeAgreement({ arms: [{ name: "a", attributes: [] }] }), "series[0].points");
  refused(() => tokenAttention({ times: [0.5], layers: [] }), "layers");
  refused(() => editStrips({ strips: [] }), "strips");
  refused(() => pictureRows({ rows: [] }), "rows");
  refused(
    () => pictureRows({ rows: [{ label: "a", images: zeros(2, 2, 2, 1) }], columns: ["b"] }),
    "columns",
  );
});

test("values that are no numbers are refused by place, or left out and counted", async () => {
  refused(
    () => logitsMatrices({ panels: [{ name: "a", logits: [nan] }], count: 1 }),
    "panels[0].logits.values[0]",
  );
  refused(
    () => levelSets({ xs: [0, 1], ys: [0, 1], slices: [{ name: "a", values: [0, 0, nan, 0] }] }),
    "slices[0].values.values[2]",
  );
  refused(() => timeSchedule({ stages: [{ step: 0, t: [1], r: [nan] }] }), "stages[0].r[0]");
  refused(() => tokenAttention({ times: [0.5], layers: [[nan]] }), "layers[0][0]");
  refused(() => oscillationMap({ runs: [{ name: "a", times: [nan], recordings: [] }] }), "runs[0].times[0]");
  refused(
    () =>
      fourRows({
        times: [1],
        noisy: broken(1, 2, 2, 1),
        outputs: zeros(1, 2, 2, 1),
        pixel: zeros(1, 2, 2, 1),
        aligned: zeros(1, 2, 2, 1),
      }),
    "noisy.values[0]",
  );
  const recordings = [{ step: 1, values: [0.5, nan] }];
  const spec = oscillationMap({ runs: [{ name: "a", times: [1, 2], recordings }] });
  assert.match(texts(await toSVG(spec)), "Left out 1 values");
});

test("a single point is drawn", async () => {
  const one = [{ step: 1, values: [0.5] }];
  const charts: VegaLiteSpec[] = [
    oscillationMap({ runs: [{ name: "a", times: [1], recordings: one }] }),
    directionPerProbe({ runs: [{ name: "a", times: [1], recordings: one }] }),
    parallelShare({ runs: [{ name: "a", recordings: one }] }),
    metricCurves({ metric: "m", curves: [{ name: "a", steps: [0], values: [1] }] }),
    timeSchedule({ stages: [{ step: 0, t: [1], r: [0] }] }),
    trajectories({ data: zeros(1, 2), runs: [{ name: "a", frames: [{ step: 0, outputs: zeros(1, 2) }] }] }),
    tangentField({
      data: zeros(1, 3),
      runs: [{ name: "a", outputs: zeros(1, 3), tangents: zeros(1, 3) }],
      projection: orthographic(),
    }),
    sampleScatter({ runs: [{ name: "a", frames: [{ step: 0, samples: zeros(1, 2) }] }] }),
    levelSets({ xs: [0, 1], ys: [0, 1], slices: [{ name: "flat", values: [1, 1, 1, 1] }] }),
    logitsMatrices({ panels: [{ name: "a", logits: [0] }], count: 1 }),
    metricAgainstBatchSize({
      metric: "m",
      runs: [{ name: "a", points: [{ batchSize: 8, mean: 1, low: null, high: null }] }],
    }),
  ];
  for (const spec of charts)
    assert.not.match(await toSVG(spec), /NaN|undefined|Infinity/, JSON.stringify(spec.title));
});

test("much is thinned or averaged, and the caption says so", async () => {
  const many = 100_000;
  const big = zeros(many, 2);
  const steps = Array.from({ length: many }, (_, i) => i);
  const recordings = steps.slice(0, 10_000).map((step) => ({ step, values: [0.5] }));
  const frames = steps.slice(0, 10_000).map((step) => ({ step, outputs: zeros(1, 2) }));
  const charts: [VegaLiteSpec, RegExp][] = [
    [
      metricCurves({ metric: "m", curves: [{ name: "a", steps, values: steps }] }),
      /every 100 of its 100,000 values/,
    ],
    [oscillationMap({ runs: [{ name: "a", times: [1], recordings }] }), /mean of 200 of 10,000 recordings/],
    [parallelShare({ runs: [{ name: "a", recordings }] }), /mean of 10 of 10,000 recordings/],
    [trajectories({ data: big, runs: [{ name: "a", frames }] }), /400 of 10,000 recordings drawn/],
    [
      tangentField({ data: big, runs: [{ name: "a", outputs: big, tangents: big }] }),
      /250 of 100,000 arrows/,
    ],
    [
      sampleScatter({ runs: [{ name: "a", frames: [{ step: 0, samples: big }] }] }),
      /300 of 100,000 samples drawn/,
    ],
    [timeSchedule({ stages: [{ step: 0, t: steps.map((i) => i + 1), r: steps }] }), /300 of 100,000 pairs/],
    [
      logitsMatrices({ panels: [{ name: "a", logits: new Float32Array(250_000) }], count: 500 }),
      /64 of 500 pairs/,
    ],
  ];
  for (const [spec, says] of charts) {
    assert.match(texts(await toSVG(spec)).replace(/\s+/g, " "), says);
    assert.ok(JSON.stringify(spec).length < 1_500_000);
  }
});

test("labels with HTML in them are text", async () => {
  const name = '<img src=x onerror="alert(1)"> & </script>';
  const charts = [
    metricCurves({ metric: name, curves: [{ name, steps: [0], values: [1] }] }),
    oscillationMap({ runs: [{ name, times: [1], recordings: [{ step: 1, values: [0] }] }] }),
    featureResponse({ responses: [{ name, sizes: [0, 1], values: [0, 1] }], xTitle: name }),
    logitsMatrices({ panels: [{ name, logits: [0] }], count: 1, captions: [name] }),
    editStrips({ strips: [{ label: name, frames: zeros(1, 2, 2, 1) }] }),
    levelSets({ xs: [0, 1], ys: [0, 1], axes: [name, name], slices: [{ name, values: [0, 1, 2, 3] }] }),
  ];
  for (const spec of charts) {
    const svg = await toSVG(spec);
    assert.not.match(svg, "<img");
    assert.not.match(svg, "</script");
    assert.match(svg, "&lt;img");
  }
});

test.run();
