import { test } from "uvu";
import * as assert from "uvu/assert";
import { TangentLabError } from "../../src/errors.js";
import {
  attributeAgreement,
  autocorrelation,
  directionChange,
  directionPerProbe,
  editStrips,
  featureResponse,
  fourRows,
  gradientNoise,
  intervals,
  levelSets,
  logitsMatrices,
  metricAgainstBatchSize,
  metricCurves,
  orthographic,
  oscillationMap,
  type Points,
  parallelShare,
  pictureRows,
  sampleGrids,
  sampleScatter,
  type TangentFieldInput,
  tangentExplorer,
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
  refused(() => levelSets({ ys: [0, 1], slices: [{ name: "a", values: [1] }] } as never), "xs");
  refused(() => timeSchedule({ stages: [] }), "stages");
  refused(() => timeSchedule({ stages: [{ step: 0, t: [], r: [] }] }), "stages[0].t");
  refused(() => trajectories({ data: zeros(1, 2), runs: [{ name: "a", frames: [] }] }), "runs[0].frames");
  refused(() => levelSets({ xs: [0], ys: [0, 1], slices: [{ name: "a", values: [0, 0] }] }), "xs");
  refused(() => featureResponse({ responses: [] }), "responses");
  refused(() => metricAgainstBatchSize({ metric: "m", runs: [{ name: "a", points: [] }] }), "runs[0].points");
  refused(() => logitsMatrices({ panels: [], count: 1 }), "panels");
  refused(() => attributeAgreement({ arms: [{ name: "a", attributes: [] }] }), "arms[0].attributes");
  refused(() => tokenAttention({ times: [0.5], layers: [] }), "layers");
  refused(() => editStrips({ strips: [] }), "strips");
  refused(() => pictureRows({ rows: [] }), "rows");
  refused(() => tokenAttention({ times: [], layers: [[]] }), "times");
  refused(() => sampleGrids({ runs: [{ name: "a", frames: [] }] }), "runs[0].frames");
  refused(() => tangentExplorer({ data: zeros(1, 2), runs: [{ name: "a", frames: [] }] }), "runs[0].frames");
  refused(
    () => intervals({ metric: "m", xTitle: "x", title: "t", series: [{ name: "a", points: [] }] }),
    "series[0].points",
  );
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
  refused(
    () =>
      intervals({
        metric: "m",
        xTitle: "x",
        title: "t",
        series: [{ name: "a", points: [{ at: nan, mean: 1 }] }],
      }),
    "series[0].points[0].at",
  );
  refused(
    () =>
      attributeAgreement({
        arms: [{ name: "a", attributes: [{ attribute: "colour", mean: 1 }] }],
        ceiling: { colour: nan },
      }),
    "references[0].value",
  );
  refused(() => tokenAttention({ times: [0.5], layers: [[nan]] }), "layers[0][0]");
  refused(() => oscillationMap({ runs: [{ name: "a", times: [nan], recordings: [] }] }), "runs[0].times[0]");
  refused(
    () =>
      fourRows({
        times: [1],
        noisy: broken(1, 2, 2, 1),
        outputs: zeros(1, 2, 2, 1),
        pixel: zeros(1, 2, 2, 1),
        mfd: zeros(1, 2, 2, 1),
      }),
    "noisy.values[0]",
  );
  refused(
    () =>
      sampleGrids({
        runs: [{ name: "a", frames: [{ step: 0, samples: zeros(1, 2, 2, 1) }] }],
        reference: broken(1, 2, 2, 1),
      }),
    "reference.values[0]",
  );
  const field = { data: zeros(2, 2), runs: [{ name: "a", outputs: zeros(2, 2), tangents: zeros(2, 2) }] };
  const shared = (parallel: number[]): TangentFieldInput => ({
    ...field,
    runs: [{ ...field.runs[0]!, parallel }],
  });
  refused(() => tangentField(shared([0.5, 1.5])), "runs[0].parallel[1]");
  const still = await toSVG(tangentField(shared([0.5, nan])));
  assert.match(texts(still), "data manifold: a 50%");
  assert.match(texts(still), "Left out of the shares: 1 tangents without a length");
  assert.not.match(still, "NaN");
  const recordings = [{ step: 1, values: [0.5, nan] }];
  const spec = oscillationMap({ runs: [{ name: "a", times: [1, 2], recordings }] });
  assert.match(texts(await toSVG(spec)), "Left out 1 values");
  const share = parallelShare({
    runs: [{ name: "a", recordings: [...recordings, { step: 2, values: [nan, nan] }] }],
  });
  assert.match(texts(await toSVG(share)), "at the end: a 50%");
  assert.match(texts(await toSVG(share)), "Left out: 3 values of tangents without a length");
  const frame = { step: 0, outputs: zeros(2, 2), tangents: zeros(2, 2), values: [0.5, nan] };
  const explorer = await toSVG(
    tangentExplorer({ data: zeros(2, 2), runs: [{ name: "a", frames: [frame] }] }),
  );
  assert.match(texts(explorer), "parallel share: a 0.5");
  assert.not.match(explorer, "NaN");
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
  const frame = { step: 0, outputs: zeros(1, 2), tangents: zeros(1, 2), values: [0.5] };
  const image = zeros(1, 2, 2, 1);
  charts.push(
    tangentExplorer({ data: zeros(1, 2), runs: [{ name: "a", frames: [frame] }] }),
    sampleGrids({ runs: [{ name: "a", frames: [{ step: 0, samples: image }] }], reference: image }),
    pictureRows({ rows: [{ label: "a", images: image }] }),
    editStrips({ strips: [{ label: "a", frames: image }] }),
    fourRows({ times: [1], noisy: image, outputs: image, pixel: image, mfd: image }),
    autocorrelation({ runs: [{ name: "a", tangents: [zeros(1, 2), zeros(1, 2)] }] }),
    directionChange({ runs: [{ name: "a", recordings: one }] }),
    featureResponse({ responses: [{ name: "a", sizes: [0], values: [0] }] }),
    attributeAgreement({ arms: [{ name: "a", attributes: [{ attribute: "colour", mean: 1 }] }] }),
    tokenAttention({ times: [1], layers: [[0]] }),
    // Too few images for UMAP: by PCA.
    tangentField({
      data: zeros(2, 2, 2, 1),
      runs: [{ name: "a", outputs: image, tangents: image }],
    }),
  );
  for (const spec of charts)
    assert.not.match(await toSVG(spec), /NaN|undefined|Infinity/, JSON.stringify(spec.title));
});

