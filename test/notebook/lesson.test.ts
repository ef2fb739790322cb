import { join } from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { root } from "../../notebooks/jupyter.js";
import { type Cell, execute, reasonToSkip, textOf } from "./execute.js";

const vegaLite = "application/vnd.vegalite.v5+json";
const path = join(root, "notebooks", "01-consistency-models.ipynb");

if (reasonToSkip) {
  console.log(`skipped: ${reasonToSkip}`);
} else {
  test("the lesson runs from top to bottom, and every chart in it is drawn", async () => {
    const cells = await execute(path, { QUICK: "1" });
    const outputs = cells.flatMap((cell: Cell) => cell.outputs ?? []);
    assert.not.ok(outputs.some((output) => output.output_type === "error"));
    const charts = outputs.filter((output) => output.data && vegaLite in output.data);
    assert.ok(charts.length >= 6, `only ${charts.length} charts`);
    for (const chart of charts) assert.ok("image/png" in chart.data!, textOf(chart.data!["text/plain"]));
    const progress = outputs.filter((output) => textOf(output.data?.["text/html"]).includes("<progress"));
    assert.ok(progress.length > 0);
    for (const output of progress) assert.match(textOf(output.data!["text/plain"]), /done$/);
  });
}

test.run();
