// Lessons as pages: text, code, and the saved outputs with live charts.
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { stripVTControlCharacters } from "node:util";
import { vegaLiteMime } from "../viz/display/bundle.js";
import type { Page } from "../viz/render/page.js";
import type { VegaLiteSpec } from "../viz/spec.js";
import { escapeHTML } from "../viz/text.js";
import { addressOf, relative, root } from "./documents.js";
import { contents, finish, newPage } from "./layout.js";
import type { Links } from "./links.js";
import { type Heading, highlight, markdown } from "./markdown.js";
import type { SitePage } from "./pages.js";

type Text = string | readonly string[];

interface Output {
  output_type: string;
  /** Of a stream. */
  text?: Text;
  /** Of anything else: MIME type -> content. */
  data?: Record<string, unknown>;
}

interface Cell {
  cell_type: string;
  source: Text;
  outputs?: readonly Output[];
}

const joined = (text: Text): string => (typeof text === "string" ? text : text.join(""));

export async function readNotebook(path: string): Promise<Cell[]> {
  return (JSON.parse(await readFile(join(root, path), "utf8")) as { cells: Cell[] }).cells;
}

/** The charts that a notebook shows, in their order. */
export const chartsOf = (cells: readonly Cell[]): VegaLiteSpec[] =>
  cells.flatMap(({ outputs = [] }) =>
    outputs.flatMap(({ data }) => (data && vegaLiteMime in data ? [data[vegaLiteMime] as VegaLiteSpec] : [])),
  );

/**
 * The page of one lesson.
 * @param order All lessons: the page leads to the one before and the one after.
 */
export async function lessonPage(path: string, order: readonly string[], links: Links): Promise<SitePage> {
  const address = addressOf(path);
  const page = newPage(address);
  const headings: Heading[] = [];
  const parts = (await readNotebook(path)).map((cell) => {
    const source = joined(cell.source);
    if (cell.cell_type === "markdown") {
      const rendered = markdown(source, links.from(path));
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
function shown(page: Page, { text, data = {} }: Output): string {
  const chart = data[vegaLiteMime];
  if (chart) return page.chart(chart as VegaLiteSpec);
  const picture = data["image/png"] as Text | undefined;
  if (picture) return `<img alt="" src="data:image/png;base64,${escapeHTML(joined(picture).trim())}">`;
  const plain = stripVTControlCharacters(joined(text ?? (data["text/plain"] as Text | undefined) ?? ""));
  return plain.trim() === "" ? "" : `<pre class="output">${escapeHTML(plain.trimEnd())}</pre>`;
}

function ways(path: string, order: readonly string[]): string {
  const index = order.indexOf(path);
  const link = (to: string | undefined, text: string): string =>
    to === undefined ? "<span></span>" : `<a href="${relative(path, addressOf(to))}">${text}</a>`;
  return `<nav class="ways" aria-label="Lessons">${link(order[index - 1], "← the lesson before")}${link(order[index + 1], "the next lesson →")}</nav>`;
}
