import { cp, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { test } from "uvu";
import * as assert from "uvu/assert";
import * as consistency from "../../src/consistency/index.js";
import * as diffusion from "../../src/diffusion/index.js";
import { useDevice } from "../../src/engine/device.js";
import { weightsCache } from "../../src/experiments/weights.js";
import * as manifold from "../../src/manifold/index.js";
import { flatten, mlp, mlpFeatures } from "../../src/nn/index.js";
import { rejection } from "../rejection.js";
import { circle } from "./runs.js";

// Files that version 0.1 wrote, before objectives and losses became values.
const files = fileURLToPath(new URL("../fixtures/version-0.1/", import.meta.url));

let folder: string;
test.before(async () => {
  await useDevice("onnx");
});
test.before.each(async () => {
  folder = await mkdtemp(join(tmpdir(), "tangent-lab-version-"));
});
test.after.each(() => rm(folder, { recursive: true }));

const network = mlp({ dim: 2, width: 4, depth: 1 });
const options = { network, steps: 6, batchSize: 4, eventEvery: 1, recording: false } as const;

/** The features of its runs, from its checkpoint: kept as a cache entry, restored, and finished. */
async function features(): ReturnType<typeof manifold.train> extends PromiseLike<infer T>
  ? Promise<T>
  : never {
  const cache = weightsCache(join(folder, "cache"));
  await cp(join(files, "features"), join(folder, "cache", "features"), { recursive: true });
  const checkpoint = join(folder, "features");
  assert.ok(await cache.restore("features", checkpoint));
  const run = manifold.train(circle, {
    transformations: manifold.pointTransformations({ dim: 2, groups: ["noise"] }),
    model: flatten(mlpFeatures({ dim: 2, labels: 1, width: 4, depth: 1 })),
    steps: 2,
    batchSize: 4,
    checkpoint,
    resume: true,
  });
  const events: number[] = [];
  for await (const { step } of run) events.push(step);
  assert.equal(events, [], "nothing is left to train");
  return run;
}

test("its model file loads, and gives the samples of the run that its checkpoint continues", async () => {
  const model = await diffusion.loadDenoiser(join(files, "model.safetensors"));
  assert.equal([model.record.name, model.record.shape], ["MFD", [2]]);
  const checkpoint = join(folder, "mfd");
  await cp(join(files, "mfd"), checkpoint, { recursive: true });
  const loss = consistency.mfd(await features(), { layers: [-1] });
  const events: number[] = [];
  const run = consistency.train(circle, { ...options, loss, checkpoint, resume: true });
  for await (const { step } of run) events.push(step);
  assert.equal(events, [4, 5, 6], "it goes on behind the third step");
  const [ours, theirs] = [(await run).parameters.dataSync(), model.parameters.dataSync()];
  for (const [i, value] of theirs.entries()) assert.ok(Math.abs(ours[i]! - value) < 1e-5);
});

test("its checkpoints of other losses and objectives continue, under today's names only", async () => {
  const { mfd, pseudoHuber, sct } = consistency;
  const runs: [string, consistency.ConsistencyTraining][] = [
    ["both", { loss: mfd(await features(), { beside: pseudoHuber(), lambda: 0.5, ramp: 2 }) }],
    ["sct", { objective: sct() }],
  ];
  for (const [name, own] of runs) {
    const checkpoint = join(folder, name);
    await cp(join(files, name), checkpoint, { recursive: true });
    const given = { ...options, checkpoint, resume: true };
    const other = await rejection(
      Promise.resolve(consistency.train(circle, { ...given, loss: consistency.l1() })),
    );
    assert.match(other.message, /another (objective|loss)/);
    const { record } = await consistency.train(circle, { ...given, ...own });
    assert.equal(
      record.losses.map(({ step }) => step),
      [1, 2, 3, 4, 5, 6],
    );
  }
});

test.run();
