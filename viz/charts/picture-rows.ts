import { check, required } from "../../src/errors.js";
import { notebookWidth } from "../frame.js";
import { checkImages } from "../picture.js";
import { item, spread } from "../projections/projection.js";
import type { Points, VegaLiteSpec } from "../spec.js";
import { formatCount } from "../text.js";
import { checkLabels, checkLength, checkList, checkSize } from "../validate.js";
import { pictureTable } from "./picture-table.js";

/** What `pictureRows` draws. */
export interface PictureRowsInput {
  rows: readonly {
    label: string;
    /** [count, height, width, channels] in [-1, 1], 1 channel or 3; equally many in every row. */
    images: Points;
  }[];
  /** Over the columns; default none. */
  columns?: readonly string[];
  columnTitle?: string;
  title?: string;
  /** Sentences to stand first under the chart. */
  caption?: readonly string[];
  /** Of the whole chart, in pixels. Default 600. */
  width?: number;
}

/** More rows fill several screens. */
const maxRows = 40;
/** Pictures smaller than this many to a row are too small to see. */
const maxColumns = 12;

/**
 * Images side by side in labelled rows: what a transformation does, or what several models make of the same noise. Of more than 12 in a row, 12 are shown,
 * evenly spread, the first and the last among them; of more than 40 rows, 40.
 * @throws TangentLabError `invalid-argument` for other shapes, rows or column labels of different lengths, and values that are not finite.
 */
export function pictureRows(input: PictureRowsInput): VegaLiteSpec {
  required("input", input, "the data of the chart");
  const { rows, columns, columnTitle = null, caption = [], width = notebookWidth } = input;
  checkSize("width", width);
  checkList("rows", rows);
  checkLabels("rows", rows);
  for (const [i, { images }] of rows.entries()) checkImages(`rows[${i}].images`, images);
  const count = rows[0]!.images.shape[0]!;
  for (const [i, { images }] of rows.entries()) {
    check(images.shape[0] === count, `rows[${i}].images.shape[0]`, images.shape[0], `${count} images`);
  }
  if (columns) checkLength("columns", columns, count);
  const shown = spread([...Array(count).keys()], maxColumns);
  const shownRows = spread(rows, maxRows);
  return pictureTable({
    title: input.title ?? `${formatCount(count)} images in ${formatCount(rows.length)} rows`,
    caption: [
      ...caption,
      ...(shown.length < count ? [`${shown.length} of ${formatCount(count)} in each row shown.`] : []),
      ...(shownRows.length < rows.length
        ? [`${shownRows.length} of ${formatCount(rows.length)} rows shown.`]
        : []),
    ],
    rows: shownRows.map(({ label }) => label),
    columns: shown.map((_, place) => String(place)),
    columnLabels: shown.map((index) => columns?.[index] ?? ""),
    columnTitle,
    cells: shownRows.flatMap(({ label, images }) =>
      shown.map((index, place) => ({
        row: label,
        column: String(place),
        images: item(images, index),
      })),
    ),
    width,
  });
}
