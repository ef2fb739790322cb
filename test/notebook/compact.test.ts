import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { compact } from "../../notebooks/execute.js";
import { root } from "../../notebooks/jupyter.js";
import { vegaLiteMime } from "../../viz/display/bundle.js";

test("a compact notebook says the same, with each chart on one line", () => {
  const chart = { title: 'of "$1", é', data: { values: [{ x: 1.5 }, { x: -2e-7 }] } };
  const notebook = { cells: [{ outputs: [{ data: { [vegaLiteMime]: chart, "text/plain": ["a\n"] } }] }] };
  const text = compact(JSON.stringify(notebook, null, 1));
  assert.equal(JSON.parse(text), notebook);
  assert.ok(text.split("\n").some((line) => line.includes(JSON.stringify(chart))));
  assert.is(compact(text), text);
});

test("the saved lessons are compact, and under 3 MB each", async () => {
  const folder = join(root, "notebooks");
  for (const name of (await readdir(folder)).filter((each) => each.endsWith(".ipynb"))) {
    const text = await readFile(join(folder, name), "utf8");
    assert.ok(compact(text) === text, `${name} is not as "npm run notebooks" saves it`);
    assert.ok(Buffer.byteLength(text) < 3e6, `${name}: ${text.length}`);
  }
});

test.run();
