import { spawn } from "node:child_process";
import { cp, mkdtemp, readFile, rm, truncate, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import * as tf from "@tensorflow/tfjs-core";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { ct } from "../../src/consistency/ct.js";
import * as consistency from "../../src/consistency/index.js";
import { l1 } from "../../src/consistency/losses.js";
import { mfd } from "../../src/consistency/mfd.js";
import type { ConsistencyTraining } from "../../src/consistency/train.js";
import type { Tensor } from "../../src/engine/tensor.js";
import { checkpointFolder } from "../../src/io/checkpoint.js";
import { train } from "../../src/loop/train.js";
import * as manifold from "../../src/manifold/index.js";
import { mlp } from "../../src/nn/mlp.js";
import { adamw } from "../../src/optim/adam.js";
import { method } from "../../src/optim/method.js";
import { rejection } from "../rejection.js";
import { circle, network, smallRun } from "./runs.js";

let folder: string;
test.before.each(async () => {
  folder = await mkdtemp(join(tmpdir(), "tangent-lab-train-"));
});
test.after.each(() => rm(folder, { recursive: true }));

const bytes = (tensor: Tensor): Buffer => Buffer.from((tensor.dataSync() as Float32Array).slice().buffer);

test("a run says what it does and leaves a record that is plain data", async () => {
  const run = smallRun();
  const steps: number[] = [];
  for await (const event of run) {
    steps.push(event.step);
    assert.is(event.total, 40);
    assert.ok(Number.isFinite(event.metrics.loss));
  }
  assert.equal(steps, [5, 10, 15, 20, 25, 30, 35, 40]);
  const result = await run;
  assert.is(result, run.result);
  assert.is(result.parameters.size, run.record.parameters);
  assert.equal(JSON.parse(JSON.stringify(run.record)), run.record);
  assert.equal(
    run.record.losses.map(({ step }) => step),
    steps,
  );
});

test("training lowers the loss", async () => {
  const wide = mlp({ dim: 2, width: 64, depth: 3 });
  const { record } = await smallRun({
    network: wide,
    steps: 400,
    batchSize: 128,
    learningRate: 1e-2,
    eventEvery: 100,
  });
  const losses = record.losses.map(({ metrics }) => metrics.loss!);
  // The weighted loss of a denoiser that knows nothing is 1, and that of the best one is not 0.
  assert.ok(losses[3]! < 0.87 * losses[0]!, `${losses}`);
});

test("the same seed trains the same, another one differently", async () => {
  const [a, b, c] = [await smallRun(), await smallRun(), await smallRun({ seed: 4 })];
  assert.ok(bytes(a!.parameters).equals(bytes(b!.parameters)));
  assert.not.ok(bytes(a!.parameters).equals(bytes(c!.parameters)));
});

test("breaking out stops a run; what it reached stays", async () => {
  const run = smallRun();
  for await (const { step } of run) if (step === 10) break;
  assert.is(run.record.losses.at(-1)!.step, 10);
  assert.is(await run, run.result);
  assert.is(run.record.losses.at(-1)!.step, 10);
  const never = smallRun();
  await never[Symbol.asyncIterator]().return!();
  assert.is((await rejection(Promise.resolve(never))).argument, "run");
});

test("the event loop turns between steps", async () => {
  let turns = 0;
  let counting = true;
  const count = (): void => {
    turns++;
    if (counting) setImmediate(count);
  };
  setImmediate(count);
  await smallRun({ eventEvery: 40 });
  counting = false;
  assert.ok(turns >= 40, `${turns} turns in 40 steps`);
});

test("stopped by a signal and resumed, a run ends with the same parameters, bit for bit, and the same record", async () => {
  const whole = await smallRun();
  const checkpoint = join(folder, "run");
  const controller = new AbortController();
  const half = smallRun({ checkpoint, signal: controller.signal });
  for await (const { step } of half) if (step === 20) controller.abort();
  assert.is(half.record.losses.at(-1)!.step, 20);
  const resumed = await smallRun({ checkpoint, resume: true });
  assert.ok(bytes(whole.parameters).equals(bytes(resumed.parameters)));
  assert.equal(resumed.record.losses, whole.record.losses);
});

test("killed in the middle and resumed, a run ends with the same parameters, bit for bit", async () => {
  const checkpoint = join(folder, "run");
  const script = fileURLToPath(new URL("./endless-run.ts", import.meta.url));
  const child = spawn(process.execPath, [...process.execArgv, script, checkpoint], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const exit = new Promise<NodeJS.Signals | null>((resolve) => {
    child.on("exit", (_code, signal) => resolve(signal));
  });
  for await (const line of createInterface(child.stdout)) if (line === "25") child.kill("SIGKILL");
  assert.is(await exit, "SIGKILL");
  const saved = JSON.parse(await readFile(join(checkpoint, "config.json"), "utf8")) as { step: number };
  assert.is(saved.step, 25);
  const [whole, resumed] = [await smallRun(), await smallRun({ checkpoint, resume: true })];
  assert.ok(bytes(whole!.parameters).equals(bytes(resumed!.parameters)));
});

test("resuming where there is no checkpoint starts, and where the run is over gives its result", async () => {
  const checkpoint = join(folder, "run");
  const first = await smallRun({ checkpoint, resume: true });
  const again = smallRun({ checkpoint, resume: true });
  const steps = [];
  for await (const { step } of again) steps.push(step);
  assert.equal(steps, []);
  assert.ok(bytes((await again).parameters).equals(bytes(first.parameters)));
  const elsewhere = join(folder, "a", "copy");
  await cp(checkpoint, elsewhere, { recursive: true });
  await rm(checkpoint, { recursive: true });
  const copied = await smallRun({ checkpoint: elsewhere, resume: true });
  assert.ok(bytes(copied.parameters).equals(bytes(first.parameters)));
  assert.equal(copied.record.losses, first.record.losses);
});

test("a checkpoint of another run or a damaged one is refused", async () => {
  const checkpoint = join(folder, "run");
  await smallRun({ checkpoint });
  const other = await rejection(Promise.resolve(smallRun({ checkpoint, resume: true, batchSize: 9 })));
  assert.is(other.code, "invalid-argument");
  assert.match(other.message, /another batchSize; given: "batchSize = 9"; allowed: batchSize = 8/);
  const damages: [string, (path: string) => Promise<void>][] = [
    ["metrics.jsonl", (path) => writeFile(path, "{\n")],
    ["state.safetensors", (path) => truncate(path, 1000)],
    ["config.json", (path) => writeFile(path, '{"format": 1, "step": ')],
    ["config.json", (path) => writeFile(path, '{"format": 99}')],
  ];
  for (const [file, damage] of damages) {
    await smallRun({ checkpoint });
    await damage(join(checkpoint, file));
    const error = await rejection(Promise.resolve(smallRun({ checkpoint, resume: true })));
    assert.is(error.code, "corrupt-file", file);
    assert.ok(error.message.includes(file), error.message);
  }
});

test("a checkpoint is continued with the same loss, features and average only", async () => {
  const options = {
    network,
    steps: 4,
    batchSize: 8,
    recording: false,
    checkpoint: join(folder, "run"),
  } as const;
  const [features, others] = await Promise.all(
    [0, 1].map(async (seed) => manifold.train(circle, { steps: 2, batchSize: 8, seed })),
  );
  const loss = mfd(features!, { layers: [-1] });
  const { record } = await consistency.train(circle, { ...options, loss });
  assert.equal(record.settings.layers, [-1]);
  const different: [ConsistencyTraining, RegExp][] = [
    [{ loss: mfd(features!) }, /another layers/],
    [{ loss: mfd(others!, { layers: [-1] }) }, /another features/],
    [{ loss, ema: 0.5 }, /another ema/],
    [{ loss, optimizer: adamw() }, /another optimizer/],
    [{ loss: mfd(features!, { layers: [-1], beside: l1() }) }, /another loss/],
  ];
  for (const [other, message] of different) {
    const error = await rejection(
      Promise.resolve(consistency.train(circle, { ...options, ...other, resume: true })),
    );
    assert.is(error.code, "invalid-argument");
    assert.match(error.message, message);
  }
  await consistency.train(circle, { ...options, loss, resume: true });
});

test("resumed, a target that is an average of the parameters goes on, too", async () => {
  const options = {
    steps: 12,
    batchSize: 8,
    eventEvery: 1,
    network,
    recording: false,
    objective: ct({ s1: 20 }),
  } as const;
  const whole = await consistency.train(circle, options);
  const checkpoint = join(folder, "run");
  for await (const { step } of consistency.train(circle, { ...options, checkpoint })) if (step === 6) break;
  const resumed = await consistency.train(circle, { ...options, checkpoint, resume: true });
  assert.ok(bytes(whole.parameters).equals(bytes(resumed.parameters)));
});

test("a loss that is not finite ends the run and keeps the last good checkpoint", async () => {
  const checkpoint = join(folder, "run");
  const broken = method({
    init: () => tf.tensor1d([1]) as Tensor,
    batch: (_key, _x, iteration) => ({ sign: tf.scalar(iteration < 4 ? 1 : -1) as Tensor }),
    loss: (_p, { sign }) => {
      return (parameters) => ({ loss: tf.sum(tf.sqrt(tf.mul(parameters, sign))), aux: {} });
    },
  });
  const run = train({
    name: "broken",
    kind: "denoiser",
    data: circle,
    method: broken,
    ...{
      steps: 8,
      batchSize: 2,
      eventEvery: 2,
      checkpoint: checkpointFolder(checkpoint),
      checkpointEvery: 2,
      finish: () => null,
    },
  });
  const error = await rejection(Promise.resolve(run));
  assert.is(error.code, "not-finite");
  assert.match(error.message, /the loss is NaN at step 6 of 8/);
  assert.is(JSON.parse(await readFile(join(checkpoint, "config.json"), "utf8")).step, 4);
});

test("data that is not finite is refused", async () => {
  const bad = {
    ...circle,
    sample: (...args: Parameters<typeof circle.sample>) => {
      const { x } = circle.sample(...args);
      x[3] = Number.NaN;
      return { x };
    },
  };
  const run = train({
    name: "bad",
    kind: "denoiser",
    data: bad,
    steps: 1,
    batchSize: 4,
    finish: () => null,
    method: method({
      init: () => tf.tensor1d([1]) as Tensor,
      batch: () => ({}),
      loss: () => (parameters) => ({ loss: tf.sum(parameters), aux: {} }),
    }),
  });
  const error = await rejection(Promise.resolve(run));
  assert.is(error.code, "invalid-data");
  assert.match(error.message, /NaN in the dataset circle/);
});

test("options out of range are refused before anything starts", async () => {
  for (const options of [
    { steps: 0 },
    { batchSize: 0 },
    { seed: -1 },
    { eventEvery: 0.5 },
    { resume: true },
  ]) {
    const error = await rejection(() => smallRun(options));
    assert.is(error.code, "invalid-argument");
    assert.is(error.argument, Object.keys(options)[0]);
  }
});

test.run();
