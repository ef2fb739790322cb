import type { View } from "../spec.js";
import { fontSizes } from "../theme.js";

/** One heat map: what is not among its cells is left empty. */
export interface HeatPanel {
  name: string;
  /** Of the panel's title. */
  color?: string;
  cells: readonly { x: string; y: string; value: number }[];
}

/** Orange for -1 (turns round), near-white for 0, blue for 1 (keeps its direction): told apart with any colour vision. */
export const cosineColors = ["#D55E00", "#F3F1EC", "#0072B2"] as const;

/** A scale for values from 0 on that shows on a light and on a dark background. */
export const amountColors = { scheme: "viridis" } as const;

/**
 * Heat maps beside each other, on shared axes and one scale of colours. `x.domain` goes from left to right and `y.domain` from top to bottom, in
 * texts; `side` is a panel's width in pixels where it is not to fill the chart.
 */
export function heatMaps(parts: {
  panels: readonly HeatPanel[];
  x: { title: string; domain: readonly string[] };
  y: { title: string; domain: readonly string[] };
  value: { title: string; format: string; scale: View };
  width: number;
  height: number;
  side?: number;
  columns?: number;
}): View {
  const { panels, x, y, value, width, height } = parts;
  const columns = parts.columns ?? Math.min(panels.length, 3);
  const room = parts.side ?? Math.floor((width - 80 - (columns - 1) * 20) / columns);
  // Whole pixels per cell: no seams between them.
  const whole = (pixels: number, cells: number): number => Math.max(1, Math.floor(pixels / cells)) * cells;
  const side = whole(room, x.domain.length);
  const views = panels.map(({ name, color, cells }, i): View => {
    const first = i % columns === 0;
    const last = i + columns >= panels.length;
    return {
      ...(panels.length > 1 && { title: panelTitle(name, color) }),
      width: side,
      height: whole(height, y.domain.length),
      data: { values: cells },
      mark: { type: "rect", stroke: null },
      encoding: {
        x: {
          field: "x",
          type: "ordinal",
          title: last ? x.title : null,
          scale: { domain: x.domain, padding: 0 },
          axis: {
            grid: false,
            ticks: false,
            labelAngle: 0,
            labelSeparation: 6,
            ...(last ? {} : { labels: false }),
          },
        },
        y: {
          field: "y",
          type: "ordinal",
          title: first ? y.title : null,
          scale: { domain: y.domain, padding: 0 },
          axis: { grid: false, ticks: false, ...(first ? {} : { labels: false }) },
        },
        color: {
          field: "value",
          type: "quantitative",
          scale: value.scale,
          legend: {
            orient: "bottom",
            title: value.title,
            format: value.format,
            gradientLength: Math.min(240, width - 200),
            tickCount: 5,
          },
        },
        tooltip: [
          { field: "x", type: "ordinal", title: x.title },
          { field: "y", type: "ordinal", title: y.title },
          { field: "value", type: "quantitative", title: value.title, format: value.format },
        ],
      },
    };
  });
  return views.length === 1 ? views[0]! : { concat: views, columns, spacing: 20 };
}

/** The name above one of several panels. */
export const panelTitle = (name: string, color?: string): View => ({
  text: name,
  anchor: "middle",
  fontSize: fontSizes.title - 2,
  offset: 6,
  ...(color === undefined ? {} : { color }),
});
