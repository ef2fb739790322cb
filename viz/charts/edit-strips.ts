import { check } from "../../src/errors.js";
import { notebookWidth } from "../frame.js";
import { checkImages, pictureURI } from "../picture.js";
import { item, spread } from "../projections/projection.js";
import type { Points, VegaLiteSpec } from "../spec.js";
import { checkNames, checkSize } from "../validate.js";
import { pictureTable } from "./picture-table.js";

export interface EditStripsInput {
  /** A row each: the frames of one edit, from the source image to the edited one, [frames, height, width, channels] in [-1, 1]. */
  strips: readonly { label: string; frames: Points }[];
  title?: string;
  /** Of the whole chart, in pixels. Default 600. */
  width?: number;
}

const maxFrames = 9;

/**
 * Edits as strips of images, from the source on the left to the edited image on the right, a row per method or caption.
 * @throws TangentLabError `invalid-argument` for other shapes, other numbers of frames per row, and values that are not finite.
 */
export function editStrips(input: EditStripsInput): VegaLiteSpec {
  const { strips, width = notebookWidth } = input;
  checkSize("width", width);
  checkNames(
    "strips",
    strips.map(({ label }) => ({ name: label })),
  );
  const count = strips[0]!.frames.shape[0]!;
  for (const [i, { frames }] of strips.entries()) {
    checkImages(`strips[${i}].frames`, frames);
    check(frames.shape[0] === count, `strips[${i}].frames.shape[0]`, frames.shape[0], `${count} frames`);
  }
  const shown = spread([...Array(count).keys()], maxFrames);
  const labels = shown.map((_, i) => (i === 0 ? "source" : i === shown.length - 1 ? "edited" : ""));
  return pictureTable({
    title: input.title ?? "Edits from the source image to the edited one",
    caption: shown.length < count ? [`${shown.length} of ${count} frames shown.`] : [],
    rows: strips.map(({ label }) => label),
    columns: shown.map((_, i) => String(i)),
    columnLabels: labels,
    columnTitle: null,
    cells: strips.flatMap(({ label, frames }) =>
      shown.map((frame, i) => ({
        row: label,
        column: String(i),
        url: pictureURI(item(frames, frame), { scale: frames.shape[2]! > 40 ? 1 : 3 }),
      })),
    ),
    width,
  });
}
