import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { compact, numbered } from "../../notebooks/execute.js";
import { root } from "../../notebooks/jupyter.js";
import { vegaLiteMime } from "../../viz/display/bundle.js";
import { type Cell, textOf } from "./execute.js";

async function lessons() {
  const folder = join(root, "notebooks");
  const names = (await readdir(folder)).filter((name) => name.endsWith(".ipynb"));
  return Promise.all(
    names.map(async (name) => {
      const text = await readFile(join(folder, name), "utf8");
      return { name, text, cells: (JSON.parse(text) as { cells: Cell[] }).cells };
    }),
  );
}

test("a compact notebook says the same, with each chart on one line", () => {
  const chart = { title: 'of "$1", é', data: { values: [{ x: 1.5 }, { x: -2e-7 }] } };
  const notebook = { cells: [{ outputs: [{ data: { [vegaLiteMime]: chart, "text/plain": ["a\n"] } }] }] };
  const text = compact(JSON.stringify(notebook, null, 1));
  assert.equal(JSON.parse(text), notebook);
  assert.ok(text.split("\n").some((line) => line.includes(JSON.stringify(chart))));
  assert.is(compact(text), text);
});

test("an executed notebook's code cells are counted from 1, and say so nowhere else", () => {
  const cells = [
    { cell_type: "code", execution_count: null },
    { cell_type: "markdown" },
    { cell_type: "code" },
  ];
  const { cells: counted, ...rest } = JSON.parse(numbered(JSON.stringify({ cells, nbformat: 4 })));
  assert.equal(rest, { nbformat: 4 });
  assert.equal(counted, [
    { cell_type: "code", execution_count: 1 },
    { cell_type: "markdown" },
    { cell_type: "code", execution_count: 2 },
  ]);
});

/** Lines of code that are read without scrolling. */
const longest = 25;

test("no cell of a lesson is longer than a screen", async () => {
  for (const { name, cells } of await lessons())
    for (const [i, { cell_type, source }] of cells.entries()) {
      const lines = textOf(source).split("\n").length;
      assert.ok(cell_type !== "code" || lines <= longest, `${name}, cell ${i}: ${lines} lines`);
    }
});

test("the saved lessons are compact, and under 3 MB each", async () => {
  for (const { name, text } of await lessons()) {
    assert.ok(compact(text) === text, `${name} is not as "npm run notebooks" saves it`);
    assert.ok(Buffer.byteLength(text) < 3e6, `${name}: ${text.length}`);
  }
});

test.run();
