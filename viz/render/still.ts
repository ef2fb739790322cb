import { textWidth } from "../text.js";

/**
 * A chart's SVG as small as it can be for an `img`, of which nothing but its alternative text reaches a reader: without the marks' descriptions, with
 * coordinates to a thousandth of a pixel, and with each kind of point drawn once and then referred to. Scatter charts become a fifth as large. Its longer texts have their widths written down.
 */
export function still(svg: string): string {
  const plain = withWidths(svg).replace(/<[a-z][^<>]*>/gi, (tag) =>
    tag
      .replace(/ (aria-[a-z]+|role|class)="[^"]*"/g, "")
      .replace(/-?\d+\.\d{4,}/g, (number) => String(Number(Number(number).toFixed(3)))),
  );
  const point = /<path transform="translate\((-?[\d.]+),(-?[\d.]+)\)"( d="[^"]*"[^<>]*)\/>/g;
  const kinds = new Map<string, number>();
  for (const [, , , look] of plain.matchAll(point)) kinds.set(look!, (kinds.get(look!) ?? 0) + 1);
  const shared = [...kinds].flatMap(([look, count]) => (count > 2 ? [look] : []));
  if (shared.length === 0) return plain;
  const ids = new Map(shared.map((look, i) => [look, `point-${i}`]));
  const definitions = shared.map((look, i) => `<path id="point-${i}"${look}/>`).join("");
  return plain
    .replace(point, (path, x: string, y: string, look: string) =>
      ids.has(look) ? `<use href="#${ids.get(look)}" x="${x}" y="${y}"/>` : path,
    )
    .replace(/<svg[^<>]*>/, (open) => `${open}<defs>${definitions}</defs>`);
}

/** Characters from which a text could leave the picture in another font. */
const long = 12;

/** Texts as wide as the chart's layout took them to be: where Arimo and Arial are missing another font would be cut off at the edge, which an `img` does. */
function withWidths(svg: string): string {
  return svg.replace(/<text ([^<>]*)>.*?<\/text>/gs, (element, look: string) => {
    const size = Number(/font-size="([\d.]+)px"/.exec(look)?.[1]);
    const bold = look.includes('font-weight="bold"');
    return element.replace(
      /<(text|tspan)([^<>]*)>([^<]+)/g,
      (whole, tag: string, rest: string, text: string) => {
        const plain = text.replace(/&[a-z]+;/g, "&");
        if (plain.length < long || Number.isNaN(size)) return whole;
        const width = Math.round(textWidth(plain, size, bold));
        return `<${tag}${rest} textLength="${width}" lengthAdjust="spacingAndGlyphs">${text}`;
      },
    );
  });
}
