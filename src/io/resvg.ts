import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { TangentLabError } from "../errors.js";

const require = createRequire(import.meta.url);

let loading: Promise<typeof import("@resvg/resvg-wasm")> | undefined;

/** The SVG rasterizer resvg with its WebAssembly loaded, which a process can do only once. */
export function resvg(): Promise<typeof import("@resvg/resvg-wasm")> {
  loading ??= (async () => {
    const library = await import("@resvg/resvg-wasm");
    await library.initWasm(await readFile(require.resolve("@resvg/resvg-wasm/index_bg.wasm")));
    return library;
  })();
  return loading;
}

/**
 * A square SVG as RGB pixels [size, size, 3] of 0 ... 255, over white.
 * @throws TangentLabError `invalid-data` if it is not what resvg can draw.
 */
export async function rasterizeSquare(svg: string, size: number): Promise<Uint8Array> {
  const { Resvg } = await resvg();
  try {
    const image = new Resvg(svg, {
      fitTo: { mode: "width", value: size },
      background: "#fff",
      font: { loadSystemFonts: false },
    });
    const rendered = image.render();
    const rgba = rendered.pixels;
    const rgb = Uint8Array.from(
      { length: size * size * 3 },
      (_, i) => rgba[4 * Math.floor(i / 3) + (i % 3)]!,
    );
    rendered.free();
    image.free();
    return rgb;
  } catch (cause) {
    // What failed in the middle of drawing cannot be freed any more.
    throw new TangentLabError("invalid-data", "this SVG cannot be drawn", {
      argument: "svg",
      given: svg,
      cause,
    });
  }
}
