// How every page of the site looks, but those of the API reference and the demo.
import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { join } from "node:path";
import { Page } from "../viz/render/page.js";
import { escapeHTML } from "../viz/text.js";
import { relative, root } from "./documents.js";

/** Addresses of scripts that pages share. */
export const assets = {
  vega: "assets/vega.js",
  diagrams: "assets/diagrams.js",
} as const;

/** The places that every page links to. */
export const places: readonly [title: string, address: string][] = [
  ["tangent-lab", "index.html"],
  ["Lessons", "notebooks/index.html"],
  ["Documents", "docs/index.html"],
  ["API", "api/index.html"],
  ["Demo", "demo/index.html"],
];

/** A page under construction: charts are added to it before it becomes HTML. */
export function newPage(address: string, options: { diagrams?: boolean } = {}): Page {
  return new Page({
    libraries: relative(address, assets.vega),
    scripts: options.diagrams ? [relative(address, assets.diagrams)] : [],
  });
}

/** The HTML of a page, with the links that all have. */
export async function finish(
  page: Page,
  parts: { address: string; title: string; body: string },
): Promise<string> {
  const { address, title, body } = parts;
  const links = places.map(
    ([text, to]) =>
      `<a href="${relative(address, to)}"${to === address ? ' aria-current="page"' : ""}>${text}</a>`,
  );
  return page.html({
    title: title === "tangent-lab" ? title : `${title} · tangent-lab`,
    body: `<header class="site"><nav aria-label="Site">${links.join(" ")}</nav></header>\n<main>\n${body}\n</main>`,
    style: await style(),
  });
}

/** A nav with one link per part of a page; nothing where there is little to choose from. */
export const contents = (parts: readonly { id: string; text: string }[]): string =>
  parts.length < 3
    ? ""
    : `<nav class="contents" aria-label="On this page">${parts
        .map(({ id, text }) => `<a href="#${id}">${escapeHTML(text)}</a>`)
        .join(" ")}</nav>`;

let styleSheet: Promise<string> | undefined;

const style = (): Promise<string> => {
  styleSheet ??= readStyle();
  return styleSheet;
};

async function readStyle(): Promise<string> {
  const require = createRequire(import.meta.url);
  const read = (name: string): Promise<string> =>
    readFile(require.resolve(`highlight.js/styles/${name}.min.css`), "utf8");
  const [own, light, dark] = await Promise.all([
    readFile(join(root, "site/style.css"), "utf8"),
    read("github"),
    read("github-dark"),
  ]);
  return `\n${light}\n@media (prefers-color-scheme:dark){${dark}}\n${own}`;
}
