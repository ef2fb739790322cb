// The pages that are made of one file each: documents, source code, and what lists them.
import { readdir, readFile, stat } from "node:fs/promises";
import { extname, join } from "node:path";
import { escapeHTML } from "../viz/text.js";
import { addressOf, relative, root } from "./documents.js";
import { contents, finish, newPage } from "./layout.js";
import type { Links } from "./links.js";
import { highlight, markdown } from "./markdown.js";

export interface SitePage {
  address: string;
  title: string;
  html: string;
}

const read = (path: string): Promise<string> => readFile(join(root, path), "utf8");

/** A document in Markdown. */
export async function documentPage(path: string, links: Links): Promise<SitePage> {
  const address = addressOf(path);
  const { html, headings, diagrams } = markdown(await read(path), links.from(path));
  const parts = headings.filter(({ level }) => level === 2);
  const title = headings[0]?.text ?? path;
  const body = html.replace("</h1>", () => `</h1>\n${contents(parts)}`);
  return {
    address,
    title,
    html: await finish(newPage(address, { diagrams }), { address, title, body }),
  };
}

/** The text of a file, or of all files of a folder. */
export async function sourcePage(path: string): Promise<SitePage> {
  const isFolder = (await stat(join(root, path))).isDirectory();
  const address = isFolder ? `${path}/index.html` : addressOf(path);
  const files = isFolder
    ? (await readdir(join(root, path), { withFileTypes: true }))
        .filter((entry) => entry.isFile() && !entry.name.startsWith("."))
        .map(({ name }) => `${path}/${name}`)
        .sort()
    : [path];
  const parts = files.map((file) => ({ id: file.slice(path.length + 1), text: file.slice(path.length + 1) }));
  const codes = await Promise.all(
    files.map(async (file, i) => {
      const heading = isFolder
        ? `<h2 id="${escapeHTML(parts[i]!.id)}">${escapeHTML(parts[i]!.text)}</h2>`
        : "";
      return `${heading}\n<pre><code>${highlight(await read(file), extname(file).slice(1))}</code></pre>`;
    }),
  );
  const body = `<h1>${escapeHTML(path)}</h1>\n${isFolder ? contents(parts) : ""}\n${codes.join("\n")}`;
  return { address, title: path, html: await finish(newPage(address), { address, title: path, body }) };
}

/** One section of README as a page of its own, which also has the pages that the section leads to. */
export async function lessonsPage(links: Links): Promise<SitePage> {
  const address = "notebooks/index.html";
  const section = /^## (Lessons\n.*?)(?=^## )/ms.exec(await read("README.md"))?.[1];
  if (section === undefined) throw new Error("README.md has no section Lessons");
  const { html } = markdown(`# ${section}`, links.from("README.md", address));
  return {
    address,
    title: "Lessons",
    html: await finish(newPage(address), { address, title: "Lessons", body: html }),
  };
}

/** The list of documents, each with what its first paragraph says. */
export async function documentsPage(
  documents: readonly SitePage[],
  paths: readonly string[],
): Promise<SitePage> {
  const address = "docs/index.html";
  const rows = documents
    .map(({ address: to, title }, i) => ({ to, title, path: paths[i]! }))
    .filter(({ path }) => path !== "README.md")
    .map(
      ({ to, title, path }) =>
        `<tr><td><a href="${relative(address, to)}">${escapeHTML(title)}</a></td><td>${escapeHTML(path)}</td></tr>`,
    );
  const body = `<h1>Documents</h1>\n<div class="wide"><table>${rows.join("\n")}</table></div>`;
  return {
    address,
    title: "Documents",
    html: await finish(newPage(address), { address, title: "Documents", body }),
  };
}
