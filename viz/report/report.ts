import { TangentLabError } from "../../src/errors.js";
import { Page } from "../render/page.js";
import { capitalize, escapeHTML, formatNumber } from "../text.js";
import {
  type Draw,
  datasetTitle,
  fieldChart,
  lossCharts,
  metricCharts,
  pictureCharts,
  samplesChart,
  tangentCharts,
} from "./charts.js";
import type { ReportComparison, ReportInput, ReportRun } from "./input.js";

/**
 * The report of an experiment as one self-contained HTML file, about 1 to 4 MB: opens offline, follows light and dark, prints.
 * A chart whose data cannot be drawn (a run that diverged, say) is replaced by one line that says why.
 */
export async function renderReport(data: ReportInput): Promise<string> {
  const page = new Page();
  const body = [
    header(data),
    ...data.comparisons.map((comparison, i) => comparisonSection(page, comparison, i)),
    provenance(data),
  ].join("\n");
  return page.html({ title: data.title, body, style });
}

function header({ title, date, seconds, comparisons, headlines }: ReportInput): string {
  const links = comparisons.map(
    (comparison, i) => `<a href="#comparison-${i}">${escapeHTML(datasetTitle(comparison.dataset))}</a>`,
  );
  const cards = headlines.map(
    ({ label, value, detail }) =>
      `<div class="card"><h2>${escapeHTML(label)}</h2><p class="value">${escapeHTML(value)}</p><p class="detail">${escapeHTML(detail)}</p></div>`,
  );
  return `<header><h1>${escapeHTML(title)}</h1>
<p class="muted">${escapeHTML(date.replace(/^(.{10})T(.{5}).*Z$/, "$1 $2 UTC"))}, computed in ${escapeHTML(duration(seconds))}</p>
<nav>${[...links, '<a href="#provenance">Settings and machine</a>'].join(" · ")}</nav></header>
<section class="cards">${cards.join("")}</section>`;
}

function comparisonSection(page: Page, comparison: ReportComparison, index: number): string {
  const { dataset, shape, manifoldDim, runs } = comparison;
  const size = shape.length === 1 ? `points of ${shape[0]} dimensions` : `images of ${shape.join(" × ")}`;
  const manifold = manifoldDim === null ? "" : `, on a known manifold of dimension ${manifoldDim}`;
  const local = runs.some((run) => run.probeSet?.tangentSpace === "local-pca");
  const parts: [title: string, text: string, charts: Draw[]][] = [
    [
      "Samples over training",
      "What each run draws in one step, from the same noise at every recording.",
      samplesChart(comparison),
    ],
    ["Quality over training", "Lower is better.", metricCharts(comparison)],
    [
      "Direction of the tangents",
      `A tangent is the direction in which the loss moves an output. Along the data manifold it changes what is drawn; across it, how well.${
        local ? " The tangent space of these data is estimated by PCA of nearest neighbours." : ""
      }`,
      tangentCharts(comparison),
    ],
    [
      "Tangent field",
      "Outputs at the fixed probes at the end of training, and where the loss moves them.",
      fieldChart(comparison),
    ],
    [
      "What the tangents look like",
      "The same tangents as images, from little noise to much.",
      pictureCharts(comparison),
    ],
    ["Training losses", "", lossCharts(comparison)],
  ];
  const sections = parts
    .filter(([, , charts]) => charts.length > 0)
    .map(
      ([title, text, charts]) =>
        `<h3>${title}</h3>${text ? `<p>${text}</p>` : ""}${charts.map((draw) => drawn(page, draw)).join("")}`,
    );
  return `<section id="comparison-${index}"><h2>${escapeHTML(datasetTitle(dataset))}</h2>
<p>${escapeHTML(capitalize(`${size}${manifold}. Compared: ${runs.map((run) => run.name).join(", ")}.`))}</p>
${sections.join("\n")}</section>`;
}

