import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { fromArray } from "../../datasets/index.js";
import { studies } from "../../src/experiments/index.js";
import { type CellRuns, runStudy } from "../../src/experiments/run-study.js";
import { finishedSteps, plannedSteps } from "../../src/experiments/schedule.js";
import type { Cell, Study, StudyPlan } from "../../src/experiments/study.js";
import { summarize } from "../../src/experiments/summary.js";
import { rejection } from "../rejection.js";
import { benchIn, type CountingBench, cell, plan, stage } from "./tiny-study.js";

let folder: string;
test.before.each(async () => {
  folder = await mkdtemp(join(tmpdir(), "tangent-lab-study-"));
});
test.after.each(() => rm(folder, { recursive: true }));

const study: Study = {
  name: "test",
  title: "Test",
  question: "?",
  measures: ["steps", "metric", "parallel", "direction", "manifoldDistance"],
  plan: () => plan,
};

const bench = (stopAt?: string): CountingBench => benchIn(folder, stopAt);

test("data of one class, or without, are refused where a classifier measures, before anything is trained", async () => {
  const images = (labels?: number[]) => fromArray(new Float32Array(4 * 64), [8, 8, 1], labels);
  const measured = (labels?: number[]): [StudyPlan, ReturnType<typeof bench>] => {
    const cells = [cell("pixel", { name: "pixel" }, [1e-3], { dataset: "images", judge: stage })];
    return [
      { ...plan, cells },
      { ...bench(), dataset: async () => images(labels) as never },
    ];
  };
  for (const labels of [undefined, [3, 3, 3, 3]]) {
    const [cells, place] = measured(labels);
    const error = await rejection(runStudy(cells, place));
    assert.match(error.message, /invalid dataset; given: "images"; allowed: a dataset with classes/);
    assert.equal(place.trained, []);
  }
});

test("a study tunes on its own seeds, reports on others, and compares runs with the same seed", async () => {
  const self = bench();
  const runs = (await runStudy(plan, self))!;
  const [pixel, mfd] = runs;
  assert.equal(self.trained.slice(0, 4), [
    "circle: denoiser",
    "circle: pixel, rate 0.0001, seed 0",
    "circle: pixel, rate 0.01, seed 0",
    `circle: pixel, rate ${pixel!.learningRate}, seed 1`,
  ]);
  assert.equal(self.trained.slice(4), [
    "circle: features",
    "circle: MFD, rate 0.001, seed 1",
    `circle: pixel, rate ${pixel!.learningRate}, seed 2`,
    "circle: MFD, rate 0.001, seed 2",
  ]);
  const best = Math.min(...pixel!.tuning.map(({ value }) => value!));
  assert.is(pixel!.tuning.find(({ value }) => value === best)!.learningRate, pixel!.learningRate);
  assert.equal([mfd!.tuning.length, mfd!.learningRate], [0, 1e-3]);

  const [panel] = summarize(study, plan, runs);
  assert.is(panel!.metric, "slicedWasserstein");
  const [a, b] = panel!.cells;
  assert.is(a!.outcomes.slicedWasserstein!.versus, null);
  const final = runs.map(({ results }) => results.map(({ values }) => values.slicedWasserstein!));
  const difference = final[1]!.reduce((sum, value, i) => sum + (value - final[0]![i]!) / 2, 0);
  assert.ok(Math.abs(b!.outcomes.slicedWasserstein!.versus!.mean - difference) < 1e-12);
  assert.equal(b!.outcomes["steps to 1000"]!.values, [0, 0], "reached before the first step");
  assert.equal(b!.outcomes["steps to 1e-9"]!.values, [null, null], "never reached");
  assert.equal(
    b!.curves.parallel!.map(({ step }) => step),
    [0, 3, 6],
  );
  assert.equal(
    b!.curves.direction!.map(({ step }) => step),
    [3, 6],
  );
});

