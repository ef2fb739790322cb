import { test } from "uvu";
import * as assert from "uvu/assert";
import { circle } from "../../datasets/toys.js";
import { arms } from "../../demo/messages.js";
import { levels } from "../../demo/settings.js";
import { Duel } from "../../demo/training/duel.js";
import { prepare } from "../../demo/training/preparation.js";

const dials = { batchSize: 8, learningRate: 1e-3 };

test("both models start alike, train, and after a restart do the same again", async () => {
  const phases = new Set<string>();
  const preparation = await prepare(circle(), 1, async (phase) => phases.add(phase).size > 0);
  assert.equal([...phases], ["denoiser", "features"]);
  const duel = new Duel(circle(), preparation!, 1, 100);
  const first = await duel.record();
  assert.is(first.iteration, 0);
  assert.equal(first.pixel.samples, first.MFD.samples);
  assert.is(first.pixel.outputs.length, first.pixel.tangents.length);
  assert.is(first.pixel.pushes.length, levels.length);
  await duel.train(10, dials);
  const second = await duel.record();
  assert.is(second.iteration, 10);
  for (const name of arms) assert.is.not(Math.max(...second[name].samples), Math.max(...first[name].samples));
  // The feature map knows the size of noise alone: its tangents stand across the circle from the start.
  assert.ok(second.MFD.pushes[3]!.along < 0.2, `${second.MFD.pushes[3]!.along}`);
  await duel.restart();
  const again = await duel.record();
  assert.equal(again, first);
  await duel.train(10, dials);
  assert.equal((await duel.record()).MFD.outputs, second.MFD.outputs);
  await duel.dispose();
});

test("a preparation stops when it is told to", async () => {
  let calls = 0;
  assert.is(await prepare(circle(), 1, async () => ++calls < 3), undefined);
  assert.is(calls, 3);
});

test("a model that diverges says so, and what helps", async () => {
  const preparation = await prepare(circle(), 2, async () => true);
  const duel = new Duel(circle(), preparation!, 2, 100);
  await duel.train(3, { batchSize: 4, learningRate: 1e30 });
  await duel.record().then(
    () => assert.unreachable("no error"),
    (error: Error) => assert.match(error.message, /diverged.*lower learning rate/),
  );
});

test.run();
