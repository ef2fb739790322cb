import { check } from "../src/errors.js";
import { checkSpec, type VegaLiteSpec, type View } from "./spec.js";

/** The background that a chart is drawn for. */
export type Theme = "light" | "dark";

/** Okabe and Ito's palette, told apart with any colour vision; without its yellow and black, which vanish on one background each, with a brown and a grey. */
export const palette = ["#D55E00", "#0072B2", "#009E73", "#CC79A7", "#56B4E9", "#8C6D1F", "#858585"] as const;

const own = new Map<string, (typeof palette)[number]>(
  Object.entries({
    pixel: palette[0],
    mfd: palette[1],
    "pixel + mfd": palette[2],
    denoiser: palette[2],
    features: palette[3],
    "mfd untrained": palette[4],
    perceptual: palette[5],
  }),
);

/**
 * Colours of the runs of a chart, one each: pixel is orange, MFD blue, both together green, in every chart, and so have the other arms
 * of our studies one colour in all charts of a report; other names take the next of the palette
 * that none has. Beyond seven runs colours come again.
 */
export function runColors(names: readonly string[]): string[] {
  check(Array.isArray(names), "names", names, "a list of names");
  const other = names.findIndex((name) => typeof name !== "string");
  check(other < 0, `names[${other}]`, names[other], "a name");
  const known = names.map((name) => own.get(name.toLowerCase()));
  const taken = new Set<string | undefined>(known);
  return known.map((color, i) => {
    if (color !== undefined) return color;
    const turns = palette.map((_, k) => palette[(i + 2 + k) % palette.length]!);
    const free = turns.find((turn) => !taken.has(turn)) ?? turns[0]!;
    taken.add(free);
    return free;
  });
}

/** A colour scale for these runs: fixes which colour each name has, whatever the order of the data. */
export const runScale = (names: readonly string[]): View => ({
  domain: names,
  range: runColors(names),
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
    header: { labelColor: ink.text, titleColor: ink.text },
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
export function themed(spec: VegaLiteSpec, theme: Theme): VegaLiteSpec {
  checkSpec(spec);
  check.oneOf("theme", theme, ["light", "dark"]);
  return { ...spec, config: config(theme) };
}
