import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { toPNG, type VegaLiteSpec } from "../../../viz/index.js";

/** Where the pictures lie that a chart must look like. */
export const baselineFolder = join(dirname(fileURLToPath(import.meta.url)), "../../fixtures/gallery");

/** Small: shapes, places and colours show, single letters do not matter. */
export const baselinePNG = (spec: VegaLiteSpec): Promise<Uint8Array> => toPNG(spec, { scale: 0.5 });
