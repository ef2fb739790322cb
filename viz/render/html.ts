import type { VegaLiteSpec } from "../spec.js";
import { Page } from "./page.js";

/**
 * One chart as a self-contained, interactive HTML page that opens offline.
 * @param options.title Of the browser's window. Default "tangent-lab".
 */
export function toHTML(spec: VegaLiteSpec, options: { title?: string } = {}): Promise<string> {
  const page = new Page();
  const body = page.chart(spec);
  return page.html({ title: options.title ?? "tangent-lab", body });
}
