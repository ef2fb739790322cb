import type { CellSummary, PanelSummary, StudyRecord } from "../../src/experiments/summary.js";
import { metricCurves } from "../charts/curves.js";
import { intervals } from "../charts/intervals.js";
import { sampleGrids } from "../charts/samples.js";
import { Page } from "../render/page.js";
import { cellCurves, wide } from "../runs.js";
import { capitalize, escapeHTML, formatNumber, metricTitle } from "../text.js";
import type { Draw } from "./charts.js";
import { exampleTables, mendedCards, mendedSections, pixelStyle } from "./mended.js";
import { drawn, factTable, header, numberCell, style } from "./parts.js";
import {
  findings,
  measuresOf,
  outcomeTable,
  type TextTable,
  tableNote,
  trendNotes,
  tuningNote,
} from "./study-table.js";

/** Measures that are drawn over training: of more, a chart for each place would be too many to read. */
const curvesShown = 3;

/** Outcomes that are means over recordings, of which a chart over training shows the last. */
const ofRecordings = ["parallel", "direction", "gradientNoise", "gradientTrace", "gradientSquaredNorm"];
const secondHalf = "Of a run: the mean over the second half of training.";

/** The report of a study as one self-contained HTML file, like `renderReport`'s. */
export async function renderStudy(study: StudyRecord): Promise<string> {
  const page = new Page();
  const { title, date, seconds, question, seeds, settings, machine, versions } = study;
  const body = [
    header({
      title,
      date,
      seconds,
      text: study.quick ? `${question} This is the quick version: its numbers say nothing.` : question,
      contents: [
        ...(study.details ? [{ id: "mended", title: "What is mended" }] : []),
        ...study.panels.map(({ name }, i) => ({ id: `panel-${i}`, title: name })),
        { id: "provenance", title: "Settings and machine" },
      ],
      cards: study.details ? mendedCards(study.details.mended) : findings(study),
    }),
    ...(study.details ? [detailsSection(page, study.details)] : []),
    ...study.panels.map((panel, i) => panelSection(page, study, panel, i)),
    `<section id="provenance"><h2>Settings, seeds and machine</h2>
<p>Reported seeds: ${seeds.report.join(", ")}.${tuningNote(study)}</p>
${factTable(settings)}<h3>Machine</h3>${factTable(machine)}<h3>Versions</h3>${factTable(versions)}</section>`,
  ].join("\n");
  return page.html({ title, body, style: style + pixelStyle });
}

const detailsSection = (page: Page, { mended, examples }: NonNullable<StudyRecord["details"]>): string =>
  `<section id="mended"><h2>What is mended</h2>
${mendedSections(page, mended)}
${exampleTables(
  examples,
  mended.arms.map(({ name }) => name),
)}</section>`;

function panelSection(page: Page, study: StudyRecord, panel: PanelSummary, index: number): string {
  const names = measuresOf(study, panel);
  const charts = [
    ...samplesChart(panel),
    ...names.flatMap((name) => axisChart(study, panel, name)),
    ...names
      .filter((name) => panel.cells.some(({ curves }) => curves[name]))
      .slice(0, curvesShown)
      .flatMap((name) => curveCharts(study, panel, name)),
  ];
  const floor =
    panel.floor === null
      ? ""
      : `<p>Data against other data: ${formatNumber(panel.floor)}, of ${escapeHTML(metricTitle(panel.metric))}.</p>`;
  const trends = trendNotes(study, panel).map((text) => `<p>${escapeHTML(text)}</p>`);
  const tuned = tuningTable(panel);
  const halves = names.some((name) => isSecondHalf(panel, name))
    ? " Measures of tangents and gradients: means over the second half of training."
    : "";
  return `<section id="panel-${index}"><h2>${escapeHTML(capitalize(panel.name))}</h2>
<div class="wide">${htmlTable(outcomeTable(study, panel))}</div><p class="muted">${escapeHTML(`${tableNote(study)}${halves}`)}</p>${floor}${trends.join("")}
${charts.map((draw) => drawn(page, draw)).join("")}
${tuned.rows.length > 0 ? `<h3>Choice of learning rates</h3><div class="wide">${htmlTable(tuned)}</div>` : ""}</section>`;
}

/** Whether a measure is a mean over recordings: where tangents were looked at once, there are no curves of them. */
const isSecondHalf = ({ cells }: Pick<PanelSummary, "cells">, name: string): boolean =>
  ofRecordings.includes(name) && cells.some(({ curves }) => name in curves);

/** What each arm draws, where there are no places on an axis: those would be too many pictures. */
function samplesChart({ cells }: PanelSummary): Draw[] {
  const runs = cells.flatMap(({ arm, at, samples, curves }) => {
    const step = Math.max(0, ...Object.values(curves).map((rows) => rows.at(-1)?.step ?? 0));
    return at === null && samples ? [{ name: arm, frames: [{ step, samples }] }] : [];
  });
  if (runs.length < 2) return [];
  return [() => sampleGrids({ runs, title: "One-step samples at the end of training, with the first seed" })];
}

