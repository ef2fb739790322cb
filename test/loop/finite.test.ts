// Numbers that are not finite, and data of an absurd scale: found before they are saved or trained on.
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as tf from "@tensorflow/tfjs-core";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { fromArray } from "../../datasets/index.js";
import * as diffusion from "../../src/diffusion/index.js";
import * as random from "../../src/engine/random.js";
import type { Tensor } from "../../src/engine/tensor.js";
import { checkpointFolder } from "../../src/io/checkpoint.js";
import type { TrainOptions } from "../../src/loop/train.js";
import { train } from "../../src/loop/train.js";
import { method } from "../../src/optim/method.js";
import { rejection } from "../rejection.js";
import { circle, network } from "./runs.js";

let folder: string;
test.before.each(async () => {
  folder = await mkdtemp(join(tmpdir(), "tangent-lab-finite-"));
});
test.after.each(() => rm(folder, { recursive: true }));

/** A training whose loss is finite, and whose gradient becomes infinite from a step on. */
const breaking = (from: number): TrainOptions<null> => ({
  name: "breaking",
  kind: "denoiser",
  data: circle,
  steps: 6,
  batchSize: 2,
  eventEvery: 1,
  method: method({
    init: () => tf.tensor1d([1, 2]) as Tensor,
    batch: (_key, _x, iteration) => ({ at: tf.scalar(iteration >= from ? 1 : 0) as Tensor }),
    loss: (_p, { at }) => {
      // sqrt(0) has a finite value and an infinite slope.
      return (parameters) => ({
        loss: tf.sum(tf.sqrt(tf.mul(tf.square(parameters), tf.sub(1, at as Tensor)))),
        aux: {},
      });
    },
  }),
  finish: () => null,
});

test("parameters that are not finite are not saved: the last good checkpoint stays, and the error says what and when", async () => {
  const checkpoint = join(folder, "run");
  const error = await rejection(
    Promise.resolve(train({ ...breaking(3), checkpoint: checkpointFolder(checkpoint), checkpointEvery: 1 })),
  );
  assert.is(error.code, "not-finite");
  assert.match(error.message, /the \S.* are not finite at step 4 of 6; given: "2 of 2 numbers.*learningRate/);
  assert.is(JSON.parse(await readFile(join(checkpoint, "config.json"), "utf8")).step, 3);
  // In its last step, and without a checkpoint, a run does not succeed, either.
  assert.is((await rejection(Promise.resolve(train(breaking(5))))).code, "not-finite");
});

test("data of an absurd scale are named, not the learning rate", async () => {
  for (const scale of [1e-30, 1e-5, 1e8, 1e19, 1e30]) {
    const values = random.normal(random.key(0), 200).map((value) => value * scale);
    const data = fromArray(values, [2]);
    const error = await rejection(async () => diffusion.train(data, { network, steps: 2 }));
    assert.is(error.code, "invalid-data");
    assert.match(error.message, /the data \S+ are of a scale.*root mean square of/);
    assert.is(error.argument, "data");
    if (scale === 1e-5) continue; // with a sigmaData of one's own that can be trained on
    const given = await rejection(
      Promise.resolve(diffusion.train(data, { network, steps: 2, sigmaData: 1 })),
    );
    assert.is(given.code, "invalid-data");
  }
  const { record } = await diffusion.train(
    fromArray(
      random.normal(random.key(0), 200).map((x) => x / 200),
      [2],
    ),
    {
      network,
      steps: 2,
    },
  );
  assert.ok(Math.abs((record.settings.sigmaData as number) - 0.005) < 0.001);
});

test.run();
