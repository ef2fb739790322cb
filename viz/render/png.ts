import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { check } from "../../src/errors.js";
import { resvg } from "../../src/io/resvg.js";
import type { VegaLiteSpec } from "../spec.js";
import type { Theme } from "../theme.js";
import { toSVG } from "./svg.js";

const require = createRequire(import.meta.url);

/**
 * Draws a chart as a PNG file's bytes, with the fonts of this package.
 * @param options.scale Pixels per CSS pixel, from 0.1 to 8. Default 2, sharp on dense screens.
 */
export async function toPNG(
  spec: VegaLiteSpec,
  options: { theme?: Theme; scale?: number } = {},
): Promise<Uint8Array> {
  check.only("toPNG", options, ["theme", "scale"]);
  const { scale = 2, theme = "light" } = options;
  check.number("scale", scale, (zoom) => zoom >= 0.1 && zoom <= 8, "a number from 0.1 to 8");
  // The rasterizer knows SVG 1.1's word for sharp pixels alone.
  const svg = (await toSVG(spec, { theme })).replaceAll(
    "image-rendering: pixelated;",
    "image-rendering: optimizeSpeed;",
  );
  const { Resvg, fonts } = await rasterizer();
  const image = new Resvg(svg, {
    fitTo: { mode: "zoom", value: scale },
    font: { fontBuffers: fonts, defaultFontFamily: "Arimo", sansSerifFamily: "Arimo" },
  });
  try {
    return image.render().asPng();
  } finally {
    image.free();
  }
}

let loading: Promise<{ Resvg: typeof import("@resvg/resvg-wasm").Resvg; fonts: Uint8Array[] }> | undefined;

/** Loads the rasterizer and the fonts once. */
function rasterizer(): NonNullable<typeof loading> {
  loading ??= (async () => {
    const fonts = await Promise.all(fontFiles.map((name) => readFile(require.resolve(name))));
    return { Resvg: (await resvg()).Resvg, fonts };
  })();
  return loading;
}

const fontFiles = [
  "@expo-google-fonts/arimo/400Regular/Arimo_400Regular.ttf",
  "@expo-google-fonts/arimo/700Bold/Arimo_700Bold.ttf",
];
