import { check, required } from "../../src/errors.js";
import { frame, notebookWidth } from "../frame.js";
import { spread } from "../projections/projection.js";
import type { VegaLiteSpec } from "../spec.js";
import { formatCount, formatNumber, formatPercent } from "../text.js";
import { checkLength, checkList, checkSize } from "../validate.js";
import { amountColors, heatMaps } from "./heat.js";

/** What `tokenAttention` draws. */
export interface TokenAttentionInput {
  /** Noise levels or times t of the columns. */
  times: ArrayLike<number>;
  /** Per layer, from the first: the share of the image's attention that goes to its soft tokens at each time, in [0, 1]. */
  layers: readonly ArrayLike<number>[];
  /** Soft tokens per layer and all tokens that can be attended to: their ratio is what even attention would give. */
  tokens?: { soft: number; all: number };
  title?: string;
  /** Of the whole chart, in pixels. Default 600. */
  width?: number;
}

const maxTimes = 40;
const maxLayers = 60;

/**
 * How much attention goes to soft tokens, layer by layer and over the noise level; of very many, 60 layers and 40 times, evenly spread.
 * @throws TangentLabError `invalid-argument` for shares outside [0, 1] or lengths that differ.
 */
export function tokenAttention(input: TokenAttentionInput): VegaLiteSpec {
  required("input", input, "the data of the chart");
  const { times, layers, tokens, width = notebookWidth } = input;
  checkSize("width", width);
  checkList("layers", layers);
  required("times", times, "a list of times");
  check(times.length > 0, "times", "no times", "at least one");
  const rising = Array.from(times, (_, i) => i).sort((a, b) => times[a]! - times[b]!);
  const order = spread(rising, maxTimes);
  const columns = order.map((i) => formatNumber(times[i]!));
  check(new Set(columns).size === columns.length, "times", columns, "times that differ");
  for (const [i, values] of layers.entries()) {
    checkLength(`layers[${i}]`, values, times.length);
    for (let k = 0; k < values.length; k++)
      check(values[k]! >= 0 && values[k]! <= 1.001, `layers[${i}][${k}]`, values[k], "shares from 0 to 1");
  }
  const shown = spread([...layers.keys()], maxLayers);
  const rows = shown.map((layer) => String(layer + 1));
  const cells = shown.flatMap((layer, row) =>
    order.map((from, column) => ({
      x: columns[column]!,
      y: rows[row]!,
      value: Number(layers[layer]![from]!.toPrecision(4)),
    })),
  );
  const largest = cells.reduce((a, b) => (b.value > a.value ? b : a));
  const even = tokens === undefined ? undefined : tokens.soft / tokens.all;
  return frame({
    title:
      input.title ??
      `Soft tokens get up to ${formatPercent(largest.value)} of the attention: layer ${largest.y}, t = ${largest.x}`,
    caption: [
      ...(even === undefined ? [] : [`Even attention would give them ${formatPercent(even)}.`]),
      ...(order.length < times.length
        ? [`${order.length} of ${formatCount(times.length)} times shown.`]
        : []),
      ...(shown.length < layers.length
        ? [`${shown.length} of ${formatCount(layers.length)} layers shown.`]
        : []),
    ],
    width,
    view: heatMaps({
      panels: [{ name: "", cells }],
      x: { title: "time t", domain: columns },
      y: { title: "layer", domain: rows },
      value: {
        title: "share of attention",
        format: ".0%",
        scale: { domain: [0, Math.max(largest.value, 1e-3)], ...amountColors },
      },
      width,
      height: Math.min(300, Math.max(60, rows.length * 28)),
    }),
  });
}
