import { check } from "../../src/errors.js";
import type { VegaLiteSpec } from "../spec.js";
import { textWidth } from "../text.js";
import { type Theme, themed } from "../theme.js";

/**
 * Draws a chart as SVG text, with the same outcome on every machine. The fonts are named, not embedded: Arimo or Arial, which have the same metrics.
 * @param options.theme Background to draw for. Default `light`.
 */
export async function toSVG(spec: VegaLiteSpec, options: { theme?: Theme } = {}): Promise<string> {
  check.only("toSVG", options, ["theme"]);
  const { theme = "light" } = options;
  // JSON to TypeScript; Vega-Lite knows what is a chart.
  const chart: unknown = withoutSchema(themed(spec, theme));
  // Only here and only when needed: vega awaits at its top level, so that notebook kernels which `require` this package could not load it.
  const [vega, vegaLite] = await Promise.all([import("vega"), import("vega-lite")]);
  // Without a canvas vega guesses 0.8 em for every letter, which tears legends apart.
  const metrics = Reflect.get(vega, "textMetrics") as TextMetrics;
  metrics.width = (item, text) =>
    textWidth(
      String(text ?? ""),
      item.fontSize ?? 11,
      item.fontWeight === "bold" || Number(item.fontWeight) >= 600,
    );
  const { spec: compiled } = vegaLite.compile(chart as Parameters<typeof vegaLite.compile>[0], {
    logger: vega.logger(vega.Error),
  });
  const view = new vega.View(vega.parse(compiled), { renderer: "none", logLevel: vega.Error });
  try {
    await view.runAsync();
    // The ids within an SVG count on from chart to chart otherwise.
    vega.resetSVGDefIds();
    return await view.toSVG();
  } finally {
    view.finalize();
  }
}

/** The same chart without the version it was written for: versions 5 and 6 draw it alike, but 6 warns of a 5. */
export function withoutSchema(spec: VegaLiteSpec): Record<string, unknown> {
  const { $schema: _, ...rest } = spec;
  return rest;
}

interface TextMetrics {
  width(item: { fontSize?: number; fontWeight?: string | number }, text: unknown): number;
}
