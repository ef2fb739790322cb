// Markdown as the repository's documents and lessons have it: GitHub's, with mathematics and diagrams.
import katex from "@vscode/markdown-it-katex";
import { slug } from "github-slugger";
import hljs from "highlight.js";
import MarkdownIt, { type PluginWithOptions } from "markdown-it";
import anchor from "markdown-it-anchor";
import { escapeHTML } from "../viz/text.js";

export interface Heading {
  level: number;
  id: string;
  text: string;
}

export interface Rendered {
  html: string;
  headings: Heading[];
  /** Whether there is a Mermaid diagram in it. */
  diagrams: boolean;
}

/** Code with its syntax coloured; plain where the language is not known. */
export const highlight = (code: string, language: string): string =>
  hljs.getLanguage(language) ? hljs.highlight(code, { language }).value : escapeHTML(code);

/** MathML needs neither fonts nor styles. The package's types know `require` alone. */
const mathematics = katex.default as unknown as PluginWithOptions<{
  output: "mathml";
  throwOnError: boolean;
}>;

/**
 * Markdown of this repository as HTML.
 * @param link Turns the addresses of links and images into the site's.
 * @param options.html Whether it may contain HTML, of which the pages' content security policy runs no scripts; else that is shown as text. Default true.
 */
export function markdown(
  text: string,
  link: (href: string) => string,
  { html: allowed = true }: { html?: boolean } = {},
): Rendered {
  const headings: Heading[] = [];
  let diagrams = false;
  const md = new MarkdownIt({ html: allowed, linkify: true })
    .use(mathematics, { output: "mathml", throwOnError: true })
    .use(anchor, {
      slugify: slug,
      tabIndex: false,
      permalink: anchor.permalink.headerLink(),
      callback: ({ tag }, { title, slug }) =>
        headings.push({ level: Number(tag.slice(1)), id: slug, text: title }),
    });
  md.renderer.rules.fence = (tokens, index) => {
    const { content, info } = tokens[index]!;
    const language = info.trim().split(/\s+/)[0]!;
    if (language !== "mermaid") return `<pre><code>${highlight(content, language)}</code></pre>\n`;
    diagrams = true;
    return `<pre class="mermaid">${escapeHTML(content)}</pre>\n`;
  };
  md.renderer.rules.table_open = () => '<div class="wide"><table>\n';
  md.renderer.rules.table_close = () => "</table></div>\n";
  md.core.ruler.push("addresses", ({ tokens }) => {
    for (const token of tokens.flatMap(({ children }) => children ?? []))
      for (const name of ["href", "src"]) {
        const address = token.attrGet(name);
        if (address !== null) token.attrSet(name, link(address));
      }
  });
  return { html: md.render(text), headings, diagrams };
}
