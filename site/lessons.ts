// Lessons as pages: text, code, and the saved outputs with live charts.
import { join } from "node:path";
import { stripVTControlCharacters } from "node:util";
import { type Cell, joined, type Output, readNotebook } from "../notebooks/file.js";
import { vegaLiteMime } from "../viz/display/bundle.js";
import type { Page } from "../viz/render/page.js";
import type { VegaLiteSpec } from "../viz/spec.js";
import { escapeHTML } from "../viz/text.js";
import { addressOf, relative, root } from "./documents.js";
import { contents, finish, newPage } from "./layout.js";
import type { Links } from "./links.js";
import { type Heading, highlight, markdown } from "./markdown.js";
import type { SitePage } from "./pages.js";

/** The most characters of one output's text. */
const longestText = 20_000;

/** The charts that a notebook shows, in their order. */
export const chartsOf = (cells: readonly Cell[]): VegaLiteSpec[] =>
  cells.flatMap(({ outputs = [] }) =>
    outputs.flatMap(({ data }) => (data?.[vegaLiteMime] ? [data[vegaLiteMime] as VegaLiteSpec] : [])),
  );

/**
 * The page of one lesson.
 * @param order All lessons: the page leads to the one before and the one after.
 */
export async function lessonPage(path: string, order: readonly string[], links: Links): Promise<SitePage> {
  const address = addressOf(path);
  const page = newPage(address);
  const headings: Heading[] = [];
  const parts = (await readNotebook(join(root, path))).map((cell) => {
    const source = joined(cell.source);
    if (cell.cell_type === "markdown") {
      const rendered = markdown(source, links.from(path), { html: false });
      headings.push(...rendered.headings);
      return rendered.html;
    }
    const outputs = (cell.outputs ?? []).map((output) => shown(page, output));
    return `<pre><code>${highlight(source, "typescript")}</code></pre>\n${outputs.join("\n")}`;
  });
  const title = headings[0]?.text ?? path;
  const sections = headings.filter(({ level }) => level === 2);
  const body = parts.join("\n").replace("</h1>", () => `</h1>\n${contents(sections)}`);
  return { address, title, html: await finish(page, { address, title, body: body + ways(path, order) }) };
}

/** An output in the richest format that a page has a use for; progress bars are at their end, and their text says as much. */
function shown(page: Page, { text, data = {}, ename, evalue = "" }: Output): string {
  const chart = data[vegaLiteMime];
  if (chart)
    return hasItsData(chart)
      ? page.chart(chart as VegaLiteSpec)
      : '<p class="missing">This chart is not drawn: it takes its data from elsewhere.</p>';
  const picture = data["image/png"];
  if (picture) return `<img alt="" src="data:image/png;base64,${escapeHTML(joined(picture).trim())}">`;
  const given = ename === undefined ? (text ?? data["text/plain"] ?? "") : `${ename}: ${evalue}`;
  const plain = stripVTControlCharacters(joined(given)).trimEnd();
  if (plain.trim() === "") return "";
  const rest = plain.length - longestText;
  const cut = rest > 0 ? `${plain.slice(0, longestText)}\n... and ${rest} characters more` : plain;
  return `<pre class="output">${escapeHTML(cut)}</pre>`;
}

/** Whether a chart's data are all in it: others would be read from this machine's disk and be published, or be made without a limit. */
function hasItsData(part: unknown): boolean {
  if (typeof part !== "object" || part === null) return true;
  return Object.entries(part).every(([key, value]) => {
    // A configuration has no data, only a style of that name.
    if (["values", "datasets", "config"].includes(key)) return true;
    if (key !== "data") return hasItsData(value);
    const source = typeof value === "object" && value !== null ? Object.keys(value) : [];
    return source.every((name) => ["values", "name", "format"].includes(name));
  });
}

function ways(path: string, order: readonly string[]): string {
  const index = order.indexOf(path);
  const link = (to: string | undefined, text: string): string =>
    to === undefined ? "<span></span>" : `<a href="${relative(path, addressOf(to))}">${text}</a>`;
  return `<nav class="ways" aria-label="Lessons">${link(order[index - 1], "← the lesson before")}${link(order[index + 1], "the next lesson →")}</nav>`;
}
