import { schema, type VegaLiteSpec, type View } from "./spec.js";
import { balance, expressionText, textWidth, wrap } from "./text.js";
import { config, fontSizes } from "./theme.js";

const lineHeight = 15;

/** The width of a notebook's output that all charts fit, in pixels. */
export const notebookWidth = 600;

/**
 * Puts a view, or several beside each other, into a chart: the finding above, what the reader must know to trust it below.
 * `width` is that of the whole chart in pixels; title and caption are wrapped to it.
 */
export function frame(parts: {
  /** What stands left of the plot, in pixels: titles and captions begin behind it. Default 60, for an axis with labels. */
  indent?: number;
  title: string;
  caption: readonly string[];
  view: View;
  width: number;
}): VegaLiteSpec {
  const { title, view, width, indent = 60 } = parts;
  const lines = parts.caption.flatMap((sentence) => wrap(sentence, width - indent, fontSizes.small));
  const spec = {
    $schema: schema,
    title: { text: balance(title, width - indent, fontSizes.title, true) },
    config: config("light"),
  };
  if (lines.length === 0) return { ...spec, ...view };
  const caption = {
    data: { values: [{}] },
    mark: { type: "text", align: "left", baseline: "top", style: "caption", lineHeight, tooltip: null },
    encoding: { x: { value: 0 }, y: { value: 0 }, text: { value: lines } },
    width: 100,
    height: lines.length * lineHeight + 4,
  };
  return {
    ...spec,
    vconcat: [view, caption],
    spacing: 8,
    bounds: "full",
    resolve: { scale: { color: "independent" } },
  };
}

/** What a legend needs beside a name: its symbol and the gaps around it. */
const besideName = 30;

/** The legend of a chart's runs, above a plot of this many pixels: in as many rows as the names need. None for a single run. */
export function runLegend(names: readonly string[], plotWidth: number): View | null {
  if (names.length === 1) return null;
  const widths = names.map((name) => textWidth(name, fontSizes.label) + besideName);
  const inOneRow = widths.reduce((sum, width) => sum + width, 0) <= plotWidth;
  const columns = Math.max(1, Math.floor(plotWidth / Math.max(...widths)));
  return { orient: "top", title: null, labelLimit: plotWidth - besideName, ...(!inOneRow && { columns }) };
}

/** Labels of an axis broken into lines where they are wider than their share of the plot, if each of their words fits there; else as many as fit are shown. */
export function wrappedLabels(labels: readonly string[], plotWidth: number): View {
  const room = plotWidth / labels.length - 6;
  const lines = labels.map((label) => wrap(label, room, fontSizes.small));
  const fits = lines.flat().every((line) => textWidth(line, fontSizes.small) <= room);
  if (!fits || lines.every(({ length }) => length < 2)) return {};
  const labelExpr = `${expressionText(lines)}[indexof(${expressionText(labels)}, datum.label)]`;
  return { labelExpr, labelOverlap: false };
}

/** Ticks of an axis of training steps, so few that their numbers stand apart. */
export const stepTicks = (plotWidth: number): number => Math.max(2, Math.min(6, Math.floor(plotWidth / 60)));
