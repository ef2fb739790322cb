import { check, required } from "../../src/errors.js";
import type { PanelSummary, StudyRecord } from "../../src/experiments/summary.js";
import { outcomeTable } from "../report/study-table.js";
import { cellCurves, wide } from "../runs.js";
import type { VegaLiteSpec } from "../spec.js";
import { type Table, table } from "../table/table.js";
import { capitalize, formatNumber, metricTitle } from "../text.js";
import { metricCurves } from "./curves.js";

/** Options of `studyTable`. */
export interface StudyTableOptions {
  /** Which part of the study, by its name: "digits". Default the first. */
  panel?: string;
  /** Which measures, in which order. Default the study's first three. */
  measures?: readonly string[];
  title?: string;
}

/** Options of `studyCurves`. */
export interface StudyCurvesOptions extends Omit<StudyTableOptions, "measures"> {
  /** What is drawn over training. Default the metric that decides. */
  measure?: string;
  /** Of the whole chart, in pixels. Default 600. */
  width?: number;
}

/** More measures than these are wider than a notebook. */
const most = 3;

/**
 * What a study found, a row for each arm: means with their intervals over the seeds, and what they are against the reference with the same seeds; * where
 * that interval leaves out 0, of ratios of steps 1.
 * @param study What `experiments.run` found, or the `results.json` of `tangent-lab experiment`.
 * @throws TangentLabError `invalid-argument` for what is no study, and parts that it does not have.
 */
export function studyTable(study: StudyRecord, options: StudyTableOptions = {}): Table {
  check.only("studyTable", required("options", options), ["panel", "measures", "title"]);
  const part = partOf(study, options.panel);
  const known = [...new Set(part.cells.flatMap(({ outcomes }) => Object.keys(outcomes)))];
  const { measures = known.slice(0, most) } = options;
  check(Array.isArray(measures) && measures.length > 0, "measures", measures, "a list of measures");
  for (const [i, name] of measures.entries()) check.oneOf(`measures[${i}]`, name, known);
  const cells = part.cells.map((cell) => ({
    ...cell,
    outcomes: Object.fromEntries(
      measures.flatMap((name) => (cell.outcomes[name] ? [[name, cell.outcomes[name]]] : [])),
    ),
  }));
  const { head, rows } = outcomeTable(study, { ...part, cells });
  // Several columns have the same title.
  const names = head.map((_, i) => `column ${i}`);
  return table(
    rows.map((row) => Object.fromEntries(names.map((name, i) => [name, row[i]!]))),
    {
      titles: Object.fromEntries(names.map((name, i) => [name, head[i]!])),
      title: options.title ?? `${study.question} Means of ${study.seeds.report.length} seeds, 95% intervals.`,
    },
  );
}

/**
 * A measure over training: a line for each arm, the mean over the seeds, with its 95% interval as a band.
 * @param study As for `studyTable`.
 * @throws TangentLabError `invalid-argument` for what is no study, and for parts and measures that it does not have.
 */
export function studyCurves(study: StudyRecord, options: StudyCurvesOptions = {}): VegaLiteSpec {
  check.only("studyCurves", required("options", options), ["panel", "measure", "title", "width"]);
  const part = partOf(study, options.panel);
  const { measure = part.metric, width, title } = options;
  const known = [...new Set(part.cells.flatMap(({ curves }) => Object.keys(curves)))];
  check(known.includes(measure), "measure", measure, known.join(", ") || "a study whose runs were recorded");
  const curves = cellCurves(part.cells, measure);
  const name = metricTitle(measure);
  const last = curves.map((curve) => `${curve.name} ${formatNumber(curve.values.at(-1)!)}`).join(", ");
  const banded = curves.some((curve) => "low" in curve);
  return metricCurves({
    metric: name,
    curves,
    yScale: wide(curves) ? "log" : "linear",
    title: title ?? `${capitalize(name)} at the end: ${last}`,
    caption: [`Line: mean of ${study.seeds.report.length} seeds${banded ? "; band: its 95% interval" : ""}.`],
    lowerIsBetter: measure === part.metric,
    ...(width !== undefined && { width }),
  });
}

function partOf(study: StudyRecord, panel?: string): PanelSummary {
  const { panels, seeds, question } = required("study", study, "what experiments.run found");
  const isStudy = Array.isArray(panels) && panels.length > 0 && Array.isArray(seeds?.report);
  check(isStudy && typeof question === "string", "study", study, "what experiments.run found");
  check(panel === undefined || typeof panel === "string", "panel", panel, "a part's name");
  const part = panel === undefined ? panels[0] : panels.find(({ name }) => name === panel);
  check(part !== undefined, "panel", panel, panels.map(({ name }) => name).join(", "));
  return part;
}
