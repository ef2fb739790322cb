/** Advance widths of printable ASCII in thousandths of the font size, for fonts of Arial's metrics (Arimo, Helvetica). */
const widths = [
  278, 278, 355, 556, 556, 889, 667, 191, 333, 333, 389, 584, 278, 333, 278, 278, 556, 556, 556, 556, 556,
  556, 556, 556, 556, 556, 278, 278, 584, 584, 584, 556, 1015, 667, 667, 722, 722, 667, 611, 778, 722, 278,
  500, 667, 556, 833, 722, 778, 667, 778, 722, 667, 611, 722, 667, 944, 667, 667, 611, 278, 278, 278, 469,
  556, 333, 556, 556, 500, 556, 556, 278, 556, 556, 222, 222, 500, 222, 833, 556, 556, 556, 556, 333, 500,
  278, 556, 500, 722, 500, 500, 500, 334, 260, 334, 584,
];
const otherWidth = 620;
const boldness = 1.08;

/** Width of one line of text in pixels. Good to a few percent: enough to wrap titles and to place legends without a canvas. */
export function textWidth(text: string, fontSize: number, bold = false): number {
  let sum = 0;
  for (const character of text) sum += widths[character.codePointAt(0)! - 32] ?? otherWidth;
  return (sum / 1000) * fontSize * (bold ? boldness : 1);
}

/** Breaks text between words into lines that fit `width` pixels; a word longer than a line stays whole. */
export function wrap(text: string, width: number, fontSize: number, bold = false): string[] {
  const lines: string[] = [];
  for (const word of text.split(/\s+/).filter(Boolean)) {
    const longer = lines.length === 0 ? word : `${lines[lines.length - 1]} ${word}`;
    if (lines.length > 0 && textWidth(longer, fontSize, bold) <= width) lines[lines.length - 1] = longer;
    else lines.push(word);
  }
  return lines;
}

/** Breaks text like `wrap` into as few lines, and makes these as alike in length as they can be: no single word is left over. */
export function balance(text: string, width: number, fontSize: number, bold = false): string[] {
  const lines = wrap(text, width, fontSize, bold);
  for (let narrower = width - 10; narrower > width / 3; narrower -= 10) {
    const tried = wrap(text, narrower, fontSize, bold);
    if (tried.length > lines.length) return wrap(text, narrower + 10, fontSize, bold);
  }
  return lines;
}

/** A number for people, three significant digits: 0.123, 12.3, 1,230, 1.2e-7. */
export function formatNumber(value: number): string {
  const size = Math.abs(value);
  if (size === 0) return "0";
  if (size < 1e-3 || size >= 1e7) return value.toExponential(1);
  return value.toLocaleString("en-US", { maximumSignificantDigits: size >= 1000 ? 5 : 3 });
}

/** A mean with its interval where this is known: "0.57 (0.5 to 0.64)". */
export const intervalText = (
  { mean, low, high }: { mean: number; low?: number | null; high?: number | null },
  write: (value: number) => string = formatNumber,
): string => `${write(mean)}${low == null || high == null ? "" : ` (${write(low)} to ${write(high)})`}`;

/** A whole number for people: 1,230. */
export const formatCount = (count: number): string => count.toLocaleString("en-US");

/** A share in [0, 1] as percent: 64%, 0.4%. */
export const formatPercent = (share: number): string =>
  share !== 0 && Math.abs(share) < 0.0095 ? `${(100 * share).toFixed(1)}%` : `${Math.round(100 * share)}%`;

/** "a", "a and b", "a, b and c". */
export const list = (items: readonly string[]): string =>
  items.length < 2 ? items.join("") : `${items.slice(0, -1).join(", ")} and ${items[items.length - 1]}`;

export const capitalize = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1);

const metricTitles: Record<string, string> = {
  slicedWasserstein: "sliced Wasserstein distance",
  mmd: "maximum mean discrepancy (MMD)",
  frechet: "Fréchet distance",
  manifoldDistance: "distance to the manifold",
  parallel: "parallel share of the tangents",
  direction: "cosine of tangents between recordings",
  frechet1: "Fréchet distance, one step",
  frechet2: "Fréchet distance, two steps",
  paired: "distance to the teacher's end point",
  laplacian: "sliced Wasserstein distance of Laplacian patches, times 1000",
  gradientNoise: "gradient noise scale, examples",
  gradientTrace: "trace of the gradients' covariance",
  gradientSquaredNorm: "squared norm of the mean gradient",
  "denoising 0.2": "Fréchet distance after denoising from 0.2",
  "denoising 0.4": "Fréchet distance after denoising from 0.4",
  "denoising 0.8": "Fréchet distance after denoising from 0.8",
};

/**
 * A name as it is drawn: Vega keeps groups in plain objects, where "constructor" and "toString" are there already, so that such names get a character that is not
 * seen behind them.
 */
export const drawable = (name: string): string => (name in Object.prototype ? `${name}\u2060` : name);

/** Metrics of which there are many: their first words. */
const families: readonly [begin: string, title: string][] = [
  ["parallel at ", "parallel share of the tangents at noise level "],
  ["R2 ", "R² of "],
];

/** A metric's name for people: "energyDistance" -> "energy distance". */
export function metricTitle(name: string): string {
  if (Object.hasOwn(metricTitles, name)) return metricTitles[name]!;
  const family = families.find(([begin]) => name.startsWith(begin));
  if (family) return `${family[1]}${name.slice(family[0].length)}`;
  const reading = /^(\w+) after (\d+) (steps|examples)$/.exec(name);
  if (reading) return `${metricTitle(reading[1]!)} after ${formatCount(Number(reading[2]))} ${reading[3]}`;
  return drawable(name).replace(/([a-z])([A-Z])/g, (_, a: string, b: string) => `${a} ${b.toLowerCase()}`);
}

/** Text that is safe between HTML tags and inside quoted attributes. */
export const escapeHTML = (text: string): string =>
  text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);

/** A value as text in one of Vega's expressions; its parser takes Unicode's line separators for the ends of lines. */
export const expressionText = (value: unknown): string =>
  JSON.stringify(value).replace(/[\u2028\u2029]/g, (end) => `\\u${end.charCodeAt(0).toString(16)}`);
