import { createHash } from "node:crypto";
// Names that mean something to JavaScript, to Vega or to a browser are names like others.
import { readFile } from "node:fs/promises";
import { test } from "uvu";
import * as assert from "uvu/assert";
import type { ReportData } from "../../src/experiments/compare-record.js";
import { renderReport } from "../../viz/index.js";
import { metricTitle } from "../../viz/text.js";
import { runColors } from "../../viz/theme.js";
import { reportData } from "./report-data.js";

const names = ["constructor", "__proto__", "toString", "line\u2028separator"];

test("names of what every object has get a title and a colour", () => {
  for (const name of names) {
    assert.type(metricTitle(name), "string");
    assert.match(runColors([name, "pixel"])[0]!, /^#[0-9A-F]{6}$/i);
  }
});

test("a report of runs and metrics of such names has all its charts", async () => {
  const data: ReportData = reportData();
  for (const comparison of data.comparisons)
    comparison.runs.forEach((run, i) => {
      run.name = names[i]!;
      run.curve = run.curve.map(({ step, metrics }) => ({
        step,
        metrics: Object.fromEntries([
          ...Object.entries(metrics),
          ["constructor", 1 / (1 + step)],
          ["__proto__", 0.5],
        ]),
      }));
    });
  const html = await renderReport(data);
  assert.not.match(html, "could not be drawn");
  // As many as of other names, and one for each of the two metrics more.
  assert.is(html.split('class="still"').length - 1, 10 + 11 + 2 * 2);
});

test("a link leads to a page or is text", async () => {
  const page = (href: string): Promise<string> =>
    renderReport({
      ...reportData(),
      comparisons: reportData().comparisons.slice(0, 1),
      more: { text: "More:", link: "here", href },
    });
  for (const href of [
    "javascript:alert(1)",
    " JavaScript:alert(1)",
    "java\nscript:alert(1)",
    "data:text/html,x",
    "vbscript:x",
  ]) {
    const html = await page(href);
    assert.not.match(html.slice(html.indexOf("<body>"), html.indexOf("<script")), />here<\/a>/, href);
  }
  assert.match(await page("convergence/index.html"), '<a href="convergence/index.html">here</a>');
  assert.match(await page("https://example.org/a:b"), '<a href="https://example.org/a:b">here</a>');
});

test("in a report, only the scripts run that we put there", async () => {
  const html = await renderReport(reportData());
  const [, policy] = /http-equiv="Content-Security-Policy" content="([^"]*)"/.exec(html)!;
  const allowed = /script-src ([^;]*)/.exec(policy!)![1]!.split(" ");
  const scripts = [...html.matchAll(/<script>(.*?)<\/script>/gs)].map(([, text]) => text!);
  assert.is(scripts.length, 4); // Vega's three and ours
  const hashes = scripts.map((text) => `'sha256-${createHash("sha256").update(text).digest("base64")}'`);
  assert.equal(allowed, [...hashes, "'unsafe-eval'"]);
});

test("the demo's page asks nobody but its own server", async () => {
  const html = await readFile(new URL("../../demo/index.html", import.meta.url), "utf8");
  const [, policy] = /http-equiv="Content-Security-Policy" content="([^"]*)"/.exec(html)!;
  assert.match(policy!, "default-src 'none'");
  assert.not.match(policy!, /https?:|\*/);
  assert.not.match(/script-src[^;]*/.exec(policy!)![0], "'unsafe-inline'");
});

test.run();
