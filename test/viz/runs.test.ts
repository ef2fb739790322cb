import { test } from "uvu";
import * as assert from "uvu/assert";
import { TangentLabError } from "../../src/errors.js";
import * as viz from "../../viz/index.js";
import { reportData } from "./report-data.js";

const [points, images] = reportData().comparisons as [
  viz.Runs & ReturnType<typeof reportData>["comparisons"][number],
  ReturnType<typeof reportData>["comparisons"][number],
];
const [pixel, mfd] = points.runs as [(typeof points.runs)[0], (typeof points.runs)[0]];
/** As `viz.live` gives them. */
const byName = { pixel: { record: pixel }, MFD: { record: mfd } };

test("charts take runs by name, in a list, alone or compared, and draw what their rows say", () => {
  const rows = (run: typeof pixel) => ({
    name: run.name,
    recordings: run.probes.map(({ step, parallel }) => ({ step, values: parallel })),
  });
  const chance = pixel.probeSet!.chance;
  const plain = viz.parallelShare({ runs: [rows(pixel), rows(mfd)], chance });
  assert.equal(viz.parallelShare(byName), plain);
  assert.equal(viz.parallelShare([pixel, mfd]), plain);
  assert.equal(viz.parallelShare([{ record: pixel }, mfd]), plain);
  assert.equal(viz.parallelShare(pixel), viz.parallelShare({ runs: [rows(pixel)], chance }));
  assert.equal(viz.parallelShare({ ...points, runs: [pixel, mfd] }), plain);
  const renamed = viz.parallelShare({ a: pixel, b: { record: mfd } });
  assert.match(JSON.stringify(renamed.title), /a \d+%, b \d+%/);
});

test("options come before what runs have", () => {
  const own = viz.parallelShare(byName, { title: "Mine", chance: 0.5, width: 300 });
  assert.match(JSON.stringify(own), /Mine.*50%/);
  const curve = (metric: string) => JSON.stringify(viz.metricCurves(byName, { metric }));
  assert.match(curve("slicedWasserstein"), /[Ss]liced Wasserstein distance/);
  assert.match(JSON.stringify(viz.metricCurves(byName)), /[Ll]oss after 300 steps/);
});

test("every chart of runs draws points and images", () => {
  for (const runs of [points, images]) {
    const charts = [viz.directionChange, viz.oscillationMap, viz.directionPerProbe, viz.tangentExplorer];
    for (const chart of [...charts, viz.trajectories, viz.tangentField])
      assert.ok(JSON.stringify(chart(runs)).length > 1000, chart.name);
  }
  assert.ok(viz.sampleScatter(points));
  assert.ok(viz.sampleGrids(images));
  assert.match(JSON.stringify(viz.tangentField(byName, { projection: "pca" })), /PC/);
});

test("runs without tangents and unknown metrics are refused by name", () => {
  const refused = (body: () => unknown): string | undefined => {
    try {
      body();
    } catch (error) {
      return (error as TangentLabError).argument;
    }
    return undefined;
  };
  const bare = { ...pixel, probes: [], probeSet: null };
  assert.is(
    refused(() => viz.parallelShare({ bare })),
    "runs",
  );
  assert.is(
    refused(() => viz.metricCurves(byName, { metric: "fid" })),
    "metric",
  );
  assert.is(
    refused(() => viz.parallelShare(byName, null as never)),
    "options",
  );
  assert.ok(TangentLabError);
});

test.run();