/** A measure by place on the study's axis; in a panel without places by arm. */
function axisChart({ axis }: StudyRecord, { cells, reference }: PanelSummary, name: string): Draw[] {
  const all = cells.filter(({ outcomes }) => outcomes[name]?.interval);
  const onAxis = all.filter(({ at }) => at !== null);
  const placed = onAxis.length > 0 ? onAxis : all;
  if (placed.length === 0) return [];
  const place = ({ at, arm }: CellSummary): number | string => at ?? arm;
  const arms = [...new Set(placed.map(({ arm }) => arm))];
  const series = arms.map((arm) => ({
    name: arm,
    points: placed
      .filter((cell) => cell.arm === arm)
      .map((cell) => ({
        at: place(cell),
        ...cell.outcomes[name]!.interval!,
        values: cell.outcomes[name]!.values as number[],
      })),
  }));
  const chance = name === "parallel";
  const alone = onAxis.length > 0 ? all.find(({ at, arm }) => at === null && arm === reference) : undefined;
  const ticks = chance
    ? placed.flatMap((cell) => (cell.chance === null ? [] : [{ at: place(cell), value: cell.chance }]))
    : alone
      ? placed.map((cell) => ({ at: place(cell), value: alone.outcomes[name]!.interval!.mean }))
      : [];
  const scale = wide(series.map(({ points }) => ({ values: points.map(({ mean }) => mean) })));
  const xTitle = onAxis.length > 0 ? (axis ?? "") : "loss";
  return [
    () =>
      intervals({
        metric: metricTitle(name),
        series,
        xTitle,
        references: ticks,
        yScale: scale ? "log" : "linear",
        title: axisTitle(name, xTitle, series),
        caption: [
          ...(isSecondHalf({ cells }, name) ? [secondHalf] : []),
          ...(ticks.length > 0
            ? [`Grey tick: ${chance ? "share of a random direction" : `mean of ${reference}`}.`]
            : []),
        ],
      }),
  ];
}

/** "Fréchet distance, batch size 4 to 256: pixel 0.6 to 0.3"; by arm "Fréchet distance: pixel 0.6, MFD 0.4". */
function axisTitle(
  name: string,
  xTitle: string,
  series: readonly { name: string; points: readonly { at: number | string; mean: number }[] }[],
): string {
  const places = [...new Set(series.flatMap(({ points }) => points.map(({ at }) => at)))];
  const [first, last] = [places[0]!, places.at(-1)!];
  const means = series.map(({ name, points }) => {
    const ends = points.length > 1 ? [points[0]!, points.at(-1)!] : points;
    return `${name} ${ends.map(({ mean }) => formatNumber(mean)).join(" to ")}`;
  });
  const whole = series.every(({ points }) => points[0]!.at === first && points.at(-1)!.at === last);
  const title = capitalize(metricTitle(name));
  if (places.length > 1 && whole) return `${title}, ${xTitle} ${first} to ${last}: ${means.join(", ")}`;
  return series.every(({ points }) => points.length === 1)
    ? `${title}: ${means.join(", ")}`
    : `${title} by ${xTitle}`;
}

/** A measure over training: a chart for each place on the axis. */
function curveCharts({ axis }: StudyRecord, panel: PanelSummary, name: string): Draw[] {
  const { cells, metric, floor } = panel;
  const places = [...new Set(cells.map(({ at }) => at))];
  const drawable = cells.filter(({ curves }) => (curves[name]?.length ?? 0) > 0);
  // One kind of scale for all places, so that charts below each other can be compared.
  const log = wide(
    drawable.map(({ curves }) => ({ values: curves[name]!.map(({ interval }) => interval.mean) })),
  );
  // What has no place on the axis belongs to all of them.
  return (places.length > 1 ? places.filter((at) => at !== null) : places).flatMap((place) => {
    const here = drawable.filter(({ at }) => at === place || at === null);
    if (here.length === 0) return [];
    const curves = cellCurves(here, name);
    const title = metricTitle(name);
    const where = place === null ? "" : `, ${axis ?? ""} ${place}`;
    const several = here.some(({ curves }) => curves[name]!.some(({ interval }) => interval.count > 1));
    const banded = curves.some((curve) => "low" in curve);
    const last = curves.map((curve) => `${curve.name} ${formatNumber(curve.values.at(-1)!)}`).join(", ");
    return [
      () =>
        metricCurves({
          metric: title,
          curves,
          yScale: log ? "log" : "linear",
          height: 200,
          lowerIsBetter: name !== "direction",
          ...(name === metric &&
            floor !== null && { reference: { value: floor, text: "data against other data" } }),
          title: `${capitalize(title)} at the last recording${where}: ${last}`,
          caption: several
            ? [`Line: mean over seeds${banded ? "; band: its 95% interval (Student's t)" : ""}.`]
            : [],
        }),
    ];
  });
}

const tuningTable = ({ cells, metric }: PanelSummary): TextTable => ({
  head: ["loss", "at", "learning rate", metricTitle(metric), "chosen"],
  rows: cells.flatMap(({ arm, at, learningRate, tuning }) =>
    tuning.map((choice) => [
      arm,
      String(at ?? ""),
      String(choice.learningRate),
      choice.value === null ? "diverged" : formatNumber(choice.value),
      choice.learningRate === learningRate ? "yes" : "",
    ]),
  ),
});

const htmlTable = ({ head, rows }: TextTable): string =>
  `<table><tr>${head.map((text) => `<th scope="col">${escapeHTML(text)}</th>`).join("")}</tr>${rows
    .map((row) => `<tr>${row.map((text) => `<td>${numberCell(text)}</td>`).join("")}</tr>`)
    .join("")}</table>`;
