import { required } from "../../src/errors.js";
import type { VegaLiteSpec } from "../spec.js";

/** A chart in one or two lines of text: its title, its axes and how much it shows. */
export function summary(spec: VegaLiteSpec): string {
  required("spec", spec, "a Vega-Lite specification");
  const title = textOf(spec.title);
  const axes = new Set<string>();
  let rows = 0;
  const visit = (node: unknown): void => {
    if (Array.isArray(node)) node.forEach(visit);
    else if (isRecord(node)) {
      if (isRecord(node.data) && Array.isArray(node.data.values)) rows += node.data.values.length;
      if (isRecord(node.encoding)) for (const channel of ["y", "x"]) addAxis(axes, node.encoding[channel]);
      for (const part of ["layer", "hconcat", "vconcat", "concat", "spec"]) visit(node[part]);
    }
  };
  visit(spec);
  const detail = [[...axes].join(" against "), `${rows} data ${rows === 1 ? "row" : "rows"}`];
  return `Chart${title ? `: ${title}` : ""}\n  ${detail.filter(Boolean).join("; ")}`;
}

function addAxis(axes: Set<string>, channel: unknown): void {
  if (!isRecord(channel)) return;
  const title =
    textOf(channel.title) ||
    (isRecord(channel.axis) ? textOf(channel.axis.title) : "") ||
    textOf(channel.field);
  if (title && axes.size < 2) axes.add(title);
}

function textOf(title: unknown): string {
  if (typeof title === "string") return title;
  if (Array.isArray(title)) return title.join(" ");
  return isRecord(title) ? textOf(title.text) : "";
}

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value);
