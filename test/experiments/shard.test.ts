import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import fc from "fast-check";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { joinReport } from "../../src/cli/report-folder.js";
import { mergeStudies, type PlanRecord, planText } from "../../src/experiments/merge.js";
import { runShard, runStudy } from "../../src/experiments/run-study.js";
import { plannedSteps, type Shard, slotsOf } from "../../src/experiments/schedule.js";
import type { StudyPlan } from "../../src/experiments/study.js";
import { rejection } from "../rejection.js";
import { benchIn, plan } from "./tiny-study.js";

let folder: string;
test.before.each(async () => {
  folder = await mkdtemp(join(tmpdir(), "tangent-lab-shard-"));
});
test.after.each(() => rm(folder, { recursive: true }));

const record: PlanRecord = {
  study: "test",
  quick: true,
  seeds: { tune: [0], report: [1, 2] },
  cells: { "circle, pixel": { steps: 6 } },
  engine: "onnx",
  versions: { "tangent-lab": "1" },
};

const shards = (count: number): Shard[] => Array.from({ length: count }, (_, index) => ({ index, count }));

test("each trial of a plan is in one shard, and its shard is known before rates are chosen", () => {
  const name = ({ cell, seed, learningRate, purpose }: ReturnType<typeof slotsOf>[number]): string =>
    [cell.arm, seed, learningRate, purpose].join();
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 12 }),
      fc.integer({ min: 2, max: 6 }),
      fc.integer({ min: 1, max: 3 }),
      (count, reported, tuned) => {
        const seeds = {
          tune: Array.from({ length: tuned }, (_, i) => i),
          report: Array.from({ length: reported }, (_, i) => tuned + i),
        };
        const all: StudyPlan = { ...plan, seeds };
        const parts = shards(count).map((shard) => slotsOf(all, shard).map(name));
        assert.equal(parts.flat().sort(), slotsOf(all).map(name).sort());
        assert.is(new Set(parts.flat()).size, 2 * tuned + 2 * reported);
        const sizes = parts.map(({ length }) => length);
        assert.ok(Math.max(...sizes) - Math.min(...sizes) <= 1);
      },
    ),
  );
  const own = (shard?: Shard): number => plannedSteps({ ...plan, cells: plan.cells.slice(0, 1) }, shard);
  assert.is(own(), 2 * 5 + 2 * 6 + 4, "all and the denoiser");
  assert.equal(shards(2).map(own), [5 + 6 + 4, 5 + 6 + 4], "each with the denoiser that it needs");
});

test("shards on machines of their own: tuning, joined, reports, joined: the numbers of one machine, nothing done twice", async () => {
  const whole = (await runStudy(plan, benchIn(join(folder, "whole"))))!;
  const machines = shards(3).map(({ index }) => join(folder, `machine-${index}`));
  const trained: string[] = [];
  const pass = async (): Promise<(number | undefined)[]> => {
    const waiting = [];
    for (const shard of shards(3)) {
      const place = machines[shard.index]!;
      await joinReport(place, "plan.json", record);
      const bench = benchIn(place);
      waiting.push((await runShard(plan, bench, shard))!.waiting);
      trained.push(...bench.trained.filter((label) => label.includes("rate")));
    }
    return waiting;
  };
  const joined = join(folder, "joined");
  // Two trials choose between two rates of "pixel", in two shards; its reported ones are in shards 3 and 2, those of "MFD", of one rate, in 1 and 3.
  assert.equal(await pass(), [0, 1, 1]);
  assert.is(trained.length, 4);
  assert.equal(await mergeStudies(machines, joined), { plan: record, trials: 4, added: 4 });
  for (const machine of machines) await mergeStudies([joined], machine);
  assert.equal(await pass(), [0, 0, 0]);
  assert.equal([trained.length, new Set(trained).size], [6, 6]);
  assert.equal(await mergeStudies(machines, joined), { plan: record, trials: 6, added: 2 });
  assert.equal((await mergeStudies(machines, joined)).added, 0, "again: nothing new");

  const last = benchIn(joined);
  const runs = (await runStudy(plan, last))!;
  assert.equal(last.trained, [], "all is there");
  const numbers = (list: typeof runs): unknown =>
    list.map(({ learningRate, tuning, results }) => [
      learningRate,
      tuning,
      results.map(({ seconds: _, ...result }) => result),
    ]);
  assert.equal(numbers(runs), numbers(whole));
});

test("shards in a common folder wait for the rates that others are at, and need no joining", async () => {
  const benches = shards(2).map(() => benchIn(folder));
  const states = await Promise.all(shards(2).map((shard, i) => runShard(plan, benches[i]!, shard)));
  assert.equal(states, [
    { done: 3, waiting: 0 },
    { done: 3, waiting: 0 },
  ]);
  const labels = benches.map(({ trained }) => trained.filter((label) => label.includes("rate")));
  assert.equal(
    labels.map(({ length }) => length),
    [3, 3],
  );
});

