import { check, required } from "../../src/errors.js";
import { notebookWidth } from "../frame.js";
import { checkImages } from "../picture.js";
import type { Points, VegaLiteSpec } from "../spec.js";
import { checkLabels, checkList, checkSize } from "../validate.js";
import { pictureRows } from "./picture-rows.js";

/** What `editStrips` draws. */
export interface EditStripsInput {
  /** A row each: the frames of one edit, from the source image to the edited one, [frames, height, width, channels] in [-1, 1]. */
  strips: readonly { label: string; frames: Points }[];
  title?: string;
  /** Of the whole chart, in pixels. Default 600. */
  width?: number;
}

/**
 * Edits as strips of images, from the source on the left to the edited image on the right, a row per method or caption.
 * @throws TangentLabError `invalid-argument` for other shapes, other numbers of frames per row, and values that are not finite.
 */
export function editStrips(input: EditStripsInput): VegaLiteSpec {
  required("input", input, "the data of the chart");
  const { strips, width = notebookWidth } = input;
  checkSize("width", width);
  checkList("strips", strips);
  checkLabels("strips", strips);
  for (const [i, { frames }] of strips.entries()) checkImages(`strips[${i}].frames`, frames);
  const count = strips[0]!.frames.shape[0]!;
  for (const [i, { frames }] of strips.entries()) {
    check(frames.shape[0] === count, `strips[${i}].frames.shape[0]`, frames.shape[0], `${count} frames`);
  }
  const ends = Array.from({ length: count }, (_, i) =>
    i === 0 ? "source" : i === count - 1 ? "edited" : "",
  );
  return pictureRows({
    title: input.title ?? "Edits from the source image to the edited one",
    rows: strips.map(({ label, frames }) => ({ label, images: frames })),
    columns: ends,
    width,
  });
}
