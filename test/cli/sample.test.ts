import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PNG } from "pngjs";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { fromArray } from "../../datasets/index.js";
import { type SampleArguments, sampleCommand } from "../../src/cli/sample-command.js";
import * as diffusion from "../../src/diffusion/index.js";
import { saveDenoiser } from "../../src/diffusion/model-file.js";
import * as random from "../../src/engine/random.js";
import { smallRun } from "../loop/runs.js";
import { rejection } from "../rejection.js";

let folder: string;
const log = console.log;
const printed: string[] = [];
test.before.each(async () => {
  folder = await mkdtemp(join(tmpdir(), "tangent-lab-sample-"));
  console.log = (line: string) => printed.push(line);
});
test.after.each(async () => {
  console.log = log;
  await rm(folder, { recursive: true });
});

const run = (more: Partial<SampleArguments>): Promise<void> =>
  sampleCommand({
    model: join(folder, "model.safetensors"),
    out: join(folder, "out.png"),
    count: 4,
    sampler: "consistency",
    seed: 0,
    scale: 2,
    engine: "auto",
    ...more,
  });

test("sample: images as one PNG, of a class where the model has classes", async () => {
  const images = fromArray(random.uniform(random.key(0), 6 * 64, -1, 1), [8, 8, 1], [0, 1, 2, 0, 1, 2]);
  const model = await diffusion.train(images, { steps: 1, batchSize: 2, classConditional: true });
  await saveDenoiser(join(folder, "model.safetensors"), model);
  await run({ class: 1 });
  const out = join(folder, "out.png");
  const first = await readFile(out);
  const { width, height } = PNG.sync.read(first);
  assert.equal([width, height], [2 * 8 * 2 + 2, 2 * 8 * 2 + 2]); // 2 x 2 images with a gap
  assert.is(printed.at(-1), out);
  await run({ class: 1 });
  assert.ok(first.equals(await readFile(out)));
  await run({ class: 1, sampler: "heun", steps: 2 });
  assert.not.ok(first.equals(await readFile(out)));
  await run({ count: 6 });
  const all = PNG.sync.read(await readFile(out));
  assert.equal([all.width, all.height], [3 * 8 * 2 + 2 * 2, 2 * 8 * 2 + 2], "a column for each class");
  assert.match((await rejection(run({ class: 3 }))).message, /--class.*an integer from 0 to 2/);
});

test("sample: more than a picture can show is refused before anything is drawn, and by generate more than memory can hold", async () => {
  for (const count of [1e9, 10_001, 0, 1.5])
    assert.match((await rejection(run({ count }))).message, /--count.*an integer from 1 to 10000/);
  const error = await rejection(diffusion.generate(await smallRun(), { count: 1.1e9 }));
  assert.match(error.message, /invalid count; .*at most 1073741823/);
});

test("sample: points as a chart, without classes", async () => {
  await saveDenoiser(join(folder, "model.safetensors"), await smallRun());
  await run({ out: join(folder, "out.svg") });
  assert.match(await readFile(join(folder, "out.svg"), "utf8"), /^<svg/);
  assert.match((await rejection(run({ class: 0 }))).message, /invalid --class; given: 0; allowed: none/);
});

test.run();
