import type { Interval } from "../../src/experiments/statistics.js";
import type { CellSummary, Outcome, PanelSummary, StudyRecord } from "../../src/experiments/summary.js";
import { capitalize, formatCount, intervalText, list, metricTitle } from "../text.js";

/** Rows of text: for HTML and for Markdown. */
export interface TextTable {
  head: string[];
  rows: string[][];
}

/**
 * A panel's outcomes: a row per arm and place, for each measure its mean with interval and what it is against the reference.
 * @param most measures at most; the study's first ones matter most.
 */
export function outcomeTable(
  { axis }: StudyRecord,
  { cells, reference }: PanelSummary,
  most = Infinity,
): TextTable {
  const measures = [...new Set(cells.flatMap(({ outcomes }) => Object.keys(outcomes)))].slice(0, most);
  const columns: [head: string, text: (cell: CellSummary) => string][] = [
    [axis ?? "", ({ at }) => String(at ?? "")],
    ["loss", ({ arm }) => arm],
    ["learning rate", ({ learningRate }) => String(learningRate ?? "")],
    ...measures.flatMap((name): typeof columns => [
      [metricTitle(name), ({ outcomes: { [name]: outcome } }) => (outcome ? outcomeText(name, outcome) : "")],
      [
        `against ${reference}`,
        ({ outcomes: { [name]: outcome } }) =>
          outcome?.versus ? versusText(name, outcome, outcome.versus) : "",
      ],
    ]),
  ];
  // A column with nothing in it, such as the difference of what the reference does not have, is left out.
  const filled = columns.filter(([, text]) => cells.some((cell) => text(cell) !== ""));
  return {
    head: filled.map(([head]) => head),
    rows: cells.map((cell) => filled.map(([, text]) => text(cell))),
  };
}

/** "0.57 (0.5 to 0.64)"; of targets that were not always reached, how often they were. */
function outcomeText(measure: string, { values, interval }: Outcome): string {
  if (interval)
    return isSteps(measure)
      ? intervalText(interval, (value) => formatCount(Math.round(value)))
      : intervalText(interval);
  const count = `${values.filter((value) => value !== null).length} of ${values.length}`;
  return isSteps(measure) ? `reached by ${count}` : `measured in ${count}`;
}

/** Whether an outcome is a number of steps: "steps to 0.2". */
const isSteps = (measure: string): boolean => measure.startsWith("steps to ");

/** Whether an outcome is compared by a ratio; results of earlier versions do not say so, and have ratios of steps alone. */
const isRatio = (measure: string, { ratio }: Outcome): boolean => ratio ?? isSteps(measure);

/** What a comparison has where nothing differs. */
const nothingOf = (measure: string, outcome: Outcome): number => (isRatio(measure, outcome) ? 1 : 0);

/** Whether the interval of a difference leaves out 0, that of a ratio 1. */
const isSignificant = (measure: string, outcome: Outcome): boolean => {
  const nothing = nothingOf(measure, outcome);
  const { low, high } = outcome.versus!;
  return low !== null && high !== null && (low > nothing || high < nothing);
};

function versusText(measure: string, outcome: Outcome, versus: Interval): string {
  const ratio = isRatio(measure, outcome);
  const sign = !ratio && versus.mean > 0 ? "+" : "";
  return `${ratio ? "× " : ""}${sign}${intervalText(versus)}${isSignificant(measure, outcome) ? " *" : ""}`;
}

/** Which seeds settings were chosen on, where there was a choice. */
export const tuningNote = ({ seeds, panels }: StudyRecord): string =>
  panels.some(({ cells }) => cells.some(({ tuning }) => tuning.length > 0))
    ? ` Learning rates were chosen on seed${seeds.tune.length > 1 ? "s" : ""} ${seeds.tune.join(", ")}.`
    : "";

/** What the starred numbers mean. */
export const tableNote = ({ seeds }: StudyRecord): string =>
  seeds.report.length === 1
    ? `One seed, ${seeds.report[0]}: no intervals, and differences may be chance. Against the reference: the difference, with × the ratio.`
    : `Mean over ${seeds.report.length} seeds with its 95% interval (Student's t). Against the reference: difference of runs with the same seed, with × their ratio (geometric mean); * where its interval excludes 0, of a ratio 1: the 5% level for each, not corrected for their number.`;

/** Whether arms differ more or less along the axis, in a sentence for each: a test of the interaction. */
export const trendNotes = (
  { axis }: Pick<StudyRecord, "axis">,
  { trends, reference }: PanelSummary,
): string[] =>
  trends.map(({ arm, measure, factor }) => {
    const { low, high } = factor;
    const told = low !== null && high !== null && (low > 1 || high < 1) ? "" : ": not told from 1";
    return `${capitalize(metricTitle(measure))}: at each doubling of the ${axis ?? "place"} the ratio of ${arm} to ${reference} is multiplied by ${intervalText(factor)}${told}.`;
  });

/** The names of a panel's outcomes, the most important first; of targets the hardest. */
export function measuresOf({ measures }: Pick<StudyRecord, "measures">, panel: PanelSummary): string[] {
  const all = new Set(panel.cells.flatMap(({ outcomes }) => Object.keys(outcomes)));
  if (measures === "all") return [...all];
  return measures.flatMap((name) => {
    if (name === "steps") return [...all].filter(isSteps).reverse();
    if (name === "readings") return [...all].filter((each) => each.startsWith(`${panel.metric} after `));
    return name === "metric" ? [panel.metric] : [name];
  });
}

/** One line per panel, about the first measure by which runs could be compared: for the head of the report. */
export function findings({ measures, panels }: StudyRecord): {
  label: string;
  value: string;
  detail: string;
}[] {
  return panels.flatMap((panel) => {
    const compared = (name: string): CellSummary[] =>
      panel.cells.filter(({ arm, outcomes }) => arm !== panel.reference && outcomes[name]?.versus);
    const names = measuresOf({ measures }, panel);
    const name = names.find((each) => compared(each).length > 0);
    if (name === undefined) return [];
    const differing = compared(name).filter(({ outcomes }) => isSignificant(name, outcomes[name]!));
    const side = (below: boolean): string[] => {
      const cells = differing.filter(({ outcomes: { [name]: outcome } }) => {
        return outcome!.versus!.mean < nothingOf(name, outcome!) === below;
      });
      const places = cells.map(({ arm, at }) => (at === null ? arm : `${arm} at ${at}`));
      return places.length > 0 ? [`${below ? "below" : "above"} ${panel.reference}: ${list(places)}`] : [];
    };
    return [
      {
        label: `${capitalize(metricTitle(name))}, ${panel.name}`,
        value: `${differing.length} of ${compared(name).length} differ`,
        detail: `${capitalize([...side(true), ...side(false)].join("; ") || `none significantly from ${panel.reference}`)}.`,
      },
    ];
  });
}

/** For a README. */
export const markdown = ({ head, rows }: TextTable): string =>
  [head, head.map(() => "---"), ...rows].map((row) => `| ${row.join(" | ")} |`).join("\n");
