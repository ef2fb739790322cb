// What a training's checkpoint folder may be, and who may work in it.
import { spawn } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { hostname, tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { fromArray } from "../../datasets/index.js";
import * as diffusion from "../../src/diffusion/index.js";
import * as random from "../../src/engine/random.js";
import type { TangentLabError } from "../../src/errors.js";
import { lockUnlessHeld } from "../../src/io/lock.js";
import { rejection } from "../rejection.js";
import { circle, network, smallRun } from "./runs.js";

let folder: string;
test.before.each(async () => {
  folder = await mkdtemp(join(tmpdir(), "tangent-lab-folders-"));
});
test.after.each(() => rm(folder, { recursive: true }));

const refused = (options: Parameters<typeof smallRun>[0]): Promise<TangentLabError> =>
  rejection(Promise.resolve(smallRun(options)));

test("nothing of the user's is replaced: a folder of files, one above checkpoints, a file, a folder beside", async () => {
  const put = (...path: string[]): void => {
    mkdirSync(join(folder, ...path.slice(0, -1)), { recursive: true });
    writeFileSync(join(folder, ...path), "mine");
  };
  put("results", "notes.txt");
  put("letter");
  put("config-only", "config.json");
  put("beside.previous", "photo.jpg");
  await smallRun({ steps: 5, checkpoint: join(folder, "runs", "digits") });
  const before = readFileSync(join(folder, "runs", "digits", "state.safetensors"));
  const cases: [string, RegExp][] = [
    ["results", /results holds "notes\.txt", which tangent-lab did not write/],
    ["letter", /letter is a file/],
    ["config-only", /holds "config\.json"/],
    ["beside", /beside\.previous holds "photo\.jpg"/],
    ["runs", /runs holds "digits"/],
  ];
  for (const resume of [false, true])
    for (const [name, message] of cases) {
      const error = await refused({ checkpoint: join(folder, name), resume });
      assert.is(error.code, "file-system");
      assert.match(error.message, message);
    }
  // A checkpoint to which something was added is not replaced, either.
  put("runs", "digits", "notes.txt");
  assert.match((await refused({ checkpoint: join(folder, "runs", "digits") })).message, /notes\.txt/);
  for (const path of ["results/notes.txt", "letter", "config-only/config.json", "beside.previous/photo.jpg"])
    assert.is(readFileSync(join(folder, path), "utf8"), "mine");
  assert.ok(readFileSync(join(folder, "runs", "digits", "state.safetensors")).equals(before));
});

test("an empty folder, and one with a slash at its end, are written again and again", async () => {
  mkdirSync(join(folder, "run"));
  await smallRun({ steps: 10, eventEvery: 1, checkpointEvery: 1, checkpoint: `${join(folder, "run")}/` });
  const { record } = await smallRun({
    steps: 10,
    eventEvery: 1,
    checkpoint: join(folder, "run"),
    resume: true,
  });
  assert.is(record.losses.length, 10);
});

test("other data under the same call are refused by their fingerprint; the same data go on", async () => {
  const values = random.normal(random.key(0), 40);
  const labels = Array.from({ length: 20 }, (_, i) => i % 2);
  const run = (of: ReturnType<typeof fromArray>, resume = true) =>
    diffusion.train(of, { network, steps: 4, batchSize: 4, checkpoint: join(folder, "run"), resume });
  const changed = values.slice();
  changed[39]! += 0.25;
  await run(fromArray(values, [2], labels));
  await run(fromArray(values.slice(), [2], labels.slice()));
  for (const other of [
    fromArray(changed, [2], labels),
    fromArray(values, [2], [1, ...labels.slice(1)]),
    fromArray(values, [2]),
    circle,
  ]) {
    const error = await rejection(Promise.resolve(run(other as ReturnType<typeof fromArray>)));
    assert.is(error.code, "invalid-argument");
    assert.match(
      error.message,
      /is of a run on other data; given: .*fingerprint [0-9a-f]{32}.*; allowed: the dataset \S+ with the fingerprint [0-9a-f]{32}, as in the checkpoint/,
    );
  }
});

test("two runs in one folder: the second is told who works there, before any work; a dead one's lock is taken over", async () => {
  const checkpoint = join(folder, "run");
  const script = fileURLToPath(new URL("./endless-run.ts", import.meta.url));
  const child = spawn(process.execPath, [...process.execArgv, script, checkpoint], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const exit = new Promise((resolve) => child.on("exit", resolve));
  for await (const line of createInterface(child.stdout)) {
    if (line !== "25") continue;
    const error = await refused({ checkpoint, resume: true });
    assert.is(error.code, "file-system");
    assert.ok(error.message.includes(`in use by process ${child.pid} on ${hostname()}`), error.message);
    child.kill("SIGKILL");
  }
  await exit;
  assert.ok(existsSync(join(folder, ".run.lock")));
  await smallRun({ checkpoint, resume: true });
  assert.not(existsSync(join(folder, ".run.lock")), "freed at the end");

  const run = smallRun({ checkpoint });
  for await (const _ of run) {
    assert.match((await refused({ checkpoint })).message, /in use by process/);
    break;
  }
  await smallRun({ steps: 5, checkpoint });
});

test("a lock of another machine holds for as long as it shows signs of life", async () => {
  const checkpoint = join(folder, "run");
  const path = join(folder, ".run.lock");
  writeFileSync(path, JSON.stringify({ pid: 1, host: "elsewhere", since: "2024-01-01" }));
  assert.match(
    (await refused({ checkpoint })).message,
    /in use by process 1 on elsewhere, since 2024-01-01.*delete .*\.run\.lock/,
  );
  const { utimesSync } = await import("node:fs");
  const long = new Date(Date.now() - 11 * 60_000);
  utimesSync(path, long, long);
  await smallRun({ steps: 5, checkpoint });
});

test("the number of a dead process that another one has now, or that waits to be asked for its end, is no holder", async () => {
  const checkpoint = join(folder, "run");
  const path = join(folder, ".run.lock");
  // A process that is there, but began at another time than the lock says.
  const since = "2024-01-01";
  writeFileSync(path, JSON.stringify({ pid: process.ppid, host: hostname(), since, started: "1" }));
  if (process.platform === "linux") await smallRun({ steps: 5, checkpoint });
  writeFileSync(path, JSON.stringify({ pid: process.ppid, host: hostname(), since }));
  assert.match((await refused({ checkpoint })).message, /in use by process/);
});

test("of many that find a dead process's lock at once, one takes it", async () => {
  const path = join(folder, ".run.lock");
  for (let round = 0; round < 20; round++) {
    writeFileSync(path, JSON.stringify({ pid: 2 ** 22 + 1, host: hostname(), since: "2024-01-01" }));
    const taken = await Promise.all(Array.from({ length: 8 }, () => lockUnlessHeld(path, folder)));
    const releases = taken.filter((each) => typeof each === "function");
    assert.is(releases.length, 1);
    await releases[0]!();
    assert.equal(readdirSync(folder), []);
  }
});

test.run();