test("a stopped shard has no state, and goes on", async () => {
  const label = "circle: pixel, rate 0.0001, seed 0";
  assert.is(await runShard(plan, benchIn(folder, label), { index: 0, count: 6 }), undefined);
  const again = benchIn(folder);
  assert.equal(await runShard(plan, again, { index: 0, count: 6 }), { done: 1, waiting: 0 });
  assert.equal(again.trained, [label]);
});

async function study(name: string, changed: Partial<PlanRecord> = {}): Promise<string> {
  const path = join(folder, name);
  await joinReport(path, "plan.json", { ...record, ...changed });
  await mkdir(join(path, "runs"), { recursive: true });
  await writeFile(join(path, "runs", "circle-seed-1-0123abcd.json"), '{"diverged":"at step 3"}\n');
  return path;
}

const changes: [string, Partial<PlanRecord>][] = [
  ["study", { study: "other" }],
  ["seeds", { seeds: { tune: [0], report: [1, 2, 3] } }],
  ["cells", { cells: { "circle, pixel": { steps: 7 } } }],
  ["engine", { engine: "wasm" }],
  ["versions", { versions: { "tangent-lab": "2" } }],
];

for (const [part, change] of changes)
  test(`folders with another ${part} are not joined, nor into one`, async () => {
    const [a, b] = [await study("a"), await study("b", change)];
    for (const [folders, out] of [
      [[a, b], join(folder, "out")],
      [[a], b],
    ] as const) {
      const error = await rejection(mergeStudies(folders, out));
      assert.equal([error.code, error.argument], ["invalid-argument", "folders"]);
      assert.match(error.message, `another ${part}`);
    }
    assert.equal((await readdir(folder)).sort(), ["a", "b"], "nothing was written");
    assert.is(await readFile(join(b, "plan.json"), "utf8"), planText({ ...record, ...change }));
  });

test("what is not ours, missing or damaged is refused before anything is copied", async () => {
  const a = await study("a");
  const out = join(folder, "out");
  const photos = join(folder, "photos");
  await mkdir(photos);
  await writeFile(join(photos, "plan.json"), planText(record));
  for (const [folders, target, code, message] of [
    [[], out, "invalid-argument", /invalid folders/],
    [[a, 3], out, "invalid-argument", /invalid folders; given: 3/],
    [[a], undefined, "invalid-argument", /invalid out/],
    [[a, join(folder, "nowhere")], out, "file-system", /nowhere is no folder that tangent-lab wrote/],
    [[photos], out, "file-system", /photos is no folder that tangent-lab wrote/],
    [[a], photos, "file-system", /photos is no folder that tangent-lab wrote/],
  ] as const) {
    const error = await rejection(mergeStudies(folders as unknown as string[], target as string));
    assert.is(error.code, code);
    assert.match(error.message, message);
  }
  await writeFile(join(a, "runs", "circle-seed-2-0123abcd.json"), "{");
  const damaged = await rejection(mergeStudies([a], out));
  assert.is(damaged.code, "corrupt-file");
  assert.match(damaged.message, "circle-seed-2-0123abcd.json");
  assert.equal((await readdir(folder)).sort(), ["a", "photos"]);
  assert.equal(await readdir(photos), ["plan.json"]);
});

test("of a trial that two folders have the first counts, and what is there stays", async () => {
  const [a, b, out] = [await study("a"), await study("b"), join(folder, "out")];
  const name = "circle-seed-1-0123abcd.json";
  await writeFile(join(b, "runs", name), '{"diverged":"at step 4"}\n');
  await writeFile(join(b, "runs", ".hidden-0123abcd.json"), "a file of the system's");
  assert.equal((await mergeStudies([a, b], out)).trials, 1);
  assert.equal((await mergeStudies([b], out)).added, 0);
  assert.match(await readFile(join(out, "runs", name), "utf8"), "at step 3");
  assert.not.ok((await readdir(out)).includes(".tangent-lab.lock"), "the folder is free again");
});

test("the trials that the repository keeps can be joined, as its documents say", async () => {
  const kept = fileURLToPath(new URL("../../docs/trials", import.meta.url));
  const names = await readdir(kept);
  assert.ok(names.length >= 4);
  for (const name of names) {
    const files = await readdir(join(kept, name, "runs"));
    const { plan, trials } = await mergeStudies([join(kept, name)], join(folder, name));
    assert.equal([plan.study, plan.quick, trials], [name, false, files.length]);
  }
});

test("a shard does not join a folder of another plan, or one of the user's", async () => {
  const a = await study("a");
  const error = await rejection(joinReport(a, "plan.json", { ...record, engine: "wasm" }));
  assert.is(error.argument, "--out");
  assert.match(error.message, /another engine; given: "engine = \\"wasm\\""; allowed: engine = "onnx"/);
  const photos = join(folder, "photos");
  await mkdir(photos);
  await writeFile(join(photos, "a.jpg"), "mine");
  assert.match((await rejection(joinReport(photos, "plan.json", record))).message, /photos holds "a\.jpg"/);
  assert.equal(await readdir(photos), ["a.jpg"]);
});

test.run();
