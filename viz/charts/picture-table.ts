import { frame } from "../frame.js";
import type { VegaLiteSpec } from "../spec.js";
import { textWidth } from "../text.js";

export interface PictureCell {
  row: string;
  column: string;
  url: string;
}

/** Pictures in rows and columns with labels. `columnLabels` are needed where columns could have the same label. */
export function pictureTable(parts: {
  title: string;
  caption: readonly string[];
  rows: readonly string[];
  columns: readonly string[];
  columnLabels?: readonly string[];
  columnTitle: string | null;
  cells: readonly PictureCell[];
  width: number;
}): VegaLiteSpec {
  const { rows, columns, columnLabels, cells, width } = parts;
  const labels = Math.min(150, Math.max(...rows.map((row) => textWidth(row, 13)))) + 30;
  const cell = Math.min(150, Math.floor((width - labels) / columns.length));
  const size = cell - 6;
  const labelExpr = columnLabels ? { labelExpr: `${JSON.stringify(columnLabels)}[+datum.value]` } : {};
  return frame({
    title: parts.title,
    caption: parts.caption,
    width,
    indent: labels,
    view: {
      width: { step: cell },
      height: { step: cell },
      data: { values: cells },
      mark: { type: "image", width: size, height: size, aspect: false, tooltip: null },
      encoding: {
        url: { field: "url", type: "nominal" },
        x: {
          field: "column",
          type: "ordinal",
          sort: null,
          scale: { domain: columns, padding: 0 },
          title: parts.columnTitle,
          axis: {
            orient: "top",
            labelAngle: 0,
            ticks: false,
            domain: false,
            labelPadding: 2,
            titleAnchor: "start",
            ...labelExpr,
          },
        },
        y: {
          field: "row",
          type: "nominal",
          scale: { domain: rows, padding: 0 },
          title: null,
          axis: { ticks: false, domain: false, labelFontSize: 13, labelLimit: 150, labelPadding: 6 },
        },
      },
    },
  });
}
