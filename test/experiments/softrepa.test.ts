import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { objects } from "../../datasets/index.js";
import * as random from "../../src/engine/random.js";
import { drawEdits } from "../../src/experiments/softrepa/edits.js";
import { mainPlan, type SoftRepaPlan } from "../../src/experiments/softrepa/plan.js";
import type { SoftRepaRecord } from "../../src/experiments/softrepa/record.js";
import { summarizeArms } from "../../src/experiments/softrepa/study.js";
import { softRepaTrial } from "../../src/experiments/softrepa/trial.js";
import { renderSoftRepa } from "../../viz/report/softrepa.js";

const quick = mainPlan(true);
const tiny: SoftRepaPlan = {
  flow: { ...quick.flow, layers: 2, heads: 2, headDim: 8, steps: 3, batchSize: 4 },
  judge: { ...quick.judge, steps: 2, batchSize: 4 },
  arms: [{ ...quick.arms[0]!, layers: 1, tokens: 2, steps: 2, batchSize: 3 }],
  generate: { images: 6, steps: 2, guidance: 2 },
  information: { captions: 3, batches: 1 },
  edit: { ...quick.edit, images: 4, steps: 2, starts: [2] },
  probes: 16,
  examples: 3,
};

test("a trial from nothing to a report", async () => {
  const folder = mkdtempSync(join(tmpdir(), "tangent-lab-"));
  const data = objects();
  try {
    const record = (await softRepaTrial(data, tiny, 1, {
      folder,
      resume: false,
      cache: undefined,
      signal: new AbortController().signal,
      follow: async (run) => run,
    }))!;
    assert.equal(
      record.arms.map(({ name, trained }) => [name, trained]),
      [
        ["without tokens", 0],
        ["soft tokens", 2 * 16 + 100 * 16],
      ],
    );
    assert.equal(Object.keys(record.arms[0]!.splits), ["seen", "held-out"]);
    assert.is(record.ceiling.seen!.overall, 1);
    assert.equal(
      record.attention!.layers.map(({ shape }) => shape),
      [[3, 4, 4, 1]],
    );
    assert.ok(record.attention!.layers[0]!.values.every((share) => share > 0 && share < 1));
    assert.equal(
      record.strips.frames["soft tokens"]!.map(({ shape }) => shape),
      [1, 2, 3].map(() => [4, 16, 16, 3]),
    );
    for (const { editing, alignment } of record.arms) {
      assert.ok(
        [editing[0]!.kept, editing[0]!.changed, alignment!.probe.colour!].every(
          (share) => share >= 0 && share <= 1,
        ),
      );
    }
    assert.equal(JSON.parse(JSON.stringify(record)), record);

    const report: SoftRepaRecord = {
      ...{
        title: "A <test>",
        date: new Date(0).toISOString(),
        seconds: 1,
        quick: true,
        dataset: "objects",
        shape: [16, 16, 3],
      },
      ...record,
      settings: { ...tiny },
      machine: {},
      versions: {},
    };
    const html = await renderSoftRepa(report);
    for (const text of [...record.examples[0]!.captions, record.strips.target[0]!, "A &#60;test&#62;"]) {
      assert.ok(html.includes(text), text);
    }
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test("edits change exactly one attribute, each in its turn", () => {
  const tasks = drawEdits(objects(), random.key(1), 8);
  const changed = tasks.from.map((from, i) =>
    Object.keys(from).filter((name) => from[name] !== tasks.to[i]![name]),
  );
  assert.equal(changed.flat(), [
    "colour",
    "shape",
    "size",
    "position",
    "colour",
    "shape",
    "size",
    "position",
  ]);
});

test("a study's summary: means with intervals, differences to the first arm of the same seed", () => {
  const arm = (name: string, overall: number) => ({
    name,
    trained: 0,
    alignment: null,
    editing: [],
    stepTime: 1,
    splits: {
      seen: {
        agreement: { overall, byAttribute: {} },
        dualScore: 0,
        frechet: 1,
        information: { bound: 0, ceiling: 1, accuracy: 0 },
      },
    },
  });
  const [, tokens] = summarizeArms([
    [arm("without tokens", 0.5), arm("soft tokens", 0.7)],
    [arm("without tokens", 0.3), arm("soft tokens", 0.5)],
  ]);
  const { values, interval, versus } = tokens!.outcomes.find(
    ({ measure }) => measure === "seen: all attributes right",
  )!;
  assert.equal(values, [0.7, 0.5]);
  assert.ok(Math.abs(interval.mean - 0.6) < 1e-9 && interval.low! < 0);
  assert.ok(Math.abs(versus!.mean - 0.2) < 1e-9 && versus!.high! - versus!.low! < 1e-6);
});

test.run();
