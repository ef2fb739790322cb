import { extname } from "node:path";
import { check } from "../../src/errors.js";
import { checkPath, writeFileAtomically } from "../../src/io/files.js";
import { checkSpec, type VegaLiteSpec } from "../spec.js";
import type { Theme } from "../theme.js";
import { toHTML } from "./html.js";
import { toPNG } from "./png.js";
import { toSVG } from "./svg.js";

/**
 * Writes a chart to a file in the format of its extension: .png, .svg, .html (interactive, offline) or .json (the specification).
 * @param options.theme of PNG and SVG; HTML follows its reader's. Default `light`.
 * @param options.scale of PNG: pixels per CSS pixel. Default 2.
 * @throws TangentLabError `invalid-argument` for other extensions, `file-system` where the file cannot be written.
 */
export async function save(
  spec: VegaLiteSpec,
  path: string,
  options: { theme?: Theme; scale?: number } = {},
): Promise<void> {
  checkPath(path);
  checkSpec(spec);
  check.only("save", options, ["theme", "scale"]);
  const extension = extname(path).toLowerCase();
  const write = writers[extension];
  check(write !== undefined, "path", path, `a file name ending in ${Object.keys(writers).join(", ")}`);
  await writeFileAtomically(path, await write(spec, options));
}

type Writer = (
  spec: VegaLiteSpec,
  options: { theme?: Theme; scale?: number },
) => Promise<string | Uint8Array>;

const writers: Record<string, Writer> = {
  ".png": toPNG,
  ".svg": (spec, { theme }) => toSVG(spec, theme === undefined ? {} : { theme }),
  ".html": (spec) => toHTML(spec),
  ".json": async (spec) => `${JSON.stringify(spec, null, 2)}\n`,
};
