import type { ExamplesRecord, SplitName } from "../../src/experiments/softrepa/examples-record.js";
import type { MendedArm, MendedRecord, MendedSplit } from "../../src/experiments/softrepa/mended-record.js";
import type { Interval, McNemar } from "../../src/experiments/statistics.js";
import { type Curve, metricCurves } from "../charts/curves.js";
import { pictureURI } from "../picture.js";
import type { Page } from "../render/page.js";
import type { Points } from "../spec.js";
import { capitalize, escapeHTML, formatNumber } from "../text.js";
import { drawn, numberCell } from "./parts.js";
import type { TextTable } from "./study-table.js";

/** The parts of a report that say how much of a misalignment each arm mends: tables, and charts over guidance and time. */
export const mendedSections = (page: Page, record: MendedRecord): string =>
  [
    `<p>${escapeHTML(gapText(record))}</p>`,
    ...(Object.keys(record.pictures) as SplitName[]).map((split) => splitSection(record, split)),
    contestSection(record),
    guidanceSection(page, record),
    informationSection(page, record),
  ].join("\n");

/** What there is to mend, in a sentence. */
export function gapText({ gap, base, oracle, seeds, pictures, guidance }: MendedRecord): string {
  const texts = (Object.entries(gap) as [SplitName, Interval][]).map(
    ([split, { mean, low, high }]) =>
      `${points(mean)} points of ${split} combinations${low === null ? "" : ` (${points(low)} to ${points(high!)})`}`,
  );
  const measured = `${Object.values(pictures).join(" and ")} pictures for each arm and seed (${seeds.join(", ")}), all arms from the same captions and noise, guidance ${guidance}.`;
  if (texts.length === 0) return `${capitalize(measured)} The oracle was not measured.`;
  return `What can be mended: the share of pictures that are wholly right with ${oracle}, less that with ${base}, ${texts.join(", ")}. ${measured}`;
}

/** Cards for the head of a report: what each arm mends of seen combinations. */
export const mendedCards = ({
  arms,
  base,
  oracle,
}: MendedRecord): { label: string; value: string; detail: string }[] => {
  const share = ({ mean }: Interval): string => percent(mean);
  const guided = arms.find(({ name }) => name === base)!.best.mended;
  const others = arms.filter(({ name, splits }) => name !== base && name !== oracle && splits.seen!.mended);
  return [
    ...(guided
      ? [
          {
            label: "guidance alone mends",
            value: share(guided),
            detail: "The base, with the guidance that serves it best.",
          },
        ]
      : []),
    ...others.map(({ name, splits, best }) => ({
      label: `${name} mends`,
      value: share(splits.seen!.mended!),
      detail: `Of what ${oracle} has right more often than ${base}${best.mended ? `; with its best guidance ${share(best.mended)}` : ""}.`,
    })),
  ];
};

function splitSection(record: MendedRecord, split: SplitName): string {
  const { base, oracle, guidance } = record;
  const note =
    split === "seen"
      ? `Mended: of what ${oracle} has right more often than ${base}, seed by seed; below 0 an arm is worse than ${base}. In the row of ${base}, "mended there" is what guidance alone mends. Each half of the curves' pictures is measured with the guidance that is best on the other half, "mended there" against ${oracle} and ${base} at guidance ${formatNumber(guidance)}: over 100% where guidance gives more than right captions. `
      : "";
  return `<h3>${escapeHTML(capitalize(split))} combinations</h3>${textTable(mendedTable(record, split))}<p class="muted">${escapeHTML(`${note}McNemar's exact test against ${base} on the same pictures: right with the arm alone, with ${base} alone, and how likely that is by chance. Mean over seeds with its 95% interval (Student's t), where there are two or more.`)}</p>`;
}

