import { notebookWidth } from "../frame.js";
import { checkImages, pictureURI } from "../picture.js";
import { item, spread } from "../projections/projection.js";
import type { Points, VegaLiteSpec } from "../spec.js";
import { formatNumber } from "../text.js";
import { checkLength, checkNames, checkPoints, checkSize } from "../validate.js";
import { pictureTable } from "./picture-table.js";

export interface TangentPicturesInput {
  /** Noise level t of each column; any order, shown rising. */
  times: ArrayLike<number>;
  rows: readonly {
    label: string;
    /** [times, height, width, channels]. */
    images: Points;
    /** Red for positive, blue for negative values instead of an image in [-1, 1]. */
    signed?: boolean;
  }[];
  title?: string;
  /** Of the whole chart, in pixels. Default 600. */
  width?: number;
}

const maxTimes = 8;

/**
 * What tangents look like: rows such as x_t, f, the pixel tangent and the MFD tangent, a column per noise level.
 * @throws TangentLabError `invalid-argument` where shapes differ or values are not finite.
 */
export function tangentPictures(input: TangentPicturesInput): VegaLiteSpec {
  const { times, width = notebookWidth } = input;
  checkSize("width", width);
  checkPoints("times", { shape: [times.length], values: times }, ["count"]);
  checkNames(
    "rows",
    input.rows.map(({ label }) => ({ name: label })),
  );
  const order = Array.from(times, (_, i) => i).sort((a, b) => times[a]! - times[b]!);
  const shown = spread(order, maxTimes);
  const column = (place: number): string => `${place}`;
  const cells = input.rows.flatMap(({ label, images, signed = false }, i) => {
    checkImages(`rows[${i}].images`, images);
    checkLength(`rows[${i}].images`, { length: images.shape[0]! }, times.length);
    return shown.map((index, place) => ({
      row: label,
      column: column(place),
      url: pictureURI(item(images, index), { signed, scale: images.shape[2]! > 40 ? 1 : 3 }),
    }));
  });
  const signed = input.rows.some((row) => row.signed);
  const notes = signed
    ? ["Red: the tangent makes the pixel brighter; blue: darker; each map scaled by its largest value."]
    : [];
  if (shown.length < times.length) notes.push(`${shown.length} of ${times.length} noise levels shown.`);
  const labels = shown.map((index) => formatNumber(times[index]!));
  return pictureTable({
    title: input.title ?? `What the tangents look like from noise level t = ${labels[0]} to ${labels.at(-1)}`,
    caption: notes,
    rows: input.rows.map((row) => row.label),
    columns: shown.map((_, place) => column(place)),
    columnLabels: labels,
    columnTitle: "noise level t",
    cells,
    width,
  });
}
