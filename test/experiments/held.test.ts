import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { byName } from "../../datasets/index.js";
import { exclusively, pause } from "../../src/experiments/prepare.js";
import { runStudy } from "../../src/experiments/run-study.js";
import type { StudyPlan } from "../../src/experiments/study.js";
import { trainingName } from "../../src/experiments/weights.js";
import { benchIn, cell, plan, stage } from "./tiny-study.js";

test("trials that need what another process is preparing are left until all others are done", async () => {
  const folder = await mkdtemp(join(tmpdir(), "tangent-lab-held-"));
  try {
    const bench = benchIn(folder);
    const two: StudyPlan = {
      ...plan,
      cells: ["circle", "spiral"].map((dataset) => cell("pixel", { name: "pixel" }, [1e-3], { dataset })),
    };
    const denoiser = await trainingName("circle-denoiser", await byName("circle"), { ...stage, seed: 0 });
    let free = (): void => {};
    const other = exclusively(
      join(bench.folder, denoiser),
      new AbortController().signal,
      () => new Promise<void>((resolve) => (free = resolve)),
    );
    const running = runStudy(two, bench);
    const ofSpiral = (): string[] => bench.trained.filter((label) => label.startsWith("spiral"));
    for (let i = 0; i < 300 && ofSpiral().length < 3; i++) await setTimeout(20);
    assert.is(ofSpiral().length, 3, "the denoiser and two seeds");
    await setTimeout(200);
    assert.equal(bench.trained, ofSpiral(), "nothing of the circle yet");
    free();
    await other;
    const runs = (await running)!;
    assert.equal(
      runs.map(({ results }) => results.length),
      [2, 2],
    );
    assert.is(bench.trained.length, 6, "each once");
  } finally {
    await rm(folder, { recursive: true });
  }
});

test("work of others is looked at soon, and the wait is not a fifth longer than it had to be", () => {
  let waited = 0;
  for (let looks = 0; looks < 60; looks++) {
    const next = pause(looks);
    assert.ok(next >= 50 && next <= 2000);
    assert.ok(next <= 50 + waited / 5 + 1e-9, `${next} ms after ${waited}`);
    waited += next;
  }
});

test.run();