/** What each arm mends of a split, a row for each. */
export function mendedTable({ arms, base }: MendedRecord, split: SplitName): TextTable {
  const attributes = Object.keys(arms[0]!.splits[split]!.byAttribute);
  type Column = [head: string, text: (own: MendedSplit, arm: MendedArm) => string];
  const atBest: Column[] = [
    ["best guidance", (_, { best }) => best.guidance.map((value) => formatNumber(value)).join(", ")],
    ["wholly right there", (_, { best }) => intervalOf(best.right, percent)],
    ["mended there", (_, { best }) => (best.mended ? intervalOf(best.mended, percent) : "")],
    ["Fréchet distance there", (_, { best }) => intervalOf(best.frechet, rounded)],
  ];
  const columns: Column[] = [
    ["", (_, { name }) => name],
    ["numbers trained", (_, { trained }) => (trained === 0 ? "none" : trained.toLocaleString("en-US"))],
    ["wholly right", ({ right }) => intervalOf(right, percent)],
    ["mended", ({ mended }) => (mended ? intervalOf(mended, percent) : "")],
    ["McNemar, p", ({ mcNemar }) => (mcNemar ? mcNemarText(mcNemar) : "")],
    ["Fréchet distance", ({ frechet }) => intervalOf(frechet, rounded)],
    [
      `against ${base}`,
      ({ frechetVersus }) => (frechetVersus ? intervalOf(frechetVersus, signed(rounded)) : ""),
    ],
    ...(split === "seen" ? atBest : []),
    ["no binding swapped", ({ bound }) => intervalOf(bound, percent)],
    ["one object twice", ({ repeated }) => intervalOf(repeated, percent)],
    ...attributes.map(
      (name): Column => [`${name} right`, ({ byAttribute }) => intervalOf(byAttribute[name]!, percent)],
    ),
  ];
  const rows = arms.map((arm) => columns.map(([, text]) => text(arm.splits[split]!, arm)));
  const filled = columns.map((_, i) => rows.some((row) => row[i] !== ""));
  return {
    head: columns.map(([head]) => head).filter((_, i) => filled[i]),
    rows: rows.map((row) => row.filter((_, i) => filled[i])),
  };
}

function contestSection({ contests }: MendedRecord): string {
  if (contests.length === 0) return "";
  const rows = contests.map(({ first, second, split, difference, mcNemar }) => [
    `${second} less ${first}`,
    split,
    intervalOf(difference, signed(points)),
    mcNemarText(mcNemar),
  ]);
  return `<h3>Arm against arm</h3>${textTable({ head: ["", "combinations", "points wholly right", "McNemar, p"], rows })}`;
}

function guidanceSection(page: Page, record: MendedRecord): string {
  const { arms, curvePictures } = record;
  if (arms[0]!.curve.length < 2) return "";
  const charts = (metric: string, of: (point: MendedArm["curve"][number]) => Interval): string =>
    armCharts(page, record, {
      metric,
      xTitle: "guidance",
      rows: ({ curve }) => curve.map((point) => ({ at: point.guidance, ...of(point) })),
      title: `${capitalize(metric)} over guidance`,
      caption: `${curvePictures} pictures of seen combinations for each point.`,
    });
  const rows = arms.map(({ name, curve }) => [
    escapeHTML(name),
    ...curve.map(({ right, frechet }) => `${percent(right.mean)}<br>${rounded(frechet.mean)}`),
  ]);
  const head = ["", ...arms[0]!.curve.map(({ guidance }) => `guidance ${formatNumber(guidance)}`)];
  return `<h3>Agreement and fidelity over guidance</h3>${table(head, rows)}<p class="muted">Above: wholly right; below: Fréchet distance.</p>
${charts("share wholly right", ({ right }) => right)}${charts("Fréchet distance", ({ frechet }) => frechet)}`;
}

function informationSection(page: Page, record: MendedRecord): string {
  if (record.arms[0]!.information.length < 2) return "";
  return `<h3>What denoising errors tell of captions</h3>${armCharts(page, record, {
    metric: "InfoNCE bound, nats",
    xTitle: "t",
    rows: ({ information }) => information.map(({ t, bound }) => ({ at: t, ...bound })),
    title: "Information of caption and noisy picture, by time",
    caption: "Each model with the temperature that tells captions of other examples apart best.",
  })}`;
}

/** Arms of a chart besides the base and the oracle: with more, colours would come again. */
const armsShown = 5;