test("a single point of many dimensions has no plane, and the argument is named", () => {
  const runs = [{ name: "a", outputs: zeros(1, 3), tangents: zeros(1, 3) }];
  refused(() => tangentField({ data: zeros(1, 3), runs }), "data.shape[0]");
  refused(
    () =>
      trajectories({ data: zeros(1, 3), runs: [{ name: "a", frames: [{ step: 0, outputs: zeros(1, 3) }] }] }),
    "data.shape[0]",
  );
  refused(
    () =>
      sampleScatter({
        runs: [{ name: "a", frames: [{ step: 0, samples: zeros(2, 3) }] }],
        reference: zeros(1, 3),
      }),
    "reference.shape[0]",
  );
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
    [
      sampleGrids({ runs: [{ name: "a", frames: [{ step: 0, samples: zeros(many, 1, 1, 1) }] }] }),
      /16 of 100,000 samples/,
    ],
    [
      levelSets({
        xs: [0, 1],
        ys: [0, 1],
        slices: [
          { name: "a", values: [0, 1, 2, 3], arrows: { at: big, along: { ...big, values: big.values } } },
        ],
      }),
      /300 of 100,000 arrows/,
    ],
    // Rough, so that its level sets have more points than a chart can hold.
    [
      levelSets({
        xs: steps.slice(0, 1000),
        ys: steps.slice(0, 100),
        slices: [{ name: "a", values: steps.map((i) => Math.sin(i / 50)) }],
      }),
      /Of 1,000 × 100 values: read off at 250 × 100 places/,
    ],
    [
      metricAgainstBatchSize({
        metric: "m",
        runs: [{ name: "a", points: steps.map((i) => ({ batchSize: i + 1, mean: i })) }],
      }),
      /40 of 100,000 places/,
    ],
    [
      intervals({
        metric: "m",
        xTitle: "x",
        title: "t",
        series: [{ name: "a", points: [{ at: 1, mean: 1, values: steps }] }],
      }),
      /100 of 100,000 seeds/,
    ],
    [tokenAttention({ times: steps, layers: [steps.map(() => 0.5)] }), /40 of 100,000 times/],
    [tokenAttention({ times: [1], layers: steps.map(() => [0.5]) }), /60 of 100,000 layers/],
    [pictureRows({ rows: [{ label: "a", images: zeros(many, 1, 1, 1) }] }), /12 of 100,000 in each row/],
    [
      pictureRows({ rows: steps.map((i) => ({ label: `${i}`, images: zeros(1, 1, 1, 1) })) }),
      /40 of 100,000 rows/,
    ],
    [
      tangentExplorer({
        data: big,
        runs: [{ name: "a", frames: [{ step: 0, outputs: big, tangents: big, values: steps }] }],
      }),
      /80 of 100,000 probes/,
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
    gradientNoise({
      runs: [{ name, points: [{ step: 0, scale: { estimate: 2, low: 1, high: 3 } }] }],
    }),
    featureResponse({ responses: [{ name, sizes: [0, 1], values: [0, 1] }], xTitle: name }),
    logitsMatrices({ panels: [{ name, logits: [0] }], count: 1, captions: [name] }),
    editStrips({ strips: [{ label: name, frames: zeros(1, 2, 2, 1) }] }),
    levelSets({ xs: [0, 1], ys: [0, 1], axes: [name, name], slices: [{ name, values: [0, 1, 2, 3] }] }),
    parallelShare({ runs: [{ name, recordings: [{ step: 1, values: [0.5] }] }] }),
    autocorrelation({ runs: [{ name, tangents: [zeros(1, 2), zeros(1, 2)] }] }),
    metricAgainstBatchSize({ metric: name, runs: [{ name, points: [{ batchSize: 1, mean: 1 }] }] }),
    attributeAgreement({
      arms: [{ name, attributes: [{ attribute: name, mean: 1 }] }],
      ceiling: { [name]: 1 },
    }),
    pictureRows({ rows: [{ label: name, images: zeros(1, 2, 2, 1) }], columns: [name], columnTitle: name }),
    sampleGrids({ runs: [{ name, frames: [{ step: 0, samples: zeros(1, 2, 2, 1) }] }] }),
    sampleScatter({ runs: [{ name, frames: [{ step: 0, samples: zeros(1, 2) }] }] }),
    trajectories({ data: zeros(1, 2), runs: [{ name, frames: [{ step: 0, outputs: zeros(1, 2) }] }] }),
    tangentField({
      data: zeros(1, 2),
      runs: [{ name, outputs: zeros(1, 2), tangents: zeros(1, 2), values: [1] }],
      valueTitle: name,
    }),
    tangentExplorer({
      data: zeros(1, 2),
      runs: [{ name, frames: [{ step: 0, outputs: zeros(1, 2), tangents: zeros(1, 2), values: [1] }] }],
      valueTitle: name,
    }),
    tokenAttention({ times: [1], layers: [[0.5]], title: name }),
    timeSchedule({ stages: [{ step: 0, t: [1], r: [0] }], title: name }),
  ];
  for (const spec of charts) {
    const svg = await toSVG(spec);
    assert.not.match(svg, "<img");
    assert.not.match(svg, "</script");
    assert.match(svg, "&lt;img");
  }
});

test.run();
