import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import type { Browser, Page } from "playwright-core";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { replaceFolder } from "../../build/folder.js";
import { readNotebook } from "../../notebooks/file.js";
import { build } from "../../site/build.js";
import { addressOf, root } from "../../site/documents.js";
import { chartsOf } from "../../site/lessons.js";
import { Links } from "../../site/links.js";
import { markdown } from "../../site/markdown.js";
import { rejection } from "../rejection.js";
import { findChromium, launch } from "../viz/chromium.js";
import { crawl } from "./crawl.js";

/** The lesson that is looked at in a browser. */
const lesson = "notebooks/06-editing.ipynb";
let folder: string;
let site: string;

test.before(async () => {
  folder = await mkdtemp(join(tmpdir(), "tangent-lab-site-"));
  site = join(folder, "site");
});

// A test, because uvu does not say what a hook throws.
test("the site builds: no public name lacks a docstring, no link of a document leads to nothing", async () => {
  await replaceFolder(site, build);
});

test.after(async () => {
  await browser?.close();
  await rm(folder, { recursive: true, force: true });
});

test("every link and anchor leads somewhere in the site, and nothing is loaded from elsewhere", () => {
  const { problems, pages, count } = crawl(site);
  assert.equal(problems, []);
  assert.ok(pages > 300, `${pages} pages`);
  assert.ok(count > 10_000, `${count} links`);
});

test("the reference has every namespace", async () => {
  for (const name of ["consistency", "diffusion", "engine", "manifold", "nn", "softrepa"])
    assert.match(await readFile(join(site, `api/modules/tangent-lab.${name}.html`), "utf8"), /<h1/);
  const mfd = await readFile(join(site, "api/functions/tangent-lab.consistency.mfd.html"), "utf8");
  assert.match(mfd, /Align Your Tangent/);
});

test("a folder that holds what is not ours is refused before anything is built", async () => {
  const mine = join(folder, "mine");
  await replaceFolder(mine, (out) => writeFile(join(out, "index.html"), "old"));
  await replaceFolder(mine, (out) => writeFile(join(out, "index.html"), "new"));
  assert.is(await readFile(join(mine, "index.html"), "utf8"), "new");
  await writeFile(join(mine, "notes.txt"), "mine");
  let begun = false;
  const error = await rejection(
    replaceFolder(mine, async () => {
      begun = true;
    }),
  );
  assert.match(error.message, /"notes\.txt", which tangent-lab did not write/);
  assert.not.ok(begun);
  assert.is(await readFile(join(mine, "index.html"), "utf8"), "new");
});

test("links of the repository become the site's; one that leads to nothing is an error", () => {
  const links = new Links(["README.md", "docs/results.md", lesson]);
  const to = links.from("docs/results.md");
  assert.is(to("../README.md#start"), "../index.html#start");
  assert.is(to("results.md"), "results.html");
  assert.is(to("../notebooks/06-editing.ipynb"), "../notebooks/06-editing.html");
  assert.is(to("tangents.png"), "tangents.png");
  assert.is(to("../examples"), "../examples/index.html");
  assert.is(to("https://arxiv.org/abs/2510.00658"), "https://arxiv.org/abs/2510.00658");
  assert.equal([...links.pictures, ...links.sources], ["docs/tangents.png", "examples"]);
  assert.throws(() => to("missing.md"), /docs\/results\.md links to docs\/missing\.md/);
  assert.throws(() => to("../../elsewhere.md"), /not in the repository/);
});

test("Markdown: GitHub's anchors, mathematics, code and diagrams", () => {
  const { html, headings, diagrams } = markdown(
    "# A `title`, twice\n\n## Twice\n\n## Twice\n\n$x_t < 1$\n\n```ts\nconst a = 1;\n```\n\n```mermaid\nflowchart BT\n a --> b\n```\n",
    (href) => href,
  );
  assert.equal(
    headings.map(({ id }) => id),
    ["a-title-twice", "twice", "twice-1"],
  );
  assert.match(html, /<math[^>]*>/);
  assert.match(html, /<span class="hljs-keyword">const<\/span>/);
  assert.match(html, /<pre class="mermaid">flowchart BT\n a --&#62; b/);
  assert.ok(diagrams);
});

const chromium = findChromium();
let browser: Browser | undefined;
const inBrowser = chromium === null ? test.skip : test;

/** Opens a page from disk; resolves to what went wrong there. */
async function open(
  path: string,
  colorScheme: "light" | "dark",
  look: (page: Page) => Promise<void>,
): Promise<string[]> {
  browser ??= await launch(chromium!);
  const page = await browser.newPage({ viewport: { width: 400, height: 800 }, colorScheme });
  const problems: string[] = [];
  page.on("console", (message) => {
    // Vega warns of an interval chart without intervals, which draws none.
    if (message.type() === "error") problems.push(message.text());
  });
  page.on("pageerror", (error) => problems.push(String(error)));
  page.on("request", (request) => {
    if (!/^(file|data|blob):/.test(request.url())) problems.push(`request to ${request.url()}`);
  });
  page.on("requestfailed", (request) => problems.push(`failed: ${request.url()}`));
  await page.goto(pathToFileURL(join(site, path)).href);
  await look(page);
  const width = (await page.evaluate("document.documentElement.scrollWidth")) as number;
  if (width > 400) problems.push(`scrolls sideways: ${width} pixels`);
  await page.close();
  return problems;
}

inBrowser("a lesson draws its charts from disk", async () => {
  const charts = chartsOf(await readNotebook(join(root, lesson))).length;
  assert.ok(charts > 5);
  const problems = await open(addressOf(lesson), "dark", async (page) => {
    await page.waitForSelector("html[data-charts=drawn]", { state: "attached" });
    assert.is(await page.locator("figure.chart.drawn .live svg.marks").count(), charts);
  });
  assert.equal(problems, []);
});

inBrowser("the first page, a diagram and the reference open from disk", async () => {
  assert.equal(await open("index.html", "light", async () => {}), []);
  const diagram = await open("ARCHITECTURE.html", "light", async (page) => {
    await page.waitForSelector("html[data-diagrams=drawn]", { state: "attached" });
    assert.is(await page.locator("pre.mermaid svg").count(), 1);
  });
  assert.equal(diagram, []);
  const reference = await open("api/functions/tangent-lab.consistency.mfd.html", "dark", async (page) => {
    await page.waitForSelector("h1:visible");
  });
  assert.equal(reference, []);
});

inBrowser("the demo trains from disk", async () => {
  const problems = await open("demo/index.html", "light", async (page) => {
    await page.waitForSelector("#status:text-matches('^Iteration [1-9]')", { timeout: 120_000 });
    assert.is(await page.textContent("#engine"), "compiled steps, WebAssembly");
  });
  assert.equal(problems, []);
});

if (chromium === null)
  console.log("skipped: the site in a browser (no Chromium found; set CHROMIUM to its path)");
test.run();
