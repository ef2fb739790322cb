import { check, required } from "../../src/errors.js";
import { checkSpec, type VegaLiteSpec } from "../spec.js";
import { Page } from "./page.js";

/**
 * One chart as a self-contained, interactive HTML page that opens offline.
 * @param options.title Of the browser's window. Default "tangent-lab".
 */
export async function toHTML(spec: VegaLiteSpec, options: { title?: string } = {}): Promise<string> {
  checkSpec(spec);
  const { title = "tangent-lab" } = required("options", options);
  check.only("toHTML", options, ["title"]);
  check(typeof title === "string", "title", title, "text");
  const page = new Page();
  const body = page.chart(spec);
  return page.html({ title, body });
}
