import type { SoftRepaStudyRecord } from "../../src/experiments/softrepa/study.js";
import type { Interval } from "../../src/experiments/statistics.js";
import { intervals } from "../charts/intervals.js";
import { Page } from "../render/page.js";
import { escapeHTML, formatNumber } from "../text.js";
import { drawn, factTable, header, style } from "./parts.js";

/** The measures that the charts show. */
const headline = /all attributes right|Fréchet|information|all as asked/;

/** The study as one self-contained HTML file. */
export async function renderSoftRepaStudy(study: SoftRepaStudyRecord): Promise<string> {
  const page = new Page();
  const { title, date, seconds, question, seeds, quick, arms, ceiling } = study;
  const measures = arms[0]!.outcomes.map(({ measure }) => measure);
  const charts = measures
    .filter((measure) => headline.test(measure))
    .map((measure) =>
      drawn(page, () =>
        intervals({
          metric: measure,
          title: measure,
          xTitle: "tokens",
          yScale: "linear",
          references: [],
          caption: [`Mean over ${seeds.length} seeds with its 95% interval, and every seed.`],
          series: arms.map(({ name, outcomes }) => {
            const { interval, values } = outcomes.find((outcome) => outcome.measure === measure)!;
            return { name, points: [{ at: name, ...interval, values: [...values] }] };
          }),
        }),
      ),
    );
  const clean = Object.entries(ceiling).map(([split, { overall }]) => `${split} ${formatNumber(overall)}`);
  const body = [
    header({
      title,
      date,
      seconds,
      cards: [],
      text: quick ? `${question} This is the quick version: its numbers say nothing.` : question,
      contents: [
        { id: "outcomes", title: "Outcomes" },
        { id: "provenance", title: "Settings and machine" },
      ],
    }),
    `<section id="outcomes"><h2>Outcomes</h2><p>Read off clean images, the ceiling of all attributes right: ${escapeHTML(clean.join(", "))}.</p>${charts.join("")}
<div class="wide">${htmlTable(softRepaTable(study))}</div><p class="muted">${escapeHTML(softRepaNote(study))}</p></section>`,
    `<section id="provenance"><h2>Settings, seeds and machine</h2>${factTable(study.settings)}<h3>Machine</h3>${factTable(study.machine)}<h3>Versions</h3>${factTable(study.versions)}</section>`,
  ].join("\n");
  return page.html({ title, body, style });
}

/**
 * A row per measure, a column per arm: the mean with its interval; * where the difference to the model without tokens leaves out 0.
 * @param all false: only the measures that the charts show.
 */
export function softRepaTable(
  { arms }: SoftRepaStudyRecord,
  { all = true }: { all?: boolean } = {},
): { head: string[]; rows: string[][] } {
  return {
    head: [
      "",
      ...arms.map(({ name, trained }) => (trained ? `${name} (${trained.toLocaleString("en-US")})` : name)),
    ],
    rows: arms[0]!.outcomes
      .map(({ measure }, i) => [
        measure,
        ...arms.map(({ outcomes }) => {
          const { interval, versus } = outcomes[i]!;
          const { mean, low, high } = interval;
          const range = low === null ? "" : ` (${formatNumber(low)} to ${formatNumber(high!)})`;
          return `${formatNumber(mean)}${range}${versus && leavesOutZero(versus) ? " *" : ""}`;
        }),
      ])
      .filter(([measure]) => all || headline.test(measure!)),
  };
}

export const softRepaNote = ({ seeds }: SoftRepaStudyRecord): string =>
  `Mean over ${seeds.length} seeds with its 95% interval (Student's t); * where the interval of the difference to the same seeds' model without tokens leaves out 0. In brackets: trained numbers.`;

const leavesOutZero = ({ low, high }: Interval): boolean =>
  low !== null && high !== null && (low > 0 || high < 0);

const htmlTable = ({ head, rows }: { head: string[]; rows: string[][] }): string =>
  `<table><tr>${head.map((text) => `<th scope="col">${escapeHTML(text)}</th>`).join("")}</tr>${rows
    .map((row) => `<tr>${row.map((text) => `<td>${escapeHTML(text)}</td>`).join("")}</tr>`)
    .join("")}</table>`;
