import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { fromArray } from "../../datasets/index.js";
import { generate } from "../../src/diffusion/generate.js";
import * as random from "../../src/engine/random.js";
import { prepareDenoiser, type Workplace } from "../../src/experiments/prepare.js";
import { rejection } from "../rejection.js";

const images = (labels?: number[]) =>
  fromArray(random.uniform(random.key(0), 6 * 64, -1, 1), [8, 8, 1], labels);

test("a denoiser is told the classes where the plan says so, and is another one in the cache", async () => {
  const folder = await mkdtemp(join(tmpdir(), "tangent-lab-prepare-"));
  const checkpoints = new Set<string>();
  const place: Workplace = {
    folder,
    resume: false,
    signal: new AbortController().signal,
    cache: {
      check: async () => {},
      keep: async (id) => void checkpoints.add(id),
      restore: async () => false,
      forget: async () => {},
    },
    follow: async (run) => run,
  };
  const plan = { steps: 2, batchSize: 4, learningRate: 1e-3, channels: 8 };
  const data = images([0, 1, 2, 0, 1, 2]);
  const plain = await prepareDenoiser(data, plan, 0, place);
  const told = await prepareDenoiser(data, { ...plan, classConditional: true }, 0, place);
  assert.is(plain.record.settings.classes, undefined);
  assert.is(told.record.settings.classes, 3);
  assert.is(checkpoints.size, 2);

  const draw = async (label: number) =>
    (await generate(told, { count: 2, sampler: "heun", steps: 2, labels: [label, label] })).values;
  assert.not.equal(await draw(0), await draw(2));

  const error = await rejection(prepareDenoiser(images(), { ...plan, classConditional: true }, 0, place));
  assert.match(error.message, /classConditional/);
  await rm(folder, { recursive: true });
});

test.run();
