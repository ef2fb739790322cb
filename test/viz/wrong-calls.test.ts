import { test } from "uvu";
import * as viz from "../../viz/index.js";
import type { Entry } from "../wrong-calls.js";
import { noOptions, testWrongCalls } from "../wrong-calls.js";

const values = (...shape: number[]): viz.Points => ({
  shape,
  values: Float64Array.from({ length: shape.reduce((a, b) => a * b, 1) }, (_, i) => Math.sin(i * i)),
});
const points = values(20, 3);
const images = values(2, 2, 2, 1);
const noPoints = [
  ...[...noOptions, {}, { shape: [20, 3] }, { shape: "20,3", values: [] }, values(20)],
  ...[
    { shape: [20, 3], values: [1] },
    { shape: [1, 1], values: [Number.NaN] },
  ],
];
const noList = [null, 7, "text", {}, []];
const noRuns = [...noList, [null], [{}], [{ name: 7 }]];
const noTheme = ["grey", 7, null];
const chart = viz.timeSchedule({ stages: [{ step: 0, t: [1], r: [0.5] }] });
const noSpec = [...noOptions, {}, { title: "a" }];
/** A run with two recordings of one probe. */
const recordedTwice = {
  runs: [
    {
      name: "a",
      recordings: [
        { step: 0, values: [0.5] },
        { step: 1, values: [0.5] },
      ],
    },
  ],
};
const tangents = { outputs: values(2, 2), tangents: values(2, 2) };

const record: viz.Recorded = {
  ...{ name: "a", kind: "denoiser", dataset: "d", shape: [2, 2, 1], settings: {}, engine: "cpu" },
  ...{
    parameters: 3,
    seconds: 1,
    losses: [{ step: 1, metrics: { loss: 1 } }],
    curve: [],
    probeSet: null,
    probes: [],
  },
  samples: [{ step: 1, samples: { shape: [2, 2, 2, 1], values: [0, 0, 0, 0, 1, 1, 1, 1] } }],
};

/** A study of one arm, measured at two steps with two seeds. */
const told = { mean: 0.5, low: 0.4, high: 0.6, count: 2 };
const study = {
  ...{ name: "study", title: "Which?", question: "Which?", date: "2026-01-01", seconds: 1, quick: false },
  ...{ axis: null, measures: ["metric"], seeds: { tune: [], report: [1, 2] }, settings: {}, machine: {} },
  versions: {},
  panels: [
    {
      ...{ name: "circle", metric: "mmd", reference: "a", floor: null, trends: [] },
      cells: [
        {
          ...{ arm: "a", at: null, dataset: "circle", learningRate: null, tuning: [], chance: null },
          ...{ samples: null, seconds: 1 },
          curves: { mmd: [0, 1].map((step) => ({ step, interval: told })) },
          outcomes: { mmd: { values: [0.4, 0.6], interval: told, versus: null } },
        },
      ],
    },
  ],
};

/** A chart of an input: the whole of it, and its parts. */
const ofInput = (
  draw: (input: never) => unknown,
  valid: { [name: string]: unknown },
  wrong: { [name: string]: readonly unknown[] },
): Entry => ({
  call: ({ input, ...parts }) => draw((input === undefined ? parts : input) as never),
  valid,
  wrong: { ...wrong, input: noOptions },
});

