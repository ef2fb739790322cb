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
