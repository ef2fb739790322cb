import { required } from "../../src/errors.js";
import { notebookWidth } from "../frame.js";
import { checkImages } from "../picture.js";
import { item, spread } from "../projections/projection.js";
import type { Points, VegaLiteSpec } from "../spec.js";
import { formatCount, formatNumber } from "../text.js";
import { checkLabels, checkLength, checkList, checkPoints, checkSize } from "../validate.js";
import { pictureTable } from "./picture-table.js";

/** What `tangentPictures` draws. */
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
  required("input", input, "the data of the chart");
  const { times, width = notebookWidth } = input;
  checkSize("width", width);
  required("times", times, "a list of times");
  checkList("rows", input.rows);
  checkPoints("times", { shape: [times.length], values: times }, ["count"]);
  checkLabels("rows", input.rows);
  const order = Array.from(times, (_, i) => i).sort((a, b) => times[a]! - times[b]!);
  const shown = spread(order, maxTimes);
  const column = (place: number): string => `${place}`;
  const cells = input.rows.flatMap(({ label, images, signed = false }, i) => {
    checkImages(`rows[${i}].images`, images);
    checkLength(`rows[${i}].images`, { length: images.shape[0]! }, times.length);
    return shown.map((index, place) => ({
      row: label,
      column: column(place),
      images: item(images, index),
      signed,
    }));
  });
  const signed = input.rows.some((row) => row.signed);
  const notes = signed
    ? ["Red: the tangent makes the pixel brighter; blue: darker; each map scaled by its largest value."]
    : [];
  if (shown.length < times.length)
    notes.push(`${shown.length} of ${formatCount(times.length)} noise levels shown.`);
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

/** What `fourRows` draws: one image's x_t, output and two tangents at several noise levels. */
export interface FourRowsInput {
  /** Noise level t of each column, for instance 0.01 to 80. */
  times: ArrayLike<number>;
  /** x_t of one image at those times, as the network sees it, not scaled: [times, height, width, channels]. Shown as x_t / sqrt(1 + t^2). */
  noisy: Points;
  /** f(x_t, t), of the same shape. */
  outputs: Points;
  /** The pixel loss's tangents, of the same shape. */
  pixel: Points;
  /** The MFD tangents: those of the manifold feature distance, of the same shape. */
  mfd: Points;
  title?: string;
  /** Of the whole chart, in pixels. Default 600. */
  width?: number;
}

/**
 * The picture of Align Your Tangent for one image: x_t, f(x_t, t), the pixel tangent and the MFD tangent as red and blue maps, from little noise to
 * much. A pixel tangent that looks like parts of objects moves content along the manifold; one that looks like local texture points to it.
 * @throws TangentLabError `invalid-argument` where shapes differ or values are not finite.
 */
export function fourRows(input: FourRowsInput): VegaLiteSpec {
  const { times, noisy, outputs, pixel, mfd, ...rest } = required("input", input, "the data of the chart");
  for (const [name, images] of Object.entries({ noisy, outputs, pixel, mfd })) checkImages(name, images);
  checkLength("times", times, noisy.shape[0]!);
  return tangentPictures({
    title: `Pixel tangent and MFD tangent of one image, t = ${timeRange(times)}`,
    ...rest,
    times,
    rows: [
      { label: "xₜ", images: normalized(noisy, times) },
      { label: "f(xₜ, t)", images: outputs },
      { label: "pixel tangent", images: pixel, signed: true },
      { label: "MFD tangent", images: mfd, signed: true },
    ],
  });
}

const timeRange = (times: ArrayLike<number>): string => {
  const sorted = Array.from(times).sort((a, b) => a - b);
  return `${formatNumber(sorted[0] ?? 0)} to ${formatNumber(sorted.at(-1) ?? 0)}`;
};

/** x_t / sqrt(1 + t^2): at any noise level within the range that can be shown, for data of a size near 1. */
export function normalized(noisy: Points, times: ArrayLike<number>): Points {
  const size = noisy.values.length / times.length;
  return {
    shape: noisy.shape,
    values: Array.from(noisy.values, (value, i) => value / Math.hypot(1, times[Math.floor(i / size)]!)),
  };
}