testWrongCalls(viz, {
  attributeAgreement: ofInput(
    viz.attributeAgreement,
    { arms: [{ name: "a", attributes: [{ attribute: "colour", mean: 1 }] }] },
    { arms: noRuns },
  ),
  autocorrelation: ofInput(
    viz.autocorrelation,
    { runs: [{ name: "a", tangents: [values(2, 2), values(2, 2)] }] },
    { runs: noRuns },
  ),
  directionChange: ofInput(viz.directionChange, recordedTwice, { runs: noRuns }),
  directionPerProbe: ofInput(
    viz.directionPerProbe,
    { runs: [{ name: "a", times: [1], recordings: [{ step: 0, values: [0.5] }] }] },
    { runs: noRuns },
  ),
  editStrips: ofInput(viz.editStrips, { strips: [{ label: "a", frames: images }] }, { strips: noRuns }),
  featureResponse: ofInput(
    viz.featureResponse,
    { responses: [{ name: "a", sizes: [1, 2], values: [1, 2] }] },
    { responses: noRuns },
  ),
  fourRows: ofInput(
    viz.fourRows,
    { times: [1, 2], noisy: images, outputs: images, pixel: images, mfd: images },
    { times: noList, noisy: noPoints, outputs: noPoints, pixel: noPoints, mfd: noPoints },
  ),
  gradientNoise: ofInput(
    viz.gradientNoise,
    { runs: [{ name: "a", points: [{ step: 0, scale: { estimate: 8, low: 4, high: 12 } }] }], batchSize: 16 },
    { runs: noRuns, batchSize: ["8", 0, -1, 1.5] },
  ),
  intervals: ofInput(
    viz.intervals,
    { metric: "m", xTitle: "x", title: "t", series: [{ name: "a", points: [{ at: 1, mean: 1 }] }] },
    { series: noRuns },
  ),
  levelSets: ofInput(
    viz.levelSets,
    { xs: [0, 1], ys: [0, 1], slices: [{ name: "a", values: [0, 0, 1, 0] }] },
    { xs: noList, ys: noList, slices: noRuns },
  ),
  logitsMatrices: ofInput(
    viz.logitsMatrices,
    { panels: [{ name: "a", logits: [1] }], count: 1 },
    { panels: noRuns, count: ["1", 0, 1.5, null] },
  ),
  metricAgainstBatchSize: ofInput(
    viz.metricAgainstBatchSize,
    { metric: "m", runs: [{ name: "a", points: [{ batchSize: 1, mean: 1 }] }] },
    { runs: noRuns },
  ),
  metricCurves: {
    call: ({ input, ...given }) => viz.metricCurves(input === undefined ? given : input),
    valid: { metric: "loss", curves: [{ name: "a", steps: [0, 1], values: [1, 2] }] },
    wrong: { curves: noRuns, input: noOptions },
  },
  oscillationMap: ofInput(
    viz.oscillationMap,
    { runs: [{ name: "a", times: [1], recordings: [{ step: 0, values: [0.5] }] }] },
    { runs: noRuns },
  ),
  parallelShare: ofInput(viz.parallelShare, recordedTwice, { runs: noRuns }),
  pictureRows: ofInput(viz.pictureRows, { rows: [{ label: "a", images }] }, { rows: noRuns }),
  scatter: ofInput(
    viz.scatter,
    { panels: { a: points, b: values(5, 3) } },
    {
      panels: [
        ...noOptions,
        {},
        [],
        [points],
        { a: null },
        { a: values(20) },
        { a: points, b: values(5, 2) },
      ],
      reference: [7, "text", {}, values(20, 2)],
      slider: [7, "", null],
      width: ["600", 99, null],
      frames: [3],
    },
  ),
  samples: {
    call: ({ models, ...options }) => viz.samples(models, options),
    valid: { models: record },
    wrong: {
      models: [...noOptions, {}, [], [null], { ...record, samples: [] }, [record, { ...record, shape: [2] }]],
      count: ["8", 0, 1.5, null],
      seed: ["0", -1, 0.5, null],
      steps: ["1", 0, 1.5, null],
      reference: [7, "text", {}, values(20, 2)],
      width: ["600", 99, null],
      sampler: ["heun"],
    },
  },
  compare: {
    call: ({ runs, ...options }) => viz.compare(runs, options),
    valid: { runs: record },
    wrong: {
      runs: [...noOptions, {}, [], [null], [record, record]],
      metric: ["beauty", 7, null],
      width: ["600", 99, null],
      yScale: ["log"],
    },
  },
  studyTable: {
    call: ({ study, ...options }) => viz.studyTable(study, options),
    valid: { study },
    wrong: {
      study: [...noOptions, {}, { panels: [] }, { ...study, seeds: null }],
      panel: ["moons", 7],
      measures: [7, "mmd", [], ["beauty"], [7]],
      width: [600],
    },
  },
  studyCurves: {
    call: ({ study, ...options }) => viz.studyCurves(study, options),
    valid: { study },
    wrong: {
      study: [...noOptions, {}, { panels: [] }],
      panel: ["moons", 7],
      measure: ["beauty", 7],
      width: ["600", 99],
      rows: [3],
    },
  },
  table: {
    call: ({ rows, ...options }) => viz.table(rows, options),
    valid: { rows: [{ name: "a", loss: 1 }] },
    wrong: {
      rows: [
        null,
        7,
        "text",
        {},
        [],
        [null],
        [7],
        [[1]],
        [{}],
        [{ a: {} }],
        [{ a: () => 1 }],
        [{ a: { mean: "1" } }],
      ],
      columns: [null, "name", [], ["beauty"], [7]],
      titles: [null, 7, { beauty: "b" }, { loss: 7 }],
      best: [null, 7, { beauty: "lowest" }, { loss: "least" }],
      format: [null, 7, { beauty: String }, { loss: ".2f" }],
      title: [7, null],
      digits: [3],
    },
  },
  sampleGrids: ofInput(
    viz.sampleGrids,
    { runs: [{ name: "a", frames: [{ step: 0, samples: images }] }] },
    { runs: noRuns, reference: [7, "text", {}] },
  ),
  sampleScatter: ofInput(
    viz.sampleScatter,
    { runs: [{ name: "a", frames: [{ step: 0, samples: values(2, 2) }] }] },
    { runs: noRuns },
  ),
  tangentExplorer: ofInput(
    viz.tangentExplorer,
    { data: values(2, 2), runs: [{ name: "a", frames: [{ step: 0, ...tangents, values: [0.5, 0.5] }] }] },
    { runs: noRuns, data: noPoints },
  ),
  tangentField: ofInput(
    viz.tangentField,
    { data: values(2, 2), runs: [{ name: "a", ...tangents }] },
    { runs: noRuns, data: noPoints },
  ),
  tangentPictures: ofInput(
    viz.tangentPictures,
    { times: [1, 2], rows: [{ label: "a", images }] },
    { times: noList, rows: noRuns },
  ),
  timeSchedule: ofInput(
    viz.timeSchedule,
    { stages: [{ step: 0, t: [1], r: [0.5] }] },
    { stages: [...noList, [null], [{}]] },
  ),
  tokenAttention: ofInput(
    viz.tokenAttention,
    { times: [0.5], layers: [[0.5]] },
    { times: noList, layers: noList },
  ),
  trajectories: ofInput(
    viz.trajectories,
    { data: values(2, 2), runs: [{ name: "a", frames: [{ step: 0, outputs: values(2, 2) }] }] },
    { runs: noRuns, data: noPoints },
  ),
  renderReport: {
    call: ({ data }) => (data === "fine" ? undefined : viz.renderReport(data)),
    valid: { data: "fine" },
    wrong: { data: noOptions },
  },
  pca: { call: ({ points }) => viz.pca(points), valid: { points }, wrong: { points: noPoints } },
  umap: {
    call: ({ points, ...options }) => viz.umap(points, options),
    valid: { points },
    wrong: {
      ...{ points: noPoints, seed: ["0", -1, 0.5, null], neighbors: ["5", 0, 1.5, 20, null] },
      minDistance: ["0.1", -1, Number.NaN, null],
    },
  },
  fitUmap: {
    call: ({ points, ...options }) => viz.fitUmap(points, options),
    valid: { points },
    wrong: { points: noPoints, seed: ["0", -1, 0.5, null], neighbors: ["5", 0, 1.5, 20, null] },
  },
  nearestNeighbors: {
    call: ({ points, k }) => viz.nearestNeighbors(points, k),
    valid: { points, k: 2 },
    wrong: { points: noPoints, k: ["2", 0, 1.5, 21, null] },
  },
  trustworthiness: {
    call: ({ original, projected, neighbors, judged }) =>
      viz.trustworthiness(original, projected, neighbors, judged),
    valid: { original: points, projected: values(20, 2) },
    wrong: {
      ...{ original: noPoints, projected: [...noPoints, values(19, 2)], neighbors: ["2", 0, 1.5, 19] },
      judged: ["2", 0, 1.5],
    },
  },
  orthographic: {
    call: viz.orthographic,
    valid: {},
    wrong: { azimuth: ["1", Number.NaN, null], elevation: ["1", 91, Number.NaN, null], distance: [3] },
  },
  toHTML: {
    call: ({ spec, ...options }) => viz.toHTML(spec, options),
    valid: { spec: chart },
    wrong: { spec: noSpec, title: [7, null], theme: ["dark"] },
  },
  toSVG: {
    call: ({ spec, ...options }) => viz.toSVG(spec, options),
    valid: { spec: chart },
    wrong: { spec: noSpec, theme: noTheme, scale: [2] },
  },
  toPNG: {
    call: ({ spec, ...options }) => viz.toPNG(spec, options),
    valid: { spec: chart },
    wrong: { spec: noSpec, theme: noTheme, scale: ["2", 0, 9, Number.NaN, null], width: [3] },
  },
  save: {
    call: ({ spec, path, ...options }) =>
      path === "fine.svg" && spec === chart && Object.keys(options).length === 0
        ? undefined
        : viz.save(spec, path, options),
    valid: { spec: chart, path: "fine.svg" },
    wrong: {
      ...{ spec: noSpec, path: [null, 7, "", "chart.bmp"], theme: noTheme, width: [3] },
    },
  },
  figure: { call: ({ spec }) => viz.figure(spec), valid: { spec: chart }, wrong: { spec: noSpec } },
  show: {
    call: ({ spec }) => (spec === chart ? undefined : viz.show(spec)),
    valid: { spec: chart },
    wrong: { spec: noSpec },
  },
  live: {
    call: ({ runs, ...options }) =>
      runs === "fine" && Object.keys(options).length === 0
        ? undefined
        : viz.live(runs === "fine" ? {} : runs, options),
    valid: { runs: "fine" },
    wrong: { runs: [null, 7, {}, { a: 7 }], metric: [7, null], yScale: ["sqrt", null], every: [3] },
  },
  runColors: {
    call: ({ names }) => viz.runColors(names),
    valid: { names: ["a"] },
    wrong: { names: [null, 7, "a", {}, [7], [null]] },
  },
  themed: {
    call: ({ spec, theme }) => viz.themed(spec, theme),
    valid: { spec: chart, theme: "dark" },
    wrong: { spec: noSpec, theme: noTheme },
  },
});

test.run();
