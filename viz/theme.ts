import type { VegaLiteSpec, View } from "./spec.js";

export type Theme = "light" | "dark";

/** Okabe and Ito's palette, told apart with any colour vision; without its yellow and black, which vanish on one background each. */
export const palette = ["#D55E00", "#0072B2", "#009E73", "#CC79A7", "#56B4E9", "#8C6D1F"] as const;

const own: Record<string, string> = {
  pixel: palette[0],
  mfd: palette[1],
  "pixel + mfd": palette[2],
  denoiser: palette[2],
  features: palette[3],
};

/** Colour of a run, the same in every chart: pixel is orange, MFD blue, both together green; other names take the palette's turn `index`. */
export const runColor = (name: string, index = 0): string =>
  own[name.toLowerCase()] ?? palette[(index + 2) % palette.length]!;

/** A colour scale for these runs: fixes which colour each name has, whatever the order of the data. */
export const runScale = (names: readonly string[]): View => ({
  domain: names,
  range: names.map((name, i) => runColor(name, i)),
});

export const fontFamily = "Arimo, Arial, Helvetica, sans-serif";

/** Ink of the parts of a chart that are not data. */
export const inks: Record<
  Theme,
  { background: string; text: string; muted: string; line: string; data: string }
> = {
  light: { background: "#ffffff", text: "#1f2328", muted: "#57606a", line: "#e3e6ea", data: "#8b949e" },
  dark: { background: "#16181c", text: "#e6e8eb", muted: "#a8b0ba", line: "#33383f", data: "#7d8590" },
};

/** Sizes of text in pixels: nothing is smaller than `small`, so that all can be read at a notebook's width of 600 pixels. */
export const fontSizes = { title: 15, label: 12, small: 11 } as const;

/** The Vega-Lite configuration of a theme. Marks that are not a run's take their colour from its styles. */
export function config(theme: Theme): View {
  const ink = inks[theme];
  return {
    background: ink.background,
    font: fontFamily,
    padding: 8,
    view: { stroke: null },
    title: {
      anchor: "start",
      frame: "group",
      color: ink.text,
      fontSize: fontSizes.title,
      fontWeight: "bold",
      subtitleColor: ink.muted,
      subtitleFontSize: fontSizes.label,
      offset: 10,
    },
    axis: {
      labelColor: ink.muted,
      titleColor: ink.text,
      labelFontSize: fontSizes.small,
      titleFontSize: fontSizes.label,
      titleFontWeight: "normal",
      titlePadding: 8,
      gridColor: ink.line,
      domainColor: ink.muted,
      tickColor: ink.muted,
      labelOverlap: true,
    },
    legend: {
      labelColor: ink.text,
      titleColor: ink.text,
      labelFontSize: fontSizes.label,
      titleFontSize: fontSizes.label,
      titleFontWeight: "normal",
      symbolStrokeWidth: 3,
      labelLimit: 220,
      titleLimit: 500,
      symbolOpacity: 1,
      offset: 8,
    },
    range: { ramp: { scheme: "viridis", extent: theme === "light" ? [0, 0.85] : [0.3, 1] } },
    text: { color: ink.text, fontSize: fontSizes.small },
    style: {
      caption: { color: ink.muted, fontSize: fontSizes.small },
      data: { color: ink.data },
      reference: { color: ink.muted },
      strong: { color: ink.text },
    },
  };
}

/** The same chart on a light or a dark background. */
export const themed = (spec: VegaLiteSpec, theme: Theme): VegaLiteSpec => ({
  ...spec,
  config: config(theme),
});
