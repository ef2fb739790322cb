import { check, required } from "../src/errors.js";

/**
 * A chart: a Vega-Lite specification as a plain object, JSON both ways. Kept to what Vega-Lite 5 understands, the version that JupyterLab
 * shows (`application/vnd.vegalite.v5+json`); versions 5 and 6 draw it alike.
 */
export interface VegaLiteSpec {
  $schema: string;
  [property: string]: unknown;
}

/** A part of a specification: a view, a layer, an encoding. */
export type View = Record<string, unknown>;

/** Points or images with a shape, row-major: [count, dim] or [count, height, width, channels]. Images are in [-1, 1]. */
export interface Points {
  readonly shape: readonly number[];
  readonly values: ArrayLike<number>;
}

export const schema = "https://vega.github.io/schema/vega-lite/v5.json";

/** What a chart is made of: one of these is in every specification. */
const parts = ["mark", "layer", "hconcat", "vconcat", "concat", "facet", "repeat", "spec"];

/** That a value is a chart. @throws TangentLabError `invalid-argument`. */
export function checkSpec(spec: VegaLiteSpec): void {
  required("spec", spec, "a Vega-Lite specification");
  const drawn = parts.some((part) => part in spec);
  check(drawn, "spec", spec, `a Vega-Lite specification, which has one of ${parts.join(", ")}`);
}