test("what is finished is read again, what was interrupted continues to the same numbers", async () => {
  const label = "circle: MFD, rate 0.001, seed 1";
  const stopped = bench(label);
  assert.is(await runStudy(plan, stopped), undefined);
  assert.is(stopped.trained.at(-1), label);
  const again = bench();
  assert.is(await finishedSteps(plan, again), 2 * 5 + 6, "known before, for the time left");
  const runs = (await runStudy(plan, again))!;
  assert.equal(again.trained.length, 3, "only what was missing");
  assert.is(again.trained[0], label);
  assert.is(again.skipped, 2 * 5 + 6);

  const records = (list: typeof runs): unknown =>
    list.map((run) => run.results.map(({ seconds: _, ...result }) => result));
  await rm(join(folder, "runs"), { recursive: true });
  const whole = bench();
  assert.equal(records((await runStudy(plan, whole))!), records(runs));
  assert.not.ok(
    whole.trained.some((name) => name.includes("denoiser") || name.includes("features")),
    "those come from the cache",
  );
});

test("a learning rate that diverges on the tuning seeds is not chosen, and not tried again", async () => {
  const wild: StudyPlan = { ...plan, cells: [cell("pixel", { name: "pixel" }, [1e30, 1e-3])] };
  for (const trained of [5, 0]) {
    const self = bench();
    const [run] = (await runStudy(wild, self))!;
    assert.equal(
      run!.tuning.map(({ learningRate, value }) => [learningRate, value === null]),
      [
        [1e30, true],
        [1e-3, false],
      ],
    );
    assert.is(run!.learningRate, 1e-3);
    assert.is(self.trained.length, trained);
  }
});

test("where all learning rates diverge, or a reported run does, the study says which", async () => {
  const both = [cell("pixel", { name: "pixel" }, [1e30, 2e30])];
  const all = await rejection(() => runStudy({ ...plan, cells: both }, bench()));
  assert.equal([all.code, all.argument], ["not-finite", "learningRates"]);
  assert.match(all.message, "circle: pixel diverges at every learning rate");
  const one = [cell("pixel", { name: "pixel" }, [1e30])];
  const reported = await rejection(() => runStudy({ ...plan, cells: one }, bench()));
  assert.equal([reported.code, reported.given], ["not-finite", 1e30]);
  assert.match(reported.message, "circle: pixel, rate 1e+30, seed 1");
});

test("two at the same study, as processes of one folder are, share its trials and see the same results", async () => {
  const [a, b] = [bench(), bench()];
  const [first, second] = await Promise.all([runStudy(plan, a), runStudy(plan, b)]);
  const trials = [...a.trained, ...b.trained].filter((label) => label.includes("rate"));
  assert.is(trials.length, 6, "each trial once");
  assert.is(new Set(trials).size, 6);
  assert.equal(
    first!.map(({ results }) => results),
    second!.map(({ results }) => results),
  );
});

test("damaged weights in the cache are trained anew", async () => {
  const one: StudyPlan = { ...plan, cells: plan.cells.slice(1).map((each) => ({ ...each, arm: "pixel" })) };
  await runStudy(one, bench());
  await rm(join(folder, "runs"), { recursive: true });
  const cached = await readdir(join(folder, "cache"));
  assert.is(cached.length, 2);
  for (const name of cached) await writeFile(join(folder, "cache", name, "state.safetensors"), "half");
  const anew = bench();
  assert.ok(await runStudy(one, anew));
  assert.equal(anew.trained.slice(0, 2), ["circle: denoiser", "circle: features"]);
  const file = await readFile(join(folder, "cache", cached[0]!, "state.safetensors"));
  assert.ok(file.length > 100, "and kept again");
});

test("a run's folder says nothing of where it is", async () => {
  await runStudy(plan, bench());
  for (const name of await readdir(join(folder, "runs"), { recursive: true })) {
    if (!/\.(json|jsonl)$/.test(name)) continue;
    assert.not.match(await readFile(join(folder, "runs", name), "utf8"), folder);
  }
});

test("a damaged result is named", async () => {
  await runStudy(plan, bench());
  const name = (await readdir(join(folder, "runs"))).find((each) => each.endsWith(".json"))!;
  await writeFile(join(folder, "runs", name), "{");
  const error = await rejection(() => runStudy(plan, bench()));
  assert.is(error.code, "corrupt-file");
  assert.match(error.message, name);
});

