import * as tf from "@tensorflow/tfjs-core";
import { test } from "uvu";
import * as assert from "uvu/assert";
import * as consistency from "../../src/consistency/index.js";
import { circle, network } from "../loop/runs.js";

test("of a training that recorded only its parameters stay", async () => {
  const run = () => consistency.train(circle, { network, steps: 4, batchSize: 4, recording: { count: 64 } });
  (await run()).parameters.dispose(); // what is made once for all
  const before = tf.memory().numTensors;
  const { parameters, record } = await run();
  assert.ok(record.probes.length > 1);
  assert.is(tf.memory().numTensors - before, 1);
  parameters.dispose();
});

test.run();
