import { test } from "uvu";
import * as assert from "uvu/assert";
import { executeCells, type Output, reasonToSkip, textOf } from "./execute.js";

const vegaLite = "application/vnd.vegalite.v5+json";

const cells = [
  `import { figure, live, metricCurves, show } from "tangent-lab/viz";`,
  `async function* run(total: number) {
     let step = 0;
     try {
       while (step < total) {
         step++;
         await new Promise((resolve) => setTimeout(resolve, 1));
         yield { step, total, metrics: { loss: 1 / step } };
       }
     } finally {
       console.log("closed at", step < total ? "some step" : "the end");
     }
     return { steps: step };
   }
   const chart = metricCurves({ metric: "loss", curves: [{ name: "pixel", steps: [1, 2, 3], values: [3, 2, 1] }] });`,
  "show(chart)",
  "figure(chart)",
  `const results = await live({ pixel: run(300), MFD: run(400) });
   console.log(results.pixel.steps + results.MFD.steps);`,
  `setTimeout(() => process.kill(process.pid, "SIGINT"), 500);
   const before = process.listenerCount("SIGINT");
   const stopped = await live({ endless: run(1e9) });
   const after = process.listenerCount("SIGINT");`,
  "console.log(stopped.endless, after);",
  `for (let i = 0; i < 1500; i++) console.log(i);`,
  `import { datasets, diffusion } from "tangent-lab";
   import { table } from "tangent-lab/viz";
   const circle = datasets.circle();
   const denoiser = await diffusion.train(circle, { steps: 4, batchSize: 8 });`,
  "circle",
  "denoiser",
  `const both = await live({ again: diffusion.train(circle, { steps: 4, batchSize: 8 }) });`,
  "both",
  `table([{ name: "a", loss: 0.5 }])`,
  `show(table([{ name: "a", loss: 0.5 }]))`,
  "({ within: circle })",
];

let outputs: Output[][] = [];
const charts = (cell: number): Output[] =>
  outputs[cell]!.filter((output) => output.data && vegaLite in output.data);
const printed = (cell: number): string =>
  outputs[cell]!.filter((output) => output.output_type === "stream")
    .map((output) => textOf(output.text))
    .join("");

if (reasonToSkip) {
  console.log(`skipped: ${reasonToSkip}`);
} else {
  test.before(async () => {
    outputs = await executeCells(cells);
  });

  test("a chart is one output: Vega-Lite, a PNG of the same size and text, and no HTML, which front ends would prefer", () => {
    for (const cell of [2, 3]) {
      const [chart] = charts(cell);
      assert.is(charts(cell).length, 1);
      assert.equal(Object.keys(chart!.data!).sort(), [vegaLite, "image/png", "text/plain"]);
      assert.type(chart!.data![vegaLite], "object");
      const png = Buffer.from(textOf(chart!.data!["image/png"]), "base64");
      assert.is(png.toString("latin1", 1, 4), "PNG");
      const size = chart!.metadata!["image/png"] as { width: number };
      assert.is(size.width * 2, png.readUInt32BE(16));
      assert.match(textOf(chart!.data!["text/plain"]), /loss against training step; 3 data rows/);
    }
    assert.is(printed(2), "");
  });

  test("live shows progress and a chart, each one output that is replaced in place, and resolves to the results", () => {
    const displays = outputs[4]!.filter((output) => output.output_type === "display_data");
    assert.is(displays.length, 2);
    const [progress, chart] = displays;
    // The first version of this output said 0 steps.
    assert.match(textOf(progress!.data!["text/plain"]), /pixel {2}300\/300 .*\nMFD {2}400\/400 .*\ndone/);
    assert.match(textOf(progress!.data!["text/html"]), /<progress value="400" max="400"/);
    assert.equal(Object.keys(chart!.data!).sort(), [vegaLite, "image/png", "text/plain"]);
    assert.ok(printed(4).includes("700\n"), printed(4));
  });

  test("an interrupt stops the run in order, keeps the cell's variables and puts the kernel's own handlers back", () => {
    assert.match(printed(5), /closed at some step/);
    assert.match(textOf(outputs[5]![0]!.data!["text/plain"]), /stopped$/);
    assert.is(printed(6), "undefined 1\n");
  });

  test("a dataset, a trained model and what live gives show a picture and say what they are as a cell's last expression", () => {
    for (const [cell, says] of [
      [9, /Dataset circle: generated examples \[2\]/],
      [10, /Trained denoiser "denoiser" of circle: [\d,]+ parameters, 4 steps/],
      [12, /again: Trained denoiser/],
    ] as const) {
      assert.is(charts(cell).length, 1, `cell ${cell}`);
      assert.ok("image/png" in charts(cell)[0]!.data!);
      assert.match(printed(cell), says);
    }
    assert.is(charts(15).length, 0, "no picture of what is within something else");
    assert.match(printed(15), /within: Dataset circle/);
  });

  test("a table is HTML, with text for those who have none", () => {
    for (const cell of [13, 14]) {
      const [shown] = outputs[cell]!.filter((output) => output.output_type === "display_data");
      assert.match(textOf(shown!.data!["text/html"]), /^<table .*0\.5/);
      assert.match(textOf(shown!.data!["text/plain"]), /a\s+0\.5/);
      assert.is(printed(cell).trim(), "");
    }
  });

  test("no message is lost, however many a cell sends at once", () => {
    assert.is(printed(7), Array.from({ length: 1500 }, (_, i) => `${i}\n`).join(""));
  });
}

test.run();