test("seeds that are tuned on are not reported, none is refused, and one has no interval", async () => {
  const refused = (seeds: StudyPlan["seeds"]): Promise<{ argument: string | undefined }> =>
    rejection(() => runStudy({ ...plan, seeds }, bench()));
  assert.is((await refused({ tune: [1], report: [1, 2] })).argument, "seeds");
  assert.is((await refused({ tune: [0], report: [] })).argument, "seeds");
  const one = { ...plan, seeds: { tune: [0], report: [1] } };
  const [panel] = summarize(study, one, (await runStudy(one, bench()))!);
  const { interval, versus } = panel!.cells[1]!.outcomes.slicedWasserstein!;
  assert.ok(Number.isFinite(interval!.mean) && Number.isFinite(versus!.mean));
  assert.equal([interval!.low, interval!.high, versus!.low, versus!.high], [null, null, null, null]);
});

/** A run whose deciding metric falls by straight lines to `end` in 100 steps. */
const made = (own: Cell, ends: number[]): CellRuns => ({
  cell: own,
  learningRate: 1e-3,
  tuning: [],
  tuningSeconds: 0,
  results: ends.map((end) => ({
    engine: "cpu",
    seconds: 1,
    values: { slicedWasserstein: end },
    curves: {
      slicedWasserstein: [
        { step: 0, value: 10 + end },
        { step: 100, value: end },
      ],
    },
    chance: null,
    samples: null,
  })),
});

test("readings after steps and examples, and how a ratio changes along the axis", () => {
  const at = (arm: string, size: number): Cell => ({
    ...cell(arm, { name: "pixel" }, [1e-3]),
    at: size,
    batchSize: size,
  });
  const own: StudyPlan = {
    ...plan,
    targets: { circle: [5] },
    readings: { steps: [50], examples: [200] },
  };
  const axis: Study = { ...study, axis: "batch size", measures: ["readings", "metric", "steps"] };
  // MFD is half of pixel at 2, the same at 4, twice at 8, with both seeds.
  const runs = [2, 4, 8].flatMap((size) => [
    made(at("pixel", size), [4, 8]),
    made(at("MFD", size), [size, 2 * size]),
  ]);
  const [panel] = summarize(axis, own, runs);
  const { outcomes } = panel!.cells[0]!;
  assert.equal(outcomes["slicedWasserstein after 50 steps"]!.values, [9, 13]);
  assert.equal(outcomes["slicedWasserstein after 200 examples"]!.values, [4, 8], "at 2: 100 steps");
  assert.equal(panel!.cells[4]!.outcomes["slicedWasserstein after 200 examples"]!.values, [11.5, 15.5]);
  assert.equal(outcomes["steps to 5"]!.values, [90, null], "targets of this panel");
  const { factor } = panel!.trends.find(({ measure }) => measure === "slicedWasserstein")!;
  assert.ok(Math.abs(factor.mean - 2) < 1e-9 && factor.low! > 1.99, "the ratio doubles at each doubling");

  const short = summarize(axis, own, runs.slice(0, 4));
  assert.equal(short[0]!.trends, [], "two places are no trend");
});

test("an arm that needs what is not there says so", () => {
  const own = cell("perceptual", { name: "perceptual" }, [1e-3]);
  const before = process.env.EFFICIENTNET_LITE0;
  process.env.EFFICIENTNET_LITE0 = join(folder, "none.safetensors");
  try {
    assert.match(own.missing!()!, /none\.safetensors \(EFFICIENTNET_LITE0\) is not there; docs\/weights\.md/);
  } finally {
    if (before === undefined) delete process.env.EFFICIENTNET_LITE0;
    else process.env.EFFICIENTNET_LITE0 = before;
  }
  assert.is(cell("pixel", { name: "pixel" }, [1e-3]).missing, undefined);
});

test("every study's plans are consistent: known data, a reference in each panel, quick ones small", async () => {
  for (const { name, plan, measures } of studies) {
    assert.ok(measures.length > 0);
    for (const quick of [true, false]) {
      const { cells, seeds, reference } = plan(quick);
      assert.ok(seeds.report.length >= 3, `${name}: three seeds`);
      assert.not.ok(seeds.report.some((seed) => seeds.tune.includes(seed)));
      for (const panel of new Set(cells.map((each) => each.panel)))
        assert.ok(
          cells.some((each) => each.panel === panel && each.arm === reference),
          `${name}: ${panel} has a reference`,
        );
      if (quick) assert.ok(plannedSteps(plan(quick)) < 10_000, `${name}: quick`);
    }
  }
});

test.run();
