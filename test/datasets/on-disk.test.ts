import { mkdtempSync, readdirSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as tf from "@tensorflow/tfjs-core";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { type Dataset, flipped, images } from "../../datasets/index.js";
import { greyPng, tarOf } from "../../fuzz/packed.js";
import * as random from "../../src/engine/random.js";
import type { Tensor } from "../../src/engine/tensor.js";
import { checkpointFolder } from "../../src/io/checkpoint.js";
import { type TrainOptions, train } from "../../src/loop/train.js";
import { method } from "../../src/optim/method.js";
import { rejection } from "../rejection.js";

const test = suite<{ folder: string; cache: string; path: string }>("sets on the disk");
test.before.each((context) => {
  context.folder = mkdtempSync(join(tmpdir(), "tangent-lab-"));
  context.cache = mkdtempSync(join(tmpdir(), "tangent-lab-cache-"));
  process.env.XDG_CACHE_HOME = context.cache;
  context.path = join(context.folder, "set.tar");
  const files = Array.from({ length: 60 }, (_, i) => [
    [`${i}.png`, greyPng(4 * i)] as const,
    [`${i}.cls`, String(i % 3)] as const,
  ]);
  writeFileSync(context.path, tarOf(files.flat()));
});
test.after.each(({ folder, cache }) => {
  rmSync(folder, { recursive: true });
  rmSync(cache, { recursive: true });
});

test("the same examples, draws and fingerprint as in memory, also in the background", async ({ path }) => {
  const [memory, disk] = [await images(path), await images(path, { onDisk: true })];
  assert.equal([disk.size, disk.shape, disk.labels], [60, [4, 4, 3], memory.labels]);
  assert.equal(disk.examples!([59, 0, 7]), memory.examples!([59, 0, 7]));
  assert.is(await disk.fingerprint!(), await memory.fingerprint!());
  assert.is(memory.background, undefined);
  for (const [a, b] of [
    [memory, disk],
    [flipped(memory), flipped(disk)],
  ] as const) {
    const draws = b.background!();
    try {
      for (let seed = 0; seed < 3; seed++) {
        const expected = a.sample(random.key(seed), 16);
        assert.equal(b.sample(random.key(seed), 16), expected);
        assert.equal(await draws.sample(random.key(seed), 16), expected);
      }
    } finally {
      await draws.close();
    }
  }
});

test("decoded once; a file that was cut short is made again, and told of while it is used", async ({
  path,
  cache,
}) => {
  let decoded = 0;
  const read = () => images(path, { onDisk: true, onProgress: () => decoded++ });
  await read();
  const disk = await read();
  assert.is(decoded, 60);
  const [pixels] = readdirSync(join(cache, "tangent-lab")).filter((name) => name.endsWith(".pixels"));
  truncateSync(join(cache, "tangent-lab", pixels!), 100);
  assert.match((await rejection(() => disk.examples!([59]))).message, /it has become shorter/);
  const draws = disk.background!();
  assert.match(
    (await rejection(draws.sample(random.key(0), 40))).message,
    /cannot read .*\.pixels: it has become shorter/,
  );
  await draws.close();
  assert.equal([(await read()).size, decoded], [60, 120]);
});

/** Learns the mean of all pixels. */
const meanOf = method<{ x: Tensor }>({
  init: () => tf.tensor1d([0]) as Tensor,
  batch: (_key, x) => ({ x: tf.tensor1d(x) as Tensor }),
  loss:
    (_parameters, { x }) =>
    (parameters) => ({ loss: tf.mean(tf.square(tf.sub(x, parameters))) as Tensor, aux: {} }),
});

const training = (data: Dataset, options: Partial<TrainOptions<number>> = {}) =>
  train<number>({
    ...{ name: "mean", kind: "denoiser", method: meanOf, data, steps: 20, batchSize: 16, eventEvery: 4 },
    finish: (state) => state.parameters.dataSync()[0]!,
    ...options,
  });

test("a training from disk is the one from memory, to the bit, also resumed; it says how busy it was", async ({
  path,
  folder,
}) => {
  const expected = await training(await images(path));
  const disk = await images(path, { onDisk: true });
  let events = 0;
  const run = training(disk);
  for await (const { utilization } of run) {
    assert.ok(utilization! >= 0 && utilization! <= 1, `${utilization}`);
    events++;
  }
  assert.equal([await run, events], [expected, 5]);
  const checkpoint = checkpointFolder(join(folder, "run"));
  for await (const event of training(disk, { checkpoint })) if (event.step === 8) break;
  assert.is(await training(disk, { checkpoint, resume: true }), expected);
  for await (const { utilization } of training(await images(path))) assert.is(utilization, undefined);
});

test.run();
