import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import type { Browser, Page } from "playwright-core";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import type { ReportData } from "../../src/experiments/compare-record.js";
import { renderReport } from "../../viz/index.js";
import { findChromium, launch } from "./chromium.js";
import { countShapes, withoutScripts } from "./marks.js";
import { reportData } from "./report-data.js";

const data = reportData();
/** Both: samples, 2 metrics, 3 of tangents, explorer, 2 of losses. Points: paths. Images: UMAP, tangent pictures. */
const [points, images] = [10, 11];
const html = await renderReport(data);

const text = suite("report");

text("text is never markup", () => {
  const body = html.slice(html.indexOf("<body>"));
  assert.not.match(body, "<script>alert");
  assert.not.match(body, "<i>cpu</i>");
  assert.not.match(body, "digits <b>");
  assert.match(body, "Pixel loss against &#60;MFD&#62; &#38; co");
});

text("settings are words, not JSON", () => {
  const settings = html.slice(html.indexOf("<h3>Experiment</h3>"), html.indexOf("<h3>Runs</h3>"));
  assert.match(settings, '<th scope="row">nested</th><td>steps 1, 2</td>');
  assert.match(settings, '<th scope="row">quick</th><td>yes</td>');
  assert.not.match(settings, "{");
  const runs = html.slice(html.indexOf("<h3>Runs</h3>"), html.indexOf("<h3>Machine</h3>"));
  assert.match(runs, '<th scope="row">batch size</th>');
});

text("it is one file of less than 5 MB", () => {
  assert.not.match(withoutScripts(html), /<(script|link|img|iframe)[^>]*(src|href)="(?!data:)/);
  assert.ok(html.length < 5e6, `${html.length} characters`);
});

text("without scripts every chart is a still image with its finding as description", () => {
  const stills = [
    ...html.matchAll(/<img class="still" alt="([^"]*)" src="data:image\/svg\+xml;base64,([^"]*)"/g),
  ];
  assert.is(stills.length, points + images);
  for (const [, title, svg] of stills)
    assert.ok(countShapes(Buffer.from(svg!, "base64").toString()) > 2, `${title}: marks`);
});

text("a chart whose data cannot be drawn costs only itself, and says why", async () => {
  const broken: ReportData = structuredClone(data) as ReportData;
  (broken.comparisons[1]!.runs[0]!.samples[0]!.samples.values as number[])[3] = Number.NaN;
  const page = await renderReport(broken);
  assert.is(page.split('class="still"').length - 1, points + images - 1);
  assert.match(
    page,
    "could not be drawn: invalid runs[0].frames[0].samples.values[3]; given: NaN; allowed: finite numbers",
  );
});

text("runs without probes or samples make a shorter report", async () => {
  const bare: ReportData = {
    ...data,
    comparisons: data.comparisons.map((comparison) => ({
      ...comparison,
      runs: comparison.runs.map((run) => ({ ...run, probes: [], probeSet: null })),
    })),
  };
  const page = await renderReport(bare);
  assert.is(page.split('class="still"').length - 1, 5 + 5, "samples, metrics, losses");
  assert.not.match(page, "could not be drawn");
});

text.run();

const executable = findChromium();
if (executable === null) {
  console.log("skipped: the report in a browser (no Chromium found; set CHROMIUM to its path)");
} else {
  const test = suite<{ browser: Browser; folder: string; file: string }>("report in Chromium");
  test.before(async (context) => {
    context.browser = await launch(executable);
    context.folder = await mkdtemp(join(tmpdir(), "report-"));
    context.file = join(context.folder, "index.html");
    await writeFile(context.file, html);
  });
  test.after(async (context) => {
    await context.browser.close();
    await rm(context.folder, { recursive: true });
  });

  for (const colorScheme of ["light", "dark"] as const) {
    test(`${colorScheme}: every chart has marks, nothing is reported or requested`, async ({
      browser,
      file,
    }) => {
      const context = await browser.newContext({ colorScheme, viewport: { width: 800, height: 600 } });
      const page = await context.newPage();
      const messages: string[] = [];
      const requests: string[] = [];
      page.on("console", (message) => messages.push(message.text()));
      page.on("pageerror", (error) => messages.push(error.message));
      page.on("request", (request) => requests.push(request.url()));
      await open(page, file);

      const charts = await page.$$eval("figure.chart", (figures) =>
        figures.map((figure) => figure.querySelector(".live svg")?.outerHTML ?? ""),
      );
      assert.is(charts.length, points + images);
      for (const svg of charts) assert.ok(countShapes(svg) > 2, "a chart without marks");
      const ink = await page.$eval(".live .role-title-text text", (title) => title.getAttribute("fill"));
      assert.is(ink, colorScheme === "light" ? "#1f2328" : "#e6e8eb");
      assert.equal(messages, []);
      assert.equal(
        requests.filter((url) => !url.startsWith("data:")),
        [pathToFileURL(file).href],
      );
      await context.close();
    });
  }

  test("the explorer plays, and shows an output on pointing at it", async ({ browser, file }) => {
    const page = await browser.newPage({ viewport: { width: 800, height: 1000 } });
    await open(page, file);
    const explorer = page.locator("#comparison-1 figure.chart").filter({ has: page.getByRole("slider") });
    assert.is(await explorer.count(), 1);
    const recording = explorer.getByRole("slider");
    await recording.fill("0");
    await explorer.getByRole("button", { name: "play" }).click();
    await page.waitForFunction(
      "Number(document.querySelector('#comparison-1 input[type=range]').value) >= 1",
    );
    await explorer.getByRole("button", { name: "pause" }).click();
    await explorer.locator(".live svg .mark-symbol path[fill='#D55E00']").first().hover({ force: true });
    const picture = page.locator("#vg-tooltip-element img");
    await picture.waitFor();
    assert.match((await picture.getAttribute("src")) ?? "", /^data:image\/png;base64,/);
    await page.close();
  });

  test("what is to be read beside it is a link, and its text no markup", async ({ browser, file }) => {
    const page = await browser.newPage();
    await open(page, file);
    const link = page.getByRole("link", { name: "A study's report" });
    assert.is(await link.getAttribute("href"), 'study/"index".html');
    assert.match((await page.locator("body").textContent()) ?? "", "One <seed>. A study's report");
    await page.close();
  });

  test("the page does not scroll sideways, also on a narrow screen", async ({ browser, file }) => {
    const page = await browser.newPage({ viewport: { width: 380, height: 700 } });
    await open(page, file);
    assert.ok(((await page.evaluate("document.documentElement.scrollWidth")) as number) <= 380);
    await page.close();
  });

  test("printing shows the still images, on white", async ({ browser, file }) => {
    const page = await browser.newPage({ colorScheme: "dark" });
    await open(page, file);
    await page.emulateMedia({ media: "print" });
    assert.is(await page.locator(".still:visible").count(), points + images);
    assert.is(await page.locator(".live:visible").count(), 0);
    await page.close();
  });

  test("without scripts the still images are there", async ({ browser, file }) => {
    const context = await browser.newContext({ javaScriptEnabled: false });
    const page = await context.newPage();
    await page.goto(pathToFileURL(file).href);
    assert.is(await page.locator(".still:visible").count(), points + images);
    await context.close();
  });

  test.run();
}

async function open(page: Page, file: string): Promise<void> {
  await page.goto(pathToFileURL(file).href);
  await page.waitForSelector('html[data-charts="drawn"]');
}
