import { test } from "uvu";
import * as assert from "uvu/assert";
import * as diffusion from "../../src/diffusion/index.js";
import * as random from "../../src/engine/random.js";
import { deviation, type TrainingData } from "../../src/loop/data.js";
import { network } from "./runs.js";

/** A normal distribution about a point that is not 0. */
const away: TrainingData = {
  name: "away",
  shape: [2],
  sample: (key, count) => ({ x: random.normal(key, 2 * count).map((z) => 0.5 * z - 0.8) }),
};

test("the deviation is about the data's mean, to two digits, and what a denoiser takes", async () => {
  assert.is(deviation(away), 0.5);
  const constant = {
    ...away,
    sample: (_: random.Key, count: number) => ({ x: new Float32Array(2 * count).fill(3) }),
  };
  assert.is(deviation(constant), 0.01);
  const { denoiser, record } = await diffusion.train(away, { network, steps: 1, batchSize: 2 });
  assert.is(denoiser.sigmaData, 0.5);
  assert.is(record.settings.sigmaData, 0.5);
});

test.run();
