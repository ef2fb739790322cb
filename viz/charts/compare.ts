import { check } from "../../src/errors.js";
import type { RunRecord } from "../../src/loop/record.js";
import { frame, notebookWidth } from "../frame.js";
import { first } from "../projections/projection.js";
import { isRuns, type Runs, recordsOf, sampled } from "../runs.js";
import type { VegaLiteSpec, View } from "../spec.js";
import { capitalize, formatCount, formatNumber, list, metricTitle } from "../text.js";
import { fontSizes, runScale } from "../theme.js";
import { checkNames, checkSize } from "../validate.js";
import { metricCurves } from "./curves.js";
import { lastSamples, picture } from "./model-samples.js";
import { parallelShare } from "./tangents.js";

/** Options of `compare`. */
export interface CompareOptions {
  /** The metric that is drawn. Default: the first measure of the samples' quality that all runs have, else `loss`. */
  metric?: string;
  title?: string;
  /** Of the whole chart, in pixels. Default 600. */
  width?: number;
}

const gap = 20;
const maxPictures = 10;

/**
 * Runs at a glance, in one chart: the samples recorded last, a metric over training, the share of the tangents that is parallel to the data, and what each run
 * cost. What was not recorded is left out, and the caption says so.
 * @param runs Trained models by name as `viz.live` gives them, a list, a single one, records, or a comparison.
 * @throws TangentLabError `invalid-argument` for other things, runs with the same name, and a metric that no run has.
 */
export function compare(runs: Runs, options: CompareOptions = {}): VegaLiteSpec {
  check(isRuns(runs), "runs", runs, "trained models by name, as viz.live gives them");
  check.only("compare", options, ["metric", "title", "width"]);
  const { width = notebookWidth, metric } = options;
  checkSize("width", width);
  check(metric === undefined || typeof metric === "string", "metric", metric, "a metric's name");
  const records = recordsOf(runs);
  checkNames("runs", records);
  const names = records.map(({ name }) => name);
  const missing: string[] = [];
  const either = (what: string, chart: View | undefined): View[] => {
    if (chart === undefined) missing.push(what);
    return chart === undefined ? [] : [chart];
  };
  const probed = records.filter(({ probeSet, probes }) => probeSet && probes.length > 0);
  const half = Math.floor((width - gap) / 2);
  const chosen = metric ?? commonMetric(records);
  const curveWidth = probed.length > 0 ? half : width;
  const curve =
    chosen === undefined
      ? undefined
      : inner(
          metricCurves(records, {
            metric: chosen,
            width: curveWidth,
            height: 200,
            title: capitalize(metricTitle(chosen)),
            caption: ["Lower is better."],
          }),
        );
  const share =
    probed.length === 0
      ? undefined
      : inner(parallelShare(probed, { width: half, height: 200, title: "Tangents parallel to the data" }));
  const samples = either("samples", sampleView(runs, records, width));
  const charts = [...either("a metric", curve), ...either("tangents", share)];
  const costs = either(
    "cost",
    records.some(({ seconds }) => seconds > 0) ? costView(records, width) : undefined,
  );
  const beside: View[] = charts.length > 1 ? [{ hconcat: charts, spacing: gap }] : charts;
  return frame({
    title: options.title ?? (names.length > 1 ? `${list(names)} compared` : `${names[0]} at a glance`),
    caption: missing.length > 0 ? [`Not recorded: ${list(missing)}.`] : [],
    indent: 0,
    width,
    view: {
      vconcat: [...samples, ...beside, ...costs],
      spacing: gap,
      resolve: { scale: { color: "independent", x: "independent", y: "independent" } },
    },
  });
}

/** A chart as a part of another: the whole has the version and the look. */
function inner({ $schema: _, config: __, title, ...view }: VegaLiteSpec): View {
  const { text } = title as { text: string | string[] };
  return { ...view, title: { text, fontSize: fontSizes.title - 2 } };
}

/** The first measure of samples that all runs have, else the loss where all have one. */
function commonMetric(records: readonly RunRecord[]): string | undefined {
  const everywhere = (name: string, rows: (record: RunRecord) => RunRecord["curve"]): boolean =>
    records.every((record) => rows(record).some(({ metrics }) => Number.isFinite(metrics[name])));
  const names = records[0]!.curve.flatMap(({ metrics }) => Object.keys(metrics));
  const measured = [...new Set(names)].find((name) => everywhere(name, ({ curve }) => curve));
  return measured ?? (everywhere("loss", ({ losses }) => losses) ? "loss" : undefined);
}

/** What was recorded last, of the runs that have some and of the same shape. */
function sampleView(runs: Runs, records: readonly RunRecord[], width: number): View | undefined {
  const shape = records[0]!.shape.join();
  const drawn = records.flatMap((record) => {
    const last = lastSamples(record);
    return last && record.shape.join() === shape ? [{ name: record.name, points: last.samples }] : [];
  });
  if (drawn.length === 0) return undefined;
  const { reference } = sampled(runs);
  const isImage = records[0]!.shape.length > 1;
  const count = drawn.length > 1 ? maxPictures : maxPictures + 6;
  const shown = isImage ? drawn.map(({ name, points }) => ({ name, points: first(points, count) })) : drawn;
  return inner(
    picture(shown, {
      reference: isImage ? undefined : reference,
      width,
      title: "Samples at the end of training",
      caption: [],
    }),
  );
}

/** What a bar leaves for its label, in pixels. */
const labelRoom = 250;

/** Seconds of training as bars, with the number of parameters and the steps per second. */
function costView(records: readonly RunRecord[], width: number): View {
  const names = records.map(({ name }) => name);
  const rows = records.map(({ name, seconds, parameters, losses }) => {
    const steps = losses.at(-1)?.step ?? 0;
    const rate = seconds > 0 && steps > 0 ? ` · ${formatNumber(steps / seconds)} steps/s` : "";
    const text = `${formatNumber(seconds)} s${rate} · ${formatCount(parameters)} parameters`;
    return { run: name, seconds, text };
  });
  const x = {
    field: "seconds",
    type: "quantitative",
    axis: null,
    scale: { zero: true, nice: false, range: [0, width - 100 - labelRoom] },
  };
  const y = {
    field: "run",
    type: "nominal",
    title: null,
    scale: { domain: names },
    axis: { ticks: false, domain: false, labelFontSize: fontSizes.label, labelLimit: 150 },
  };
  return {
    title: { text: "Cost of the training", fontSize: fontSizes.title - 2 },
    width: width - 100,
    height: { step: 24 },
    data: { values: rows },
    layer: [
      {
        mark: { type: "bar", height: 14 },
        encoding: { x, y, color: { field: "run", type: "nominal", scale: runScale(names), legend: null } },
      },
      {
        mark: { type: "text", align: "left", dx: 6, style: "strong", fontSize: fontSizes.small },
        encoding: { x, y, text: { field: "text", type: "nominal" } },
      },
    ],
  };
}
