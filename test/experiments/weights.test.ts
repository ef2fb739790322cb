import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { fromArray } from "../../datasets/index.js";
import * as random from "../../src/engine/random.js";
import { exclusively, prepareDenoiser, type Workplace } from "../../src/experiments/prepare.js";
import { type Bench, finished, runTrial, type Trial, type TrialResult } from "../../src/experiments/trial.js";
import { trainingName, weightsCache } from "../../src/experiments/weights.js";
import { rejection } from "../rejection.js";

const weights = suite<{ folder: string }>("weights");
weights.before.each((context) => {
  context.folder = mkdtempSync(join(tmpdir(), "tangent-lab-weights-"));
});
weights.after.each(({ folder }) => rmSync(folder, { recursive: true }));

const values = random.normal(random.key(0), 40);
const plan = { steps: 2, batchSize: 4, learningRate: 1e-3 };
const place = (folder: string, root: string, trained: string[] = []): Workplace => ({
  folder: join(folder, "runs"),
  resume: false,
  signal: new AbortController().signal,
  cache: weightsCache(root),
  follow: async (run, { label }) => {
    for await (const _ of run) trained.push(label);
    return run;
  },
});

weights("a training is named by all contents of its data: one example, the labels, their order", async () => {
  const labels = Array.from({ length: 20 }, (_, i) => i % 2);
  const name = (x: Float32Array, of?: number[]) => trainingName("a", fromArray(x, [2], of), {});
  const changed = values.slice();
  changed[0]! += 1e-3;
  const swapped = Float32Array.from([...values.slice(2, 4), ...values.slice(0, 2), ...values.slice(4)]);
  const names = [
    await name(values),
    await name(values, labels),
    await name(values, [1, ...labels.slice(1)]),
    await name(changed),
    await name(swapped),
  ];
  assert.is(new Set(names).size, names.length);
  assert.is(await name(values.slice(), labels.slice()), names[1]);
});

weights("a cache entry of another configuration is trained anew, and replaced", async ({ folder }) => {
  const root = join(folder, "cache");
  const data = fromArray(values, [2]);
  await prepareDenoiser(data, plan, 0, place(folder, root));
  const [first] = readdirSync(root);
  const config = join(root, first!, "config.json");
  writeFileSync(config, readFileSync(config, "utf8").replace('"seed": 0', '"seed": 5'));
  const trained: string[] = [];
  await prepareDenoiser(data, plan, 0, place(folder, root, trained));
  assert.ok(trained.length > 0);
  assert.match(readFileSync(config, "utf8"), /"seed": 0/);
});

weights(
  "a cache that cannot be written is a warning, never an end, and nothing of the user's is replaced there",
  async ({ folder }) => {
    const said: string[] = [];
    const { warn } = console;
    console.warn = (message: string) => said.push(message);
    try {
      writeFileSync(join(folder, "file"), "mine");
      const cache = weightsCache(join(folder, "file", "weights"));
      await cache.check();
      await prepareDenoiser(fromArray(values, [2]), plan, 0, place(folder, join(folder, "file", "weights")));
      assert.match(said[0]!, /weights are not kept.*cannot write .*weights.*--no-cache/);
      const name = await trainingName("array-denoiser", fromArray(values, [2]), { ...plan, seed: 0 });
      mkdirSync(join(folder, "cache", name), { recursive: true });
      writeFileSync(join(folder, "cache", name, "notes.txt"), "mine");
      await prepareDenoiser(fromArray(values, [2]), plan, 0, place(folder, join(folder, "cache")));
      assert.equal(readdirSync(join(folder, "cache", name)), ["notes.txt"]);
    } finally {
      console.warn = warn;
    }
  },
);

weights("a finished trial's file of wrong types is refused by name", async ({ folder }) => {
  const data = fromArray(values, [2]);
  const trial: Trial = {
    name: "trial",
    label: "a trial",
    dataset: "points",
    settings: {},
    steps: 1,
    run: async () => undefined,
  };
  const path = join(folder, `${await trainingName("trial", data, {})}.json`);
  const good = { engine: "cpu", seconds: 1, values: { a: 1 }, curves: {}, chance: null, samples: null };
  const wrong = ["null", "{}", "[]", JSON.stringify({ ...good, values: { a: "1" } }), "[".repeat(20_000)];
  for (const text of wrong) {
    writeFileSync(path, text);
    const error = await rejection(() => finished(trial, { folder, dataset: async () => data }));
    assert.is(error.code, "corrupt-file", text.slice(0, 20));
    assert.match(error.message, /trial-.*\.json .*; delete it to run it anew/);
  }
  writeFileSync(path, JSON.stringify(good));
  assert.equal(await finished(trial, { folder, dataset: async () => data }), { kind: "done", result: good });
});

weights(
  "a measure that is no number is none, for who did the trial and for who reads it",
  async ({ folder }) => {
    const data = fromArray(values, [2]);
    const result: TrialResult = {
      ...{ engine: "cpu", seconds: 1, chance: null, samples: null },
      values: { a: 1, b: Number.NaN, c: Number.POSITIVE_INFINITY },
      curves: { b: [{ step: 0, value: Number.NaN }] },
    };
    const trial: Trial = {
      ...{ name: "trial", label: "a trial", dataset: "points", settings: {}, steps: 1 },
      run: async () => result,
    };
    const bench: Bench = {
      ...place(folder, join(folder, "cache")),
      dataset: async () => data as Awaited<ReturnType<Bench["dataset"]>>,
      prepared: new Map(),
      skip: () => undefined,
    };
    const kept = { ...result, values: { a: 1 }, curves: { b: [{ step: 0, value: null }] } };
    for (const _ of ["done", "read"])
      assert.equal(await runTrial(trial, bench), { kind: "done", result: kept });
  },
);

weights(
  "work in a folder is done by one at a time, and a wait that is stopped is a stop",
  async ({ folder }) => {
    const work = join(folder, "shared");
    const stop = new AbortController();
    let free = (): void => {};
    const held = new Promise<void>((resolve) => {
      free = resolve;
    });
    const order: string[] = [];
    const first = exclusively(work, stop.signal, async () => {
      await held;
      order.push("first");
    });
    await setTimeout(100); // until it has the lock
    const second = exclusively(work, new AbortController().signal, async () => void order.push("second"));

    const data = fromArray(values, [2]);
    const trial: Trial = {
      name: "waiting",
      label: "a trial that waits",
      dataset: "points",
      settings: {},
      steps: 1,
      run: () => exclusively(work, stop.signal, async () => undefined),
    };
    const stopped = runTrial(trial, {
      ...place(folder, join(folder, "cache")),
      signal: stop.signal,
      dataset: async () => data as Awaited<ReturnType<Bench["dataset"]>>,
      prepared: new Map(),
      skip: () => undefined,
    });
    await setTimeout(100);
    stop.abort("SIGINT");
    assert.equal(await stopped, { kind: "stopped" });
    assert.equal(order, []);
    free();
    await Promise.all([first, second]);
    assert.equal(order, ["first", "second"]);
  },
);

weights.run();
