import { test } from "uvu";
import * as assert from "uvu/assert";
import { TangentLabError } from "../../src/errors.js";
import type { Interval } from "../../src/experiments/statistics.js";
import type { CellSummary, StudyRecord } from "../../src/experiments/summary.js";
import { type IntervalsInput, intervals } from "../../viz/charts/intervals.js";
import { toSVG } from "../../viz/render/svg.js";
import { renderStudy } from "../../viz/report/study.js";
import { findings, markdown, outcomeTable } from "../../viz/report/study-table.js";
import { marks, texts } from "./marks.js";

const fails = (body: () => unknown, argument: string): void =>
  assert.throws(body, (error: unknown) => error instanceof TangentLabError && error.argument === argument);

const point = (at: number, mean: number) => ({
  at,
  mean,
  low: mean - 1,
  high: mean + 1,
  values: [mean, mean],
});
const chart: IntervalsInput = {
  metric: "distance",
  xTitle: "batch size",
  title: "Distance by batch size",
  series: [
    { name: "pixel", points: [point(4, 5), point(256, 3)] },
    { name: "MFD", points: [point(4, 4), { at: 256, mean: 3, low: null, high: null }] },
  ],
};

test("a point per mean, a line per interval, a stroke per seed; places in the order given", async () => {
  assert.equal(await marks(intervals(chart)), { "rule mark": 3, point: 4, tick: 6 });
  const words = texts(await toSVG(intervals(chart))).split("\n");
  assert.ok(words.indexOf("4") < words.indexOf("256"), "not as texts are sorted");
});

test("the caption speaks of seeds only where there are several", () => {
  const seeds = /mean over seeds/;
  assert.match(JSON.stringify(intervals(chart)), seeds);
  const single = { name: "one run", points: [{ at: 4, mean: 3 }] };
  assert.not.match(JSON.stringify(intervals({ ...chart, series: [single] })), seeds);
});

test("on a log scale an interval that reaches below 0 is cut, and means must be positive", async () => {
  const low = { at: 4, mean: 0.5, low: -0.2, high: 1.2, values: [0.5] };
  const spec = intervals({
    ...chart,
    yScale: "log",
    series: [{ name: "pixel", points: [low, point(8, 2)] }],
  });
  assert.is((await marks(spec))["rule mark"], 2);
  assert.not.match(JSON.stringify(spec), '"low":-0.2');
  fails(
    () => intervals({ ...chart, yScale: "log", series: [{ name: "a", points: [{ ...low, mean: 0 }] }] }),
    "series[0].points[0].mean",
  );
});

test("bad series are refused by name", () => {
  fails(() => intervals({ ...chart, series: [] }), "series");
  fails(() => intervals({ ...chart, series: [{ name: "a", points: [] }] }), "series[0].points");
  const half = { ...point(4, 1), low: null };
  fails(() => intervals({ ...chart, series: [{ name: "a", points: [half] }] }), "series[0].points[0].low");
});

const of = (mean: number, half: number): Interval => ({
  mean,
  low: mean - half,
  high: mean + half,
  count: 3,
});

function cell(arm: string, at: number | null, distance: number, versus: Interval | null): CellSummary {
  const curve = [0, 10, 20].map((step) => ({ step, interval: of(distance + 1 - step / 20, 0.1) }));
  return {
    arm,
    at,
    dataset: "digits",
    learningRate: 1e-3,
    tuning: [],
    chance: 0.25,
    seconds: 1,
    curves: { frechet: curve, parallel: curve },
    samples: null,
    outcomes: {
      frechet: { values: [distance, distance, distance], interval: of(distance, 0.1), versus },
      "steps to 0.5": { values: [10, null, 12], interval: null, versus: null },
    },
  };
}

