import { toSVG } from "../../viz/render/svg.js";
import type { VegaLiteSpec } from "../../viz/spec.js";

/** How many marks of data an SVG has, by Vega's descriptions of them: { "line mark": 2, point: 10 }. */
export function countMarks(svg: string): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const [, role] of svg.matchAll(
    /aria-roledescription="((?:line|area|rule|image|symbol) mark|point|tick)"/g,
  )) {
    counts[role!] = (counts[role!] ?? 0) + 1;
  }
  return counts;
}

export const marks = async (spec: VegaLiteSpec): Promise<Record<string, number>> =>
  countMarks(await toSVG(spec));

/** How many shapes and pictures an SVG has, also one without descriptions; what is referred to counts each time. */
export const countShapes = (svg: string): number =>
  [...svg.replace(/<defs>.*?<\/defs>/gs, "").matchAll(/<(use|line|image|path [^<>]*d="[^"]{12,}")[ >]/g)]
    .length;

/** All texts of an SVG, unescaped. */
export const texts = (svg: string): string =>
  [...svg.matchAll(/<t(?:ext|span)[^>]*>([^<]*)(?=<)/g)]
    .map(([, text]) => text!.replace(/&lt;/g, "<").replace(/&gt;/g, ">").replace(/&amp;/g, "&"))
    .join("\n");

/** A page without what is inside its scripts. */
export const withoutScripts = (html: string): string =>
  html.replace(/(<script[^>]*>)[\s\S]*?(<\/script>)/g, "$1$2");
