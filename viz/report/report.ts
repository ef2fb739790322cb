import { required } from "../../src/errors.js";
import type { ComparisonRecord, ReportData } from "../../src/experiments/compare-record.js";
import type { RunRecord } from "../../src/loop/record.js";
import { Page } from "../render/page.js";
import { capitalize, escapeHTML } from "../text.js";
import { checkList } from "../validate.js";
import {
  type Draw,
  datasetTitle,
  explorerChart,
  fieldChart,
  lossCharts,
  metricCharts,
  pathCharts,
  pictureCharts,
  samplesChart,
  tangentCharts,
} from "./charts.js";
import { drawn, duration, type Facts, factTable, factText, header, style, words } from "./parts.js";

/**
 * The report of an experiment as one self-contained HTML file, about 1 to 4 MB: opens offline, follows light and dark, prints.
 * A chart whose data cannot be drawn (a run that diverged, say) is replaced by one line that says why.
 */
export async function renderReport(data: ReportData): Promise<string> {
  checkList("comparisons", required("data", data, "what a comparison has recorded").comparisons);
  const page = new Page();
  const body = [
    header({
      ...data,
      contents: [
        ...data.comparisons.map(({ dataset }, i) => ({
          id: `comparison-${i}`,
          title: datasetTitle(dataset),
        })),
        { id: "provenance", title: "Settings and machine" },
      ],
      cards: data.headlines,
      ...(data.more && { more: data.more }),
    }),
    ...data.comparisons.map((comparison, i) => comparisonSection(page, comparison, i)),
    provenance(data),
  ].join("\n");
  return page.html({ title: data.title, body, style });
}

function comparisonSection(page: Page, comparison: ComparisonRecord, index: number): string {
  const { dataset, shape, manifoldDim, runs } = comparison;
  const size = shape.length === 1 ? `points of ${shape[0]} dimensions` : `images of ${shape.join(" × ")}`;
  const manifold = manifoldDim === null ? "" : `, on a known manifold of dimension ${manifoldDim}`;
  const classes = runs.map(({ settings }) => settings.classes).find((count) => count !== undefined);
  const told = classes === undefined ? "" : `, of ${classes} classes, which the models are told`;
  const local = runs.some((run) => run.probeSet?.tangentSpace === "local-pca");
  const images = shape.length === 3;
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
      "Tangents over training",
      `Outputs at the fixed probes, and where the loss moves them. The slider and the play button choose the recording, a brushed region the probes${
        images ? "; pointing at an output shows it" : ""
      }.`,
      explorerChart(comparison),
    ],
    [
      "Where outputs go",
      "Where some probes' outputs go over training: along the manifold and back, or onto it.",
      pathCharts(comparison),
    ],
    [
      "Neighbourhood of the outputs",
      "Data and outputs at the end of training, and where the loss moves them; pointing at an output shows it.",
      images ? fieldChart(comparison) : [],
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
<p>${escapeHTML(capitalize(`${size}${manifold}${told}. Compared: ${runs.map((run) => run.name).join(", ")}.`))}</p>
${sections.join("\n")}</section>`;
}

function provenance({ settings, machine, versions, comparisons }: ReportData): string {
  const runs = comparisons.flatMap(({ dataset, preparation, runs }) =>
    [...preparation, ...runs].map((run) => ({ heading: `${run.name}, ${dataset}`, facts: runFacts(run) })),
  );
  return `<section id="provenance"><h2>Settings, seeds and machine</h2>
<h3>Experiment</h3>${factTable(settings)}
<h3>Runs</h3><div class="wide">${runTable(runs)}</div>
<h3>Machine</h3>${factTable(machine)}
<h3>Versions</h3>${factTable(versions)}</section>`;
}

const runFacts = (run: RunRecord): Facts => ({
  ...run.settings,
  parameters: run.parameters,
  engine: run.engine,
  time: duration(run.seconds),
});

/** A column per run; a row per setting that any run has. */
function runTable(runs: readonly { heading: string; facts: Facts }[]): string {
  const names = [...new Set(runs.flatMap(({ facts }) => Object.keys(facts)))];
  const head = runs.map(({ heading }) => `<th scope="col">${escapeHTML(heading)}</th>`).join("");
  const rows = names.map(
    (name) =>
      `<tr><th scope="row">${escapeHTML(words(name))}</th>${runs.map(({ facts }) => `<td>${name in facts ? escapeHTML(factText(facts[name])) : ""}</td>`).join("")}</tr>`,
  );
  return `<table><tr><td></td>${head}</tr>${rows.join("")}</table>`;
}