/** A chart of all arms, or several, each with base and oracle in the same colours. */
function armCharts(
  page: Page,
  { arms, base, oracle }: MendedRecord,
  {
    rows,
    caption,
    ...titles
  }: {
    metric: string;
    xTitle: string;
    title: string;
    caption: string;
    rows: (arm: MendedArm) => ({ at: number } & Interval)[];
  },
): string {
  const ends = [base, oracle].flatMap((name) => arms.filter((arm) => arm.name === name));
  const others = arms.filter((arm) => !ends.includes(arm));
  const charts = Math.max(1, Math.ceil(others.length / armsShown));
  return Array.from({ length: charts }, (_, i) =>
    drawn(page, () =>
      metricCurves({
        ...titles,
        curves: [...ends, ...others.slice(i * armsShown, (i + 1) * armsShown)].map((arm) =>
          banded(arm.name, rows(arm)),
        ),
        caption: [caption],
      }),
    ),
  ).join("");
}

const banded = (name: string, rows: readonly ({ at: number } & Interval)[]): Curve => ({
  name,
  steps: rows.map(({ at }) => at),
  values: rows.map(({ mean }) => mean),
  ...(rows.every(({ low }) => low !== null) && {
    low: rows.map(({ low }) => low!),
    high: rows.map(({ high }) => high!),
  }),
});

/** The same captions and noise, a column for each arm. */
export const exampleTables = (examples: readonly ExamplesRecord[], arms: readonly string[]): string =>
  examples
    .map(({ split, captions, images, right, real }) => {
      const head = ["", ...arms, "a real image"];
      const rows = captions.map((caption, i) => [
        escapeHTML(caption),
        ...arms.map(
          (name) =>
            `<span style="white-space:nowrap">${picture(images[name]!, i)} ${right[name]![i] ? "✓" : "✗"}</span>`,
        ),
        picture(real, i),
      ]);
      return `<h3>${escapeHTML(capitalize(split))} combinations</h3><p>Each row from the same noise. ✓: the read-out finds every attribute as the caption says.</p>${table(head, rows)}`;
    })
    .join("");

/** One image of several, as HTML. */
export function picture({ shape, values }: Points, index: number, width = 48): string {
  const size = shape.slice(1).reduce((a, b) => a * b, 1);
  const own = {
    shape: [1, ...shape.slice(1)],
    values: Array.from(values).slice(index * size, (index + 1) * size),
  };
  return `<img class="pixels" width="${width}" height="${width}" alt="" src="${pictureURI(own, { scale: 1 })}">`;
}

/** Of cells that are HTML already, and headings that are text. */
export const table = (head: readonly string[], rows: readonly (readonly string[])[]): string =>
  `<div class="wide"><table>${head.length > 0 ? `<tr>${head.map((text) => `<th scope="col">${escapeHTML(text)}</th>`).join("")}</tr>` : ""}${rows
    .map((row) => `<tr>${row.map((text) => `<td>${text}</td>`).join("")}</tr>`)
    .join("")}</table></div>`;

export const percent = (share: number): string => `${formatNumber(Number((100 * share).toFixed(1)))}%`;

export const pixelStyle = `
.pixels{image-rendering:pixelated;vertical-align:middle}
`;

const rounded = (value: number): string => formatNumber(Number(value.toPrecision(3)));
const points = (share: number): string => formatNumber(Number((100 * share).toFixed(1)));
const signed =
  (text: (value: number) => string) =>
  (value: number): string =>
    `${value > 0 ? "+" : ""}${text(value)}`;

/** "61% (55% to 67%)"; of one seed the number alone. */
const intervalOf = ({ mean, low, high }: Interval, text: (value: number) => string): string =>
  `${text(mean)}${low === null || high === null ? "" : ` (${text(low)} to ${text(high)})`}`;

const mcNemarText = ({ first, second, p }: McNemar): string =>
  `${first} : ${second}, ${p < 1e-6 ? "< 0.000001" : String(Number(p.toPrecision(2)))}`;

const textTable = ({ head, rows }: TextTable): string =>
  table(
    head,
    rows.map((row) => row.map(numberCell)),
  );
