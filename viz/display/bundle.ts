import type { VegaLiteSpec } from "../spec.js";
import { summary } from "./summary.js";

/** One output in several formats, of which the front end shows the richest that it knows, as Jupyter's messages have it. */
export interface MimeBundle {
  /** MIME type -> text, base64 or JSON. */
  data: Record<string, unknown>;
  metadata?: Record<string, unknown>;
}

export const vegaLiteMime = "application/vnd.vegalite.v5+json";

/** Pixels per CSS pixel of the static pictures. */
const scale = 2;

/**
 * A chart as one output: interactive where Vega-Lite is known, else a picture, else text. No HTML among them: front ends would prefer it.
 * @param png The chart as a PNG file with two pixels per CSS pixel.
 */
export function chartBundle(spec: VegaLiteSpec, png?: Uint8Array): MimeBundle {
  const text = summary(spec);
  if (!png) return { data: { [vegaLiteMime]: spec, "text/plain": text } };
  const bytes = Buffer.from(png);
  return {
    data: { [vegaLiteMime]: spec, "image/png": bytes.toString("base64"), "text/plain": text },
    // A PNG's header has its width and height at bytes 16 and 20.
    metadata: {
      "image/png": { width: bytes.readUInt32BE(16) / scale, height: bytes.readUInt32BE(20) / scale },
    },
  };
}

/** Sends the content of one of Jupyter's messages: `display_data`, or `update_display_data` where `update` is true. */
export type Send = (content: object, update: boolean) => void;
