import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { objects } from "../../datasets/index.js";
import * as random from "../../src/engine/random.js";
import { measuresOf } from "../../src/experiments/softrepa/arm.js";
import { drawEdits } from "../../src/experiments/softrepa/edits.js";
import { softRepaJob } from "../../src/experiments/softrepa/job.js";
import { type ArmPlan, quickPlan, type SoftRepaPlan } from "../../src/experiments/softrepa/plan.js";
import type { SoftRepaRecord } from "../../src/experiments/softrepa/record.js";

import { renderSoftRepa } from "../../viz/report/softrepa.js";

const [, hard, denoising] = quickPlan.arms as [ArmPlan, TokenArm, ArmPlan];
type TokenArm = ArmPlan & { trains: "tokens" };
const short = { steps: 2, batchSize: 3 };
const tiny: SoftRepaPlan = {
  flow: { ...quickPlan.flow, layers: 2, heads: 2, headDim: 8, steps: 3, batchSize: 4 },
  corruption: { share: 0.5, seed: 0 },
  judge: { ...quickPlan.judge, steps: 2, batchSize: 4 },
  arms: [
    { ...hard, ...short, layers: 1, tokens: 2, timeRows: 100 },
    { ...denoising, ...short },
  ],
  generate: { images: 6, steps: 2, guidance: 2, curve: { images: 4, guidance: [2, 3] } },
  information: { captions: 3, times: [0.3, 0.8], draws: 1, fit: 1 },
  edit: { ...quickPlan.edit, images: 4, steps: 2, starts: [2] },
  probes: 16,
  examples: 3,
};

test("the job from nothing to a report", async () => {
  const folder = mkdtempSync(join(tmpdir(), "tangent-lab-"));
  const data = objects();
  try {
    const record = (await softRepaJob(data, tiny, 1, {
      ...{ folder, resume: false, cache: undefined, signal: new AbortController().signal },
      follow: async (run) => run,
    }))!;
    const all = record.runs.find(({ name }) => name === "none")!.parameters;
    assert.equal(
      record.arms.map(({ name, trained }) => [name, trained]),
      [
        ["none", 0],
        ["hard negatives", 2 * 16 + 100 * 16],
        ["full, denoising", all],
        ["oracle", all],
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
      record.strips.frames["hard negatives"]!.map(({ shape }) => shape),
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

test("an arm's numbers have names that say what they are of", () => {
  const quality = {
    ...{ guidance: 1, right: "10", bound: 0.75, repeated: 0.25 },
    agreement: { overall: 0.5, byAttribute: { colour: 0.6 } },
    ...{ dualScore: 0.7, frechet: 1 },
  };
  const values = measuresOf({
    name: "soft tokens",
    trained: 12,
    alignment: { probe: { colour: 0.9 }, cknna: 0.3 },
    editing: [{ start: 0.75, changed: 0.1, kept: 0.2, target: 0.3, distance: 0.4 }],
    stepTime: 1,
    curve: [{ ...quality, guidance: 3, frechet: 2 }],
    splits: { seen: { ...quality, information: { bound: 0.8, ceiling: 1, accuracy: 0.9, times: [] } } },
  });
  assert.equal(values, {
    "seen: all attributes right": 0.5,
    "seen: no binding swapped": 0.75,
    "seen: colour right": 0.6,
    "seen: one object twice": 0.25,
    "seen: dual encoder": 0.7,
    "seen: Fréchet distance": 1,
    "seen: information, nats": 0.8,
    "seen: captions told apart": 0.9,
    "guidance 3: all attributes right": 0.5,
    "guidance 3: Fréchet distance": 2,
    "probe: colour": 0.9,
    CKNNA: 0.3,
    "editing from 0.75: changed as asked": 0.1,
    "editing from 0.75: rest kept": 0.2,
    "editing from 0.75: all as asked": 0.3,
    "editing from 0.75: change of pixels": 0.4,
    "sampling step, ms": 1,
    "trained numbers": 12,
  });
});

test.run();