const study: StudyRecord = {
  name: "test",
  title: "Does <it> converge?",
  question: "Is it & faster?",
  date: "2025-01-02T03:04:05.678Z",
  seconds: 10,
  quick: false,
  axis: "batch size",
  measures: ["metric", "parallel"],
  seeds: { tune: [0], report: [10, 11, 12] },
  panels: [
    {
      name: "digits",
      metric: "frechet",
      reference: "pixel",
      floor: 0.01,
      cells: [
        cell("pixel", 4, 0.6, null),
        cell("MFD", 4, 0.4, of(-0.2, 0.1)),
        cell("pixel", 16, 0.3, null),
        cell("MFD", 16, 0.35, of(0.05, 0.1)),
      ],
      trends: [],
    },
  ],
  settings: { start: { denoiser: { steps: 10, batchSize: 4 }, judge: null }, quick: true },
  machine: { cpu: "one" },
  versions: { node: "20" },
};

test("the table has means, intervals, differences, and a star where they are not 0; no empty columns", () => {
  const table = markdown(outcomeTable(study, study.panels[0]!));
  assert.match(
    table,
    "\n| 4 | MFD | 0.001 | 0.4 (0.3 to 0.5) | -0.2 (-0.3 to -0.1) * | reached by 2 of 3 |\n",
  );
  assert.is(
    table.split("\n")[0],
    "| batch size | loss | learning rate | Fréchet distance | against pixel | steps to 0.5 |",
  );
  assert.match(table, "| +0.05 (-0.05 to 0.15) |");
  assert.equal(findings(study), [
    {
      label: "Fréchet distance, digits",
      value: "1 of 2 differ",
      detail: "Below pixel: MFD at 4.",
    },
  ]);
});

test("panels of images without an axis show what each arm draws", async () => {
  const samples = { shape: [4, 2, 2, 1], values: new Array(16).fill(0.5) };
  const cells = [cell("pixel", null, 0.6, null), cell("MFD", null, 0.4, of(-0.2, 0.1))];
  const panels = [{ ...study.panels[0]!, cells: cells.map((each) => ({ ...each, samples })) }];
  const html = await renderStudy({ ...study, axis: null, panels });
  assert.is(html.split('class="still"').length - 1, 1 + 1 + 2, "samples; by arm; two measures");
  assert.not.match(html, "could not be drawn");
  assert.match(html, 'alt="Fréchet distance: pixel 0.6, MFD 0.4"');
});

test("the report has charts by place and over training, and settings as words", async () => {
  const html = await renderStudy(study);
  assert.is(
    html.split('class="still"').length - 1,
    1 + 2 + 2,
    "by batch size; two measures at two batch sizes",
  );
  assert.not.match(html, "could not be drawn");
  assert.match(html, 'alt="Fréchet distance, batch size 4 to 16: pixel 0.6 to 0.3, MFD 0.4 to 0.35"');
  assert.match(html, 'alt="Fréchet distance at the last recording, batch size 4: pixel 0.6, MFD 0.4"');
  assert.match(html, "Line: mean over seeds; band: its 95% interval (Student's t).");
  assert.match(html, "Measures of tangents and gradients: means over the second half of training.");
  assert.match(html, "Does &#60;it&#62; converge?");
  assert.match(html, "<td>steps 10, batch size 4</td>");
  assert.match(html, '<th scope="row">quick</th><td>yes</td>');
  assert.match(html, "Reported seeds: 10, 11, 12.</p>");
  const tuning = [{ learningRate: 1e-3, value: 0.5 }];
  const panels = study.panels.map((panel) => ({
    ...panel,
    cells: panel.cells.map((cell) => ({ ...cell, tuning })),
  }));
  assert.match(
    await renderStudy({ ...study, panels }),
    "Reported seeds: 10, 11, 12. Learning rates were chosen on seed 0.",
  );
});

test("measures of one look at a model have words, and no word of training", async () => {
  const panels = study.panels.map((panel) => ({
    ...panel,
    cells: panel.cells.map((each) => {
      const { interval, values } = each.outcomes.frechet!;
      const outcome = { values, interval, versus: null };
      const outcomes = { parallel: outcome, "parallel at 0.5": outcome, "R2 shift x": outcome };
      return { ...each, curves: {}, outcomes };
    }),
  }));
  const measures = ["parallel", "parallel at 0.5", "R2 shift x"];
  const html = await renderStudy({ ...study, measures, panels });
  assert.not.match(html, "second half of training");
  assert.match(html, "parallel share of the tangents at noise level 0.5");
  assert.match(html, "R² of shift x");
});

test.run();
