import { schema, type VegaLiteSpec, type View } from "./spec.js";
import { balance, wrap } from "./text.js";
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
