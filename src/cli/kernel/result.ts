import { inspect } from "node:util";
import { chartBundle, type MimeBundle } from "../../../viz/display/bundle.js";
import { picture } from "../../../viz/display/render-now.js";
import type { VegaLiteSpec } from "../../../viz/spec.js";

/** The protocol of Deno's kernel, by which a value gives a bundle of itself. */
const display = Symbol.for("Jupyter.display");

/**
 * What a cell shows of its last expression: a chart as one, what has `Symbol.for("Jupyter.display")` as it wants, everything else as Node prints it. Null
 * where it shows nothing, as a value that has displayed itself while it was printed.
 */
export async function resultOf(value: unknown): Promise<MimeBundle | null> {
  if (isChart(value)) return chartBundle(value, picture(value));
  const own = (value as { [display]?: unknown })[display];
  if (typeof own === "function") {
    const data: unknown = await own.call(value);
    if (typeof data === "object" && data !== null) return { data: data as MimeBundle["data"] };
  }
  const text = inspect(value);
  return text.trim() === "" ? null : { data: { "text/plain": text } };
}

const isChart = (value: unknown): value is VegaLiteSpec => {
  if (typeof value !== "object" || value === null || !("$schema" in value)) return false;
  return typeof value.$schema === "string" && /\/vega-lite\/v\d/.test(value.$schema);
};
