import { frame } from "../frame.js";
import { pictureURI } from "../picture.js";
import type { Points, VegaLiteSpec } from "../spec.js";
import { expressionText, textWidth } from "../text.js";

export interface PictureCell {
  row: string;
  column: string;
  /** One image, or several as a grid: [count, height, width, channels] in [-1, 1]. */
  images: Points;
  /** As red and blue maps: see `pictureURI`. */
  signed?: boolean;
}

/** Enlarged by this much or more, pixels are drawn as sharp squares; by less, squares would differ in size to the eye. */
const sharpFrom = 1.5;

/**
 * Pictures in rows and columns with labels. `columnLabels` are needed where columns could have the same label; `grid` is the number of images beside each
 * other within a picture, default 1.
 */
export function pictureTable(parts: {
  title: string;
  caption: readonly string[];
  rows: readonly string[];
  columns: readonly string[];
  columnLabels?: readonly string[];
  columnTitle: string | null;
  cells: readonly PictureCell[];
  grid?: number;
  width: number;
  /** Of a picture, in pixels at most. Default 150. */
  largest?: number;
}): VegaLiteSpec {
  const { rows, columns, columnLabels, grid = 1, width, largest = 150 } = parts;
  const labels = Math.min(150, Math.max(...rows.map((row) => textWidth(row, 13)))) + 30;
  const cell = Math.min(largest, Math.floor((width - labels) / columns.length));
  const size = cell - 6;
  const widest = Math.max(...parts.cells.map(({ images }) => grid * images.shape[2]!));
  const sharp = size >= sharpFrom * widest;
  // A file has no more pixels than it needs: the front end enlarges them, or, where they are to be smooth, shrinks twice as many.
  const scale = sharp || widest > size ? 1 : 2;
  const cells = parts.cells.map(({ row, column, images, signed = false }) => ({
    row,
    column,
    url: pictureURI(images, { columns: grid, scale, signed }),
    // Else screen readers would spell the picture out, and an SVG hold it twice.
    description: [row, columnLabels?.[columns.indexOf(column)] ?? column].filter(Boolean).join(", "),
  }));
  const labelExpr = columnLabels ? { labelExpr: `${expressionText(columnLabels)}[+datum.value]` } : {};
  return frame({
    title: parts.title,
    caption: parts.caption,
    width,
    indent: labels,
    view: {
      width: { step: cell },
      height: { step: cell },
      data: { values: cells },
      mark: { type: "image", width: size, height: size, smooth: !sharp, tooltip: null },
      encoding: {
        url: { field: "url", type: "nominal" },
        description: { field: "description", type: "nominal" },
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
