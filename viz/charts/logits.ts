import { check, required } from "../../src/errors.js";
import { frame, notebookWidth } from "../frame.js";
import type { VegaLiteSpec } from "../spec.js";
import { formatPercent } from "../text.js";
import { checkNames, checkPoints, checkSize } from "../validate.js";
import { amountColors, heatMaps } from "./heat.js";

/** What `logitsMatrices` draws. */
export interface LogitsInput {
  /** For instance before and after training soft tokens. Logits of pairs [images, captions], row by row; image i belongs to caption i. */
  panels: readonly { name: string; logits: ArrayLike<number> }[];
  /** Number of pairs; at most 64 are drawn. */
  count: number;
  /** Of rows and columns. Default: their numbers. */
  captions?: readonly string[];
  title?: string;
  /** Of the whole chart, in pixels. Default 600. */
  width?: number;
}

const maxPairs = 64;

/**
 * The contrastive logits of image and caption pairs, as the probability that softmax over a row gives each caption: a bright diagonal tells captions apart.
 * The title says how often the right caption is the likeliest.
 * @throws TangentLabError `invalid-argument` for matrices that are not [count, count] or not finite.
 */
export function logitsMatrices(input: LogitsInput): VegaLiteSpec {
  required("input", input, "the data of the chart");
  const { panels, count, captions, width = notebookWidth } = input;
  checkSize("width", width);
  checkNames("panels", panels);
  check.count("count", count);
  const named = captions === undefined || captions.length === count;
  check(named, "captions", captions?.length, `${count}, one per pair`);
  const shown = Math.min(count, maxPairs);
  // Ordinal axes tell equal captions apart by their numbers, which stand first: long labels are cut at their ends.
  const labels = Array.from({ length: shown }, (_, i) => `${i + 1}${captions ? ` ${captions[i]!}` : ""}`);
  const maps = panels.map(({ name, logits }, i) => {
    checkPoints(`panels[${i}].logits`, { shape: [count, count], values: logits }, ["images", "captions"]);
    let right = 0;
    const cells: { x: string; y: string; value: number }[] = [];
    for (let row = 0; row < count; row++) {
      const own = Array.from({ length: count }, (_, k) => logits[row * count + k]!);
      const largest = own.reduce((a, b) => Math.max(a, b), Number.NEGATIVE_INFINITY);
      if (own[row] === largest && own.indexOf(largest) === own.lastIndexOf(largest)) right++;
      const weights = own.map((value) => Math.exp(value - largest));
      const total = weights.reduce((a, b) => a + b, 0);
      if (row < shown)
        for (let k = 0; k < shown; k++)
          cells.push({ x: labels[k]!, y: labels[row]!, value: Number((weights[k]! / total).toFixed(4)) });
    }
    return { name, cells, right: right / count };
  });
  const columns = Math.min(panels.length, 2);
  const side = Math.min(360, Math.floor((width - (captions ? 160 : 80) - (columns - 1) * 20) / columns));
  const view = heatMaps({
    panels: maps,
    x: { title: "caption", domain: labels },
    y: { title: "image", domain: labels },
    value: { title: "probability of the caption", format: ".0%", scale: { domain: [0, 1], ...amountColors } },
    width,
    height: side,
    side,
    columns,
  });
  return frame({
    title:
      input.title ??
      `The right caption is the likeliest for ${maps.map(({ name, right }, i) => `${formatPercent(right)}${i === 0 ? " of the images" : ""} ${name}`).join(", ")}`,
    caption: [
      "A row: softmax of an image's logits over all captions; the diagonal is its own.",
      ...(shown < count ? [`${shown} of ${count} pairs drawn; the title counts all.`] : []),
    ],
    width,
    indent: captions ? 140 : 60,
    view: captions ? numbersOnX(view) : view,
  });
}

/** Captions stand beside the rows; below the columns there is room for their numbers only. */
function numbersOnX(view: Record<string, unknown>): Record<string, unknown> {
  const shorten = (panel: Record<string, unknown>): Record<string, unknown> => {
    const encoding = panel.encoding as { x: { axis: object } };
    const x = { ...encoding.x, axis: { ...encoding.x.axis, labelExpr: "split(datum.label, ' ')[0]" } };
    return { ...panel, encoding: { ...encoding, x } };
  };
  const { concat } = view as { concat?: Record<string, unknown>[] };
  return concat ? { ...view, concat: concat.map(shorten) } : shorten(view);
}