/** The chart's place in the page, or why there is none. */
function drawn(page: Page, draw: Draw): string {
  try {
    return page.chart(draw());
  } catch (error) {
    if (!(error instanceof TangentLabError)) throw error;
    return `<p class="missing">This chart could not be drawn: ${escapeHTML(error.message)}</p>`;
  }
}

function provenance({ settings, machine, versions, comparisons }: ReportInput): string {
  const runs = comparisons.flatMap(({ dataset, preparation, runs }) =>
    [...preparation, ...runs].map((run) => ({ heading: `${run.name}, ${dataset}`, facts: runFacts(run) })),
  );
  return `<section id="provenance"><h2>Settings, seeds and machine</h2>
<h3>Experiment</h3>${factTable(settings)}
<h3>Runs</h3><div class="wide">${runTable(runs)}</div>
<h3>Machine</h3>${factTable(machine)}
<h3>Versions</h3>${factTable(versions)}</section>`;
}

type Facts = Readonly<Record<string, unknown>>;

const runFacts = (run: ReportRun): Facts => ({
  ...run.settings,
  parameters: run.parameters,
  engine: run.engine,
  time: duration(run.seconds),
});

const factTable = (facts: Facts): string =>
  `<table>${Object.entries(facts)
    .map(([name, value]) => `<tr><th scope="row">${escapeHTML(name)}</th><td>${cell(value)}</td></tr>`)
    .join("")}</table>`;

/** A column per run; a row per setting that any run has. */
function runTable(runs: readonly { heading: string; facts: Facts }[]): string {
  const names = [...new Set(runs.flatMap(({ facts }) => Object.keys(facts)))];
  const head = runs.map(({ heading }) => `<th scope="col">${escapeHTML(heading)}</th>`).join("");
  const rows = names.map(
    (name) =>
      `<tr><th scope="row">${escapeHTML(name)}</th>${runs.map(({ facts }) => `<td>${name in facts ? cell(facts[name]) : ""}</td>`).join("")}</tr>`,
  );
  return `<table><tr><td></td>${head}</tr>${rows.join("")}</table>`;
}

function cell(value: unknown): string {
  if (typeof value === "number")
    return escapeHTML(Number.isInteger(value) ? String(value) : formatNumber(value));
  return escapeHTML(typeof value === "string" ? value : (JSON.stringify(value) ?? ""));
}

function duration(seconds: number): string {
  const whole = Math.round(seconds);
  return whole < 60
    ? `${formatNumber(seconds < 10 ? Number(seconds.toFixed(1)) : whole)} s`
    : `${Math.floor(whole / 60)} min ${whole % 60} s`;
}

const style = `
h1{margin:0 0 4px;font-size:28px;line-height:1.25}
h2{margin:40px 0 8px;padding-top:12px;border-top:1px solid var(--line);font-size:22px}
h3{margin:28px 0 4px;font-size:17px}
p{margin:4px 0 10px}
a{color:inherit}
.muted,.missing{color:var(--muted)}
.cards{display:grid;grid-template-columns:repeat(auto-fit,minmax(200px,1fr));gap:12px;margin-top:20px}
.card{border:1px solid var(--line);border-radius:8px;padding:12px 14px;break-inside:avoid}
.card h2{margin:0;padding:0;border:0;font-size:14px;font-weight:normal}
.card .value{margin:4px 0;font-size:24px;font-weight:bold;font-variant-numeric:tabular-nums}
.card .detail{margin:0;font-size:13px;color:var(--muted)}
.wide{overflow-x:auto}
table{border-collapse:collapse;font-size:14px;font-variant-numeric:tabular-nums}
th,td{padding:3px 12px 3px 0;border-bottom:1px solid var(--line);text-align:left;vertical-align:top}
th{font-weight:normal;color:var(--muted)}
th[scope=col]{color:var(--text);font-weight:bold}
@media print{body{max-width:none}.wide{overflow:visible}table{font-size:10px}}
`;
