import { test } from "uvu";
import * as assert from "uvu/assert";
import { metricCurves, palette, runColors, sampleScatter, type VegaLiteSpec } from "../../viz/index.js";

test("pixel, MFD and both together have their colours in every chart, whatever stands beside them", () => {
  const [pixel, mfd, both] = palette;
  assert.equal(runColors(["pixel", "MFD", "pixel + MFD"]), [pixel, mfd, both]);
  assert.equal(runColors(["pixel + MFD", "MFD"]), [both, mfd]);
  // An arm that one chart of a report leaves out does not change the others' colours.
  const arms = ["pixel", "MFD untrained", "pixel + MFD", "perceptual"];
  const [, ...others] = runColors(arms);
  assert.equal(runColors(arms.slice(1)), others);
  assert.is(new Set(runColors(arms)).size, arms.length);
  assert.is(runColors(["mine", "pixel"])[1], pixel);
});

test("no two of up to seven runs have one colour", () => {
  const lists = [
    ["mine", "pixel + MFD"],
    ["pixel", "MFD", "MFD: noise", "MFD: mixup", "MFD: scale", "MFD: shift", "MFD: not trained"],
    ["pixel", "pixel + MFD", "a", "b", "c", "d", "e"],
    ["a", "b", "c", "d", "e", "f", "g"],
  ];
  for (const names of lists) assert.is(new Set(runColors(names)).size, names.length, names.join());
  assert.is(runColors(Array.from({ length: 20 }, (_, i) => `run ${i}`)).length, 20);
});

test("a run has one colour in lines and in panels", () => {
  const names = ["mine", "pixel + MFD", "MFD"];
  const curves = names.map((name) => ({ name, steps: [0, 1], values: [1, 2] }));
  const samples = { shape: [2, 2], values: [0, 0, 1, 1] };
  const charts: VegaLiteSpec[] = [
    metricCurves({ metric: "m", curves }),
    sampleScatter({ runs: names.map((name) => ({ name, frames: [{ step: 0, samples }] })) }),
  ];
  for (const spec of charts)
    for (const color of runColors(names)) assert.match(JSON.stringify(spec), `"${color}"`);
});

test.run();
