import { execFileSync, spawnSync } from "node:child_process";
import { cp, mkdtemp, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import * as tf from "@tensorflow/tfjs-core";
import * as ort from "onnxruntime-node";
import type { Browser } from "playwright-core";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { serve } from "../../demo/build.js";
import * as diffusion from "../../src/diffusion/index.js";
import type { TrainedDenoiser } from "../../src/diffusion/trained.js";
import { useDevice } from "../../src/engine/device.js";
import * as random from "../../src/engine/random.js";
import type { Tensor } from "../../src/engine/tensor.js";
import * as nn from "../../src/nn/index.js";
import { smallRun } from "../loop/runs.js";
import { rejection } from "../rejection.js";
import { findChromium, launch } from "../viz/chromium.js";

let folder: string;
test.before(async () => {
  await useDevice("cpu");
  folder = await mkdtemp(join(tmpdir(), "tangent-lab-onnx-"));
});
test.after(() => rm(folder, { recursive: true }));

/** A model whose every layer does something. */
function model(denoiser: diffusion.Denoiser, shape: readonly number[], classes?: number): TrainedDenoiser {
  const own = random.normal(random.key(9), denoiser.structure.size).map((value) => 0.1 * value);
  const parameters = tf.add(denoiser.init(random.key(0)), tf.tensor1d(own)) as Tensor;
  return diffusion.pretrained(denoiser, parameters, { shape, ...(classes && { classes }) });
}

const image = { size: 8, inChannels: 1, classes: 3 };
const generator = (): TrainedDenoiser =>
  model(diffusion.denoiser(nn.unet({ ...image, channels: 8, groups: 4, attention: true })), [8, 8, 1], 3);
const songUnet = nn.songUnet({ ...nn.ncsnpp, ...image, channels: 8, multipliers: [1, 2], blocks: 1 });
const pipeline = fileURLToPath(new URL("../fixtures/pipelines/consistency", import.meta.url));

/** What the model takes for `count` samples, and what it gives, as `generate` draws them. */
async function expected(
  trained: TrainedDenoiser,
  count: number,
): Promise<{ x: Float32Array; labels?: number[]; values: Float32Array }> {
  const { record, denoiser } = trained;
  const T = denoiser.preconditioning === "consistency" ? 20 : 80;
  const size = record.shape.reduce((a, b) => a * b, 1);
  const labels =
    record.settings.classes === undefined ? {} : { labels: Array.from({ length: count }, (_, i) => i % 3) };
  const { values } = await diffusion.generate(trained, { count, seed: 4, ...labels });
  return { x: random.normal(random.key(4), count * size).map((value) => T * value), ...labels, values };
}

function worst(ours: Float32Array, theirs: ArrayLike<number>): number {
  assert.is(ours.length, theirs.length);
  return ours.reduce((most, value, i) => Math.max(most, Math.abs(value - theirs[i]!)), 0);
}

test("the file gives what the model gives, for any number of samples, or a fixed one", async () => {
  const models: [string, TrainedDenoiser][] = [
    ["points", model(diffusion.denoiser(nn.mlp({ dim: 2, width: 16 })), [2])],
    ["unet", generator()],
    ["songUnet", model(diffusion.trigflow(songUnet), [8, 8, 1], 3)],
    ["unet2d", await diffusion.loadDenoiser(pipeline)],
  ];
  for (const [name, trained] of models) {
    const path = join(folder, `${name}.onnx`);
    for (const batch of [undefined, 2]) {
      await diffusion.exportOnnx(path, trained, { ...(batch && { batch }) });
      const session = await ort.InferenceSession.create(path);
      for (const count of batch ? [batch] : [1, 3]) {
        const { x, labels, values } = await expected(trained, count);
        const feeds: Record<string, ort.Tensor> = {
          x_T: new ort.Tensor("float32", x, [count, ...trained.record.shape]),
        };
        if (labels) feeds.class = new ort.Tensor("int32", Int32Array.from(labels), [count]);
        const { x_0 } = await session.run(feeds);
        assert.equal(x_0!.dims, [count, ...trained.record.shape], name);
        assert.ok(worst(values, x_0!.data as Float32Array) < 1e-4, `${name}, ${count} of ${batch ?? "any"}`);
      }
      await session.release();
    }
  }
});

const hasPython = spawnSync("python3", ["-c", "import onnxruntime"]).status === 0;
if (!hasPython) console.log("skipped: the file in Python (python3 has no onnxruntime)");

test("in Python: the same numbers; names, shapes and ranges are in the metadata, operations are standard", async () => {
  if (!hasPython) return;
  const path = join(folder, "python.onnx");
  const trained = generator();
  await diffusion.exportOnnx(path, trained);
  const { x, labels, values } = await expected(trained, 2);
  const program = `
import json, sys
import numpy as np, onnxruntime as ort
given = json.load(sys.stdin)
session = ort.InferenceSession(given["path"])
meta = session.get_modelmeta()
about = {name: json.loads(text) for name, text in meta.custom_metadata_map.items()}
x = np.array(given["x"], np.float32).reshape(-1, *about["inputs"]["x_T"]["shape"][1:])
out = session.run(None, {"x_T": x, "class": np.array(given["labels"], np.int32)})[0]
try:
    import onnx
    model = onnx.load(given["path"])
    onnx.checker.check_model(model, full_check=True)
    domains = [o.domain for o in model.opset_import] + [n.domain for n in model.graph.node]
except ImportError:
    domains = [""]
print(json.dumps({"values": out.ravel().tolist(), "about": about, "producer": meta.producer_name, "doc": meta.description, "domains": sorted(set(domains)),
  "inputs": [[i.name, i.type, i.shape] for i in session.get_inputs()], "outputs": [[o.name, o.type, o.shape] for o in session.get_outputs()]}))
`;
  const result = JSON.parse(
    execFileSync("python3", ["-c", program], {
      input: JSON.stringify({ path, x: Array.from(x), labels }),
      encoding: "utf8",
    }),
  );
  assert.ok(worst(values, result.values) < 1e-4);
  assert.equal(result.domains, [""]);
  assert.is(result.producer, "tangent-lab");
  assert.match(
    result.doc,
    /^One-step generator of the denoiser "pretrained", from noise x_T to samples x_0\.$/,
  );
  assert.equal(result.inputs, [
    ["x_T", "tensor(float)", ["batch", 8, 8, 1]],
    ["class", "tensor(int32)", ["batch"]],
  ]);
  assert.equal(result.outputs, [["x_0", "tensor(float)", ["batch", 8, 8, 1]]]);
  const shape = ["batch", 8, 8, 1];
  assert.equal(result.about, {
    model: { name: "pretrained", kind: "denoiser", dataset: "", preconditioning: "edm" },
    inputs: {
      x_T: { type: "float32", shape, layout: "NHWC", mean: 0, deviation: 80 },
      class: { type: "int32", shape: ["batch"], minimum: 0, maximum: 2 },
    },
    outputs: { x_0: { type: "float32", shape, layout: "NHWC", minimum: -1, maximum: 1, clipped: false } },
  });
});

const chromium = findChromium();
if (chromium === null)
  console.log("skipped: the file in a browser (no Chromium found; set CHROMIUM to its path)");

test("in a browser: examples/generator.html draws, and the numbers are the same", async () => {
  if (chromium === null) return;
  const site = await mkdtemp(join(tmpdir(), "tangent-lab-page-"));
  let browser: Browser | undefined;
  let served: Awaited<ReturnType<typeof serve>> | undefined;
  try {
    const trained = generator();
    await diffusion.exportOnnx(join(site, "model.onnx"), trained);
    const page = fileURLToPath(new URL("../../examples/generator.html", import.meta.url));
    await cp(page, join(site, "index.html"));
    const packages = fileURLToPath(new URL("../../node_modules", import.meta.url));
    await symlink(packages, join(site, "node_modules"));
    served = await serve(site);
    browser = await launch(chromium);
    const tab = await browser.newPage();
    const problems: string[] = [];
    tab.on("pageerror", (error) => problems.push(String(error)));
    tab.on("request", (request) => {
      const { origin, protocol } = new URL(request.url());
      if (!["data:", "blob:"].includes(protocol) && origin !== new URL(served!.address).origin)
        problems.push(`request to ${request.url()}`);
    });
    await tab.goto(served.address);
    await tab.waitForFunction("globalThis.generate !== undefined");
    // The page draws its noise itself: what is drawn by Math.random comes from here.
    const uniform = Array.from(random.uniform(random.key(1), 2 * 2 * 64));
    const values = (await tab.evaluate(`(async () => {
      const draws = ${JSON.stringify(uniform)};
      let next = 0;
      Math.random = () => draws[next++];
      return Array.from(await generate(2, 1));
    })()`)) as number[];
    const x = Float32Array.from({ length: 2 * 64 }, (_, i) => {
      const [u, v] = uniform.slice(2 * i, 2 * i + 2) as [number, number];
      return 80 * Math.sqrt(-2 * Math.log(1 - u)) * Math.cos(2 * Math.PI * v);
    });
    const classLabels = tf.oneHot(tf.tensor1d([1, 1], "int32"), 3, 1, 0, "float32") as Tensor;
    const ours = trained.denoiser.apply(trained.parameters, tf.tensor(x, [2, 8, 8, 1]), tf.fill([2], 80), {
      classLabels,
    });
    assert.ok(worst(ours.dataSync() as Float32Array, values) < 1e-4);
    const size = (await tab.evaluate(
      "[canvas.width, canvas.height, canvas.toDataURL().length > 150]",
    )) as unknown[];
    assert.equal(size, [8, 8, true]);
    assert.equal(problems, []);
  } finally {
    await browser?.close();
    await served?.stop();
    await rm(site, { recursive: true });
  }
});

test("a published consistency model's own level, and its clipping, are in the file", async () => {
  const path = join(folder, "published.onnx");
  await diffusion.exportOnnx(path, await diffusion.loadDenoiser(pipeline));
  const text = (await readFile(path)).toString("latin1");
  assert.match(text, /"deviation":20/);
  assert.match(text, /"clipped":true/);
});

test("only an earlier export is replaced", async () => {
  const path = join(folder, "kept.onnx");
  const trained = model(diffusion.denoiser(nn.mlp({ dim: 2, width: 4, depth: 1 })), [2]);
  for (const content of ["mine", "", Buffer.from([8, 9, 18, 7, ...Buffer.from("pytorch")])]) {
    await writeFile(path, content);
    const error = await rejection(diffusion.exportOnnx(path, trained));
    assert.is(error.code, "file-system");
    assert.match(
      error.message,
      /kept\.onnx is a file that tangent-lab did not write; .*nothing else is replaced/,
    );
    assert.equal(await readFile(path), Buffer.from(content));
  }
  await rm(path);
  await diffusion.exportOnnx(path, trained);
  await diffusion.exportOnnx(path, trained, { batch: 3 });
  const other = await rejection(diffusion.exportOnnx(join(folder, "model.safetensors"), trained));
  assert.match(other.message, /invalid path; .*ends in \.onnx/);
  const running = await rejection(diffusion.exportOnnx(path, smallRun() as never));
  assert.is(running.argument, "model");
});

test("a network that is another graph for each size of the batch needs the size", async () => {
  const { settings: _, ...plain } = nn.mlp({ dim: 2, width: 4, depth: 1 });
  const odd: nn.TimeNetwork = {
    ...plain,
    apply: (p, x, c) =>
      tf.add(
        plain.apply(p, x, c),
        tf.tensor2d(
          Float32Array.from({ length: 2 * x.shape[0]! }, (_, i) => i),
          [x.shape[0]!, 2],
        ),
      ),
  };
  const trained = model(diffusion.denoiser(odd), [2]);
  const path = join(folder, "odd.onnx");
  const error = await rejection(diffusion.exportOnnx(path, trained));
  assert.is(error.argument, "batch");
  assert.match(error.message, /another graph for each size of the batch; .*a number of examples/);
  await diffusion.exportOnnx(path, trained, { batch: 2 });
});

test.run();
