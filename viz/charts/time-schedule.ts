import { check, required } from "../../src/errors.js";
import { frame, notebookWidth } from "../frame.js";
import { spread } from "../projections/projection.js";
import type { VegaLiteSpec, View } from "../spec.js";
import { formatCount, formatNumber } from "../text.js";
import { checkLength, checkList, checkSize } from "../validate.js";

/** What `timeSchedule` draws. */
export interface TimeScheduleInput {
  /** Pairs t > r >= 0 that are drawn at some training steps, in any order of t. */
  stages: readonly { step: number; t: ArrayLike<number>; r: ArrayLike<number> }[];
  title?: string;
  /** Of the whole chart, in pixels. Default 600. */
  width?: number;
  /** Of the plot alone, in pixels. Default 240. */
  height?: number;
}

const maxStages = 8;
const maxPairs = 300;

/**
 * The schedule of times: r / t against t, a line per stage of training. 0 is denoising (r = 0), 1 the limit of continuous time.
 * @throws TangentLabError `invalid-argument` for stages without pairs, t that are not positive or r outside [0, t].
 */
export function timeSchedule(input: TimeScheduleInput): VegaLiteSpec {
  required("input", input, "the data of the chart");
  const { stages, width = notebookWidth, height = 240 } = input;
  checkSize("width", width);
  checkSize("height", height);
  checkStages(stages);
  const ordered = [...stages].sort((a, b) => a.step - b.step);
  const shown = spread(ordered, maxStages);
  const most = Math.max(...shown.map(({ t }) => t.length));
  const rows = shown.flatMap(pairs);
  const encoding = channels(shown.map(({ step }) => formatCount(step)));
  const few = rows.length <= 40 * shown.length;
  return frame({
    title: input.title ?? medianTitle(ordered),
    caption: [
      "0: r = 0, which is denoising. 1: r = t, the limit of continuous time.",
      ...(shown.length < stages.length
        ? [`${shown.length} of ${formatCount(stages.length)} stages shown.`]
        : []),
      ...(most > maxPairs ? [`${maxPairs} of ${formatCount(most)} pairs drawn per stage.`] : []),
    ],
    width,
    view: {
      width: width - 80,
      height,
      data: { values: rows },
      layer: [
        { mark: { type: "line", strokeWidth: 2, clip: true }, encoding },
        ...(few ? [{ mark: { type: "point", filled: true, size: 24, opacity: 1 }, encoding }] : []),
      ],
    },
  });
}

type Stage = TimeScheduleInput["stages"][number];

function checkStages(stages: readonly Stage[]): void {
  checkList("stages", stages);
  for (const [i, stage] of stages.entries()) {
    const { step, t, r } = required(`stages[${i}]`, stage, "a stage: step, t and r");
    check(Number.isFinite(step), `stages[${i}].step`, step, "a finite number");
    required(`stages[${i}].t`, t, "a list of times");
    check(t.length > 0, `stages[${i}].t`, "no times", "at least one");
    checkLength(`stages[${i}].r`, r, t.length);
    for (let j = 0; j < t.length; j++) {
      check(Number.isFinite(t[j]) && t[j]! > 0, `stages[${i}].t[${j}]`, t[j], "numbers > 0");
      check(r[j]! >= 0 && r[j]! <= t[j]!, `stages[${i}].r[${j}]`, r[j], `numbers from 0 to t = ${t[j]}`);
    }
  }
}

/** A stage's pairs in the order of t, evenly thinned. */
function pairs({ step, t, r }: Stage): View[] {
  const order = Array.from(t, (_, i) => i).sort((a, b) => t[a]! - t[b]!);
  return spread(order, maxPairs).map((i) => ({
    step: formatCount(step),
    t: Number(t[i]!.toPrecision(4)),
    ratio: Number((r[i]! / t[i]!).toFixed(4)),
    r: Number(r[i]!.toPrecision(4)),
  }));
}

/** `steps`: of the stages, as text, in their order. */
const channels = (steps: readonly string[]): View => ({
  x: {
    field: "t",
    type: "quantitative",
    title: "noise level t",
    scale: { type: "log", nice: false },
    axis: { grid: false, tickCount: 6, format: "~g" },
  },
  y: {
    field: "ratio",
    type: "quantitative",
    title: "r / t",
    scale: { domain: [0, 1] },
    axis: { tickCount: 5, format: ".1f" },
  },
  color: {
    field: "step",
    type: "ordinal",
    sort: steps,
    scale: { domain: steps, range: "ramp" },
    legend: steps.length > 1 ? { orient: "top", title: "training step" } : null,
  },
  tooltip: [
    { field: "step", type: "ordinal", title: "training step" },
    { field: "t", type: "quantitative" },
    { field: "r", type: "quantitative" },
  ],
});

function medianTitle(ordered: readonly Stage[]): string {
  const median = ({ t, r }: Stage): string => {
    const ratios = Array.from(t, (value, i) => r[i]! / value).sort((a, b) => a - b);
    return formatNumber(ratios[Math.floor(ratios.length / 2)]!);
  };
  const [first, last] = [ordered[0]!, ordered.at(-1)!];
  return ordered.length === 1
    ? `Times are drawn with a median r / t of ${median(first)}`
    : `Median r / t goes from ${median(first)} to ${median(last)} over ${formatCount(last.step)} steps`;
}
