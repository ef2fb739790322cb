import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { readNotebook } from "../../notebooks/file.js";
import { root } from "../../site/documents.js";
import { lessonPage } from "../../site/lessons.js";
import { Links } from "../../site/links.js";
import { vegaLiteMime } from "../../viz/display/bundle.js";
import { rejection } from "../rejection.js";

const folder = mkdtempSync(join(tmpdir(), "tangent-lab-lessons-"));
test.after(() => rmSync(folder, { recursive: true }));
const path = join(folder, "hostile.ipynb");

const payload = `</pre></script><script>alert(1)</script><img src=x onerror=alert(1)>`;
const hostile = {
  nbformat: 4,
  nbformat_minor: 5,
  metadata: { title: payload },
  cells: [
    {
      cell_type: "markdown",
      source: ["# Title\n", payload, "\n\n[a](javascript:alert(1)) [b](https://example.org)"],
    },
    {
      cell_type: "code",
      source: payload,
      outputs: [
        { output_type: "display_data", data: { "text/html": payload, "image/svg+xml": payload } },
        { output_type: "stream", name: "stdout", text: [payload, "\u001b[31mred\u001b[0m"] },
        { output_type: "display_data", data: { "image/png": `"${payload}`, "text/plain": payload } },
        { output_type: "error", ename: "Error", evalue: payload, traceback: [payload] },
        { output_type: "stream", text: "x".repeat(100_000) },
        {
          output_type: "display_data",
          data: { [vegaLiteMime]: { mark: "bar", title: payload, data: { values: [] } } },
        },
        {
          output_type: "display_data",
          data: { [vegaLiteMime]: { data: { url: "/etc/passwd" }, mark: "bar" } },
        },
        {
          output_type: "display_data",
          data: { [vegaLiteMime]: { layer: [{ data: { sequence: { start: 0, stop: 1e12 } } }] } },
        },
      ],
    },
    { cell_type: "raw", source: payload },
  ],
};

test("a hostile notebook becomes text: no script of it runs, no file is read for it, long outputs are cut", async () => {
  writeFileSync(path, JSON.stringify(hostile));
  // The page of a file that is not in the repository: its path leads there.
  const { html } = await lessonPage(relative(root, path), [], new Links([]));
  const [, policy] = /http-equiv="Content-Security-Policy" content="([^"]*)"/.exec(html)!;
  const scripts = /script-src[^;]*/.exec(policy!)![0];
  assert.not.match(scripts, "'unsafe-inline'");
  assert.match(scripts, /'sha256-/);
  const body = html.slice(html.indexOf("<main>"), html.indexOf("</main>"));
  assert.not.match(body, /<script|<img src=x|href="javascript|<svg/);
  assert.match(body, 'href="https://example.org"');
  assert.match(body, "Error: &#60;/pre&#62;");
  assert.match(body, /x{20}\n\.\.\. and 80000 characters more/);
  assert.is(body.match(/takes its data from elsewhere/g)?.length, 2);
  assert.ok(html.length < 200_000);
  assert.not.match(html, "root:");
  // The chart's text is data: it cannot end the element it stands in.
  assert.is(html.match(/<script/g)?.length, html.match(/<\/script>/g)?.length);
});

test("what is no notebook of format 4 is refused by name", async () => {
  const cases: [string, RegExp][] = [
    ["", /hostile\.ipynb is not JSON/],
    ["{", /is not JSON/],
    ["null", /hostile\.ipynb is wrong/],
    ["[]", /is wrong/],
    [
      JSON.stringify({ nbformat: 3, worksheets: [{ cells: [] }] }),
      /nbformat of .* is wrong: Only notebooks of format 4/,
    ],
    [JSON.stringify({ nbformat: 4 }), /cells of .* is wrong/],
    [JSON.stringify({ ...hostile, cells: [{ cell_type: "code", source: 5 }] }), /cells\.0\.source/],
    [JSON.stringify({ ...hostile, cells: [{ cell_type: "heading", source: "" }] }), /cells\.0\.cell_type/],
    [
      JSON.stringify({
        ...hostile,
        cells: [
          {
            cell_type: "code",
            source: "",
            outputs: [{ output_type: "x", data: { [vegaLiteMime]: "chart" } }],
          },
        ],
      }),
      /cells\.0\.outputs\.0/,
    ],
    [
      `{"nbformat": 4, "cells": ${"[".repeat(100_000)}${"]".repeat(100_000)}}`,
      /nested more than|is not JSON/,
    ],
  ];
  for (const [text, message] of cases) {
    writeFileSync(path, text);
    const error = await rejection(readNotebook(path));
    assert.is(error.code, "corrupt-file", text.slice(0, 100));
    assert.match(error.message, message);
  }
  assert.is((await rejection(readNotebook(join(folder, "missing.ipynb")))).code, "file-system");
});

test("links to hidden files, to packages and out of the repository lead nowhere", () => {
  const to = new Links([]).from("docs/results.md");
  for (const href of [
    "../.npmrc",
    "../.git/config",
    "../node_modules/uvu/package.json",
    "../../etc",
    "%00",
    "%zz",
    "../x%2e",
  ])
    assert.throws(() => to(href), /not in the repository/, href);
});

test.run();
