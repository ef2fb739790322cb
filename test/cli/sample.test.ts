import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { PNG } from "pngjs";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { fromArray } from "../../datasets/index.js";
import { exportCommand } from "../../src/cli/export-command.js";
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
    seed: 0,
    scale: 2,
    engine: "auto",
    ...more,
  });

test("sample: images as one PNG, of a class where the model has classes", async () => {
  const images = fromArray(random.uniform(random.key(0), 6 * 64, -1, 1), [8, 8, 1], [0, 1, 2, 0, 1, 2]);
  const model = await diffusion.train(images, { steps: 1, batchSize: 2, classConditional: true });
  await saveDenoiser(join(folder, "model.safetensors"), model);
  await run({ class: 1, sampler: "consistency" });
  const out = join(folder, "out.png");
  const first = await readFile(out);
  const { width, height } = PNG.sync.read(first);
  assert.equal([width, height], [2 * 8 * 2 + 2, 2 * 8 * 2 + 2]); // 2 x 2 images with a gap
  assert.is(printed.at(-1), out);
  await run({ class: 1, sampler: "consistency" });
  assert.ok(first.equals(await readFile(out)));
  await run({ class: 1, sampler: "heun", steps: 2 });
  assert.not.ok(first.equals(await readFile(out)));
  await run({ count: 6 });
  const all = PNG.sync.read(await readFile(out));
  assert.equal([all.width, all.height], [3 * 8 * 2 + 2 * 2, 2 * 8 * 2 + 2], "a column for each class");
  assert.match((await rejection(run({ class: 3 }))).message, /--class.*an integer from 0 to 2/);
});

const pipeline = (name: string): string =>
  fileURLToPath(new URL(`../fixtures/pipelines/${name}`, import.meta.url));

test("sample: a pipeline's folder as diffusers writes it; a denoiser by a solver", async () => {
  await run({ model: pipeline("consistency"), class: 1 });
  const { width } = PNG.sync.read(await readFile(join(folder, "out.png")));
  assert.is(width, 2 * 4 * 2 + 2);
  const out = async (more: Partial<SampleArguments>): Promise<Buffer> => {
    await run({ model: pipeline("ddim"), steps: 2, ...more });
    return readFile(join(folder, "out.png"));
  };
  const usual = await out({});
  assert.ok(usual.equals(await out({ sampler: "heun" })));
  assert.not.ok(usual.equals(await out({ sampler: "euler" })));
});

test("export: a generator in a file that is ours, with a note about denoisers", async () => {
  const said: unknown[] = [];
  const error = console.error;
  console.error = (line: unknown) => said.push(line);
  try {
    for (const [name, notes] of [
      ["consistency", 0],
      ["ddim", 1],
    ] as const) {
      const out = join(folder, `${name}.onnx`);
      await exportCommand(pipeline(name), { out, batch: 2 });
      assert.is(printed.at(-1), out);
      assert.is(said.length, notes);
      assert.ok((await readFile(out)).length > 4e4);
    }
  } finally {
    console.error = error;
  }
  assert.match(String(said[0]), /^note: the model is a denoiser/);
  const out = join(folder, "mine.onnx");
  await writeFile(out, "mine");
  const refused = await rejection(exportCommand(pipeline("ddim"), { out }));
  assert.match(refused.message, /mine\.onnx is a file that tangent-lab did not write/);
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
