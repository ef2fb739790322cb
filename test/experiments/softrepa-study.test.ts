import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { runStudy } from "../../src/experiments/run-study.js";
import { quickPlan, type SoftRepaPlan } from "../../src/experiments/softrepa/plan.js";
import { softRepaStudy, softrepa } from "../../src/experiments/softrepa/study.js";
import { summarize } from "../../src/experiments/summary.js";
import { renderStudy } from "../../viz/report/study.js";
import { benchIn } from "./tiny-study.js";

const [, hard] = quickPlan.arms;
const tiny: SoftRepaPlan = {
  ...quickPlan,
  flow: { ...quickPlan.flow, layers: 2, heads: 1, headDim: 8, steps: 3, batchSize: 4 },
  judge: { ...quickPlan.judge, steps: 2, batchSize: 4 },
  arms: [{ ...hard!, steps: 2, batchSize: 2 }],
  generate: { images: 4, steps: 2, guidance: 1, curve: { images: 4, guidance: [1, 3] } },
  information: { captions: 2, times: [0.4, 0.8], draws: 1, fit: 1 },
  edit: { ...quickPlan.edit, starts: [] },
  probes: 0,
  examples: 2,
};

test("the study from nothing to its report; what is finished is not done again", async () => {
  const folder = await mkdtemp(join(tmpdir(), "tangent-lab-softrepa-"));
  try {
    const plan = softRepaStudy(tiny);
    const two = { ...plan, seeds: { ...plan.seeds, report: plan.seeds.report.slice(0, 2) } };
    const bench = benchIn(folder);
    const runs = (await runStudy(two, bench))!;
    assert.equal(bench.trained, [
      ...["pairs: dual-encoder", "pairs-corrupted: flow", "pairs: hard negatives", "pairs: flow"],
      "pairs: hard negatives", // with the second seed: the flows are the same
    ]);
    const details = softrepa.details!(runs);
    assert.equal(
      details.mended.arms.map(({ name }) => name),
      ["none", "hard negatives", "oracle"],
    );
    assert.equal([details.mended.seeds, details.mended.pictures], [[10, 11], { seen: 4, "held-out": 4 }]);
    assert.equal(Object.keys(details.examples[0]!.images), ["none", "hard negatives", "oracle"]);

    const again = benchIn(folder);
    const before = await readdir(again.folder);
    assert.equal(softrepa.details!((await runStudy(two, again))!), details);
    assert.equal([again.trained, await readdir(again.folder)], [[], before]);

    const html = await renderStudy({
      ...{ name: "softrepa", title: "Test", question: "?", date: new Date(0).toISOString(), seconds: 1 },
      ...{ quick: true, axis: null, measures: softrepa.measures, seeds: two.seeds, settings: {} },
      ...{ machine: {}, versions: {}, panels: summarize(softrepa, two, runs), details },
    });
    for (const text of ["What can be mended", "hard negatives", "McNemar", details.examples[0]!.captions[0]!])
      assert.ok(html.includes(text), text);
    assert.not(html.includes("could not be drawn"), "every chart is there");
  } finally {
    await rm(folder, { recursive: true });
  }
});

test.run();
