import { fileURLToPath } from "node:url";
import * as tf from "@tensorflow/tfjs-core";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { efficientNetStages, perceptualLoss } from "../../src/consistency/index.js";
import { compile } from "../../src/engine/compile.js";
import { useDevice } from "../../src/engine/device.js";
import * as random from "../../src/engine/random.js";
import type { Tensor } from "../../src/engine/tensor.js";
import { readSafetensors, type StoredArray } from "../../src/io/index.js";
import { networkFeatures } from "../../src/metrics/index.js";
import { depthwiseConv2d } from "../../src/nn/depthwise.js";
import { efficientNetLite0, exportPublished, flatten, importPublished } from "../../src/nn/index.js";
import { jvp } from "../../src/optim/index.js";
import { readReference } from "../../src/verify/reference.js";
import { checkGradients, normal } from "../finite-differences.js";
import { findEfficientNet } from "../imagenet.js";
import { close } from "../reference/fixtures.js";
import { rejection } from "../rejection.js";

test.before(async () => {
  await useDevice("onnx");
});

// Against PyTorch: test/fixtures/networks/efficient-net-lite0.py.
const file = await readReference(
  fileURLToPath(new URL("../fixtures/networks/efficient_net_lite0.safetensors", import.meta.url)),
);
const model = flatten(efficientNetLite0());

/** Numbers in [0, 1) that depend on their place only, as the fixture's program has them. */
function uniform(place: number): number {
  let i = Math.imul(place, 2654435761);
  i = Math.imul(i ^ (i >>> 16), 0x85ebca6b);
  i = Math.imul(i ^ (i >>> 13), 0xc2b2ae35);
  return ((i ^ (i >>> 16)) >>> 0) / 2 ** 32;
}

/** The fixture's weights under their published names. */
function weights(): Record<string, StoredArray> {
  const published = exportPublished(model, model.init(random.key(0)));
  let place = 0;
  const filled = Object.keys(published)
    .sort()
    .map((name) => {
      const { shape } = published[name]!;
      const [first = 0, ...rest] = shape;
      const fan = rest.reduce((a, b) => a * b, 1);
      const range = Math.sqrt(6 / fan);
      const data = Float32Array.from({ length: first * fan }, () => {
        const u = uniform(place++);
        if (shape.length > 1) return (2 * u - 1) * range;
        return /bias|running_mean/.test(name) ? u - 0.5 : u + 0.5;
      });
      return [name, { shape, data }] as const;
    });
  return Object.fromEntries(filled);
}

const parameters = importPublished(model, weights());

test("stages and logits as in PyTorch", async () => {
  const { stages, labels } = await compile((p: Tensor, x: Tensor) => ({ ...model.apply(p, x) }))(
    parameters,
    file.images("x"),
  );
  assert.is(stages.length, 8);
  stages.forEach((stage, i) => {
    close(stage, file.images(`stage.${i}`), 2e-5, `stage ${i}`);
  });
  close(labels, file.tensor("logits"), 2e-5, "logits");
});

test("the perceptual distance in it, and its gradient, as in PyTorch", async () => {
  const loss = perceptualLoss({ model, parameters }, { stages: efficientNetStages });
  const x = file.images("x");
  const step = compile((x: Tensor, y: Tensor) => {
    const value = (x: Tensor): Tensor => loss.apply(x, y, loss.context).loss;
    return { value: value(x), gradient: tf.grad((x: tf.Tensor) => tf.sum(value(x)))(x as tf.Tensor) };
  });
  const { value, gradient } = await step(x, tf.reverse(x as tf.Tensor, 0));
  close(value, file.tensor("distance"), 1e-4, "distance");
  close(gradient, file.images("grad_x"), 1e-3, "gradient");
});

test("published names: no training counters needed, all of them taken, and back", async () => {
  const published = weights();
  assert.ok(published["_blocks.1._expand_conv.weight"]);
  assert.equal(published["_blocks.3._depthwise_conv.weight"]!.shape, [144, 1, 5, 5]);
  assert.equal(published["_fc.weight"]!.shape, [1000, 1280]);
  const counter = { shape: [], data: new Float32Array([7]) };
  const again = importPublished(model, { ...published, "_bn0.num_batches_tracked": counter });
  close(again, parameters, 0, "parameters");
  const { "_bn1.running_var": _, ...missing } = published;
  assert.match((await rejection(() => importPublished(model, missing))).message, /_bn1\.running_var/);
});

test("grey images count as colour, points and a size of none are refused", async () => {
  const grey = normal(1, [1, 32, 32, 1]);
  const { stages } = model.apply(parameters, grey);
  const colour = model.apply(parameters, tf.tile(grey, [1, 1, 1, 3])).stages;
  close(stages.at(-1)!, colour.at(-1)!, 1e-6, "head");
  for (const shape of [
    [1, 8],
    [1, 8, 8, 2],
  ])
    assert.is((await rejection(() => model.apply(parameters, tf.zeros(shape)))).argument, "x");
  assert.is((await rejection(() => efficientNetLite0({ size: 0 }))).argument, "size");
  const loss = perceptualLoss({ model, parameters }, { stages: [8] });
  assert.is((await rejection(() => loss.apply(grey, grey, loss.context))).argument, "stages");
  assert.is(
    (await rejection(() => perceptualLoss({ model, parameters }, { stages: [] }))).argument,
    "stages",
  );
});

for (const [size, kernel, stride] of [
  [5, 3, 1],
  [6, 5, 2],
  [5, 3, 2],
] as const) {
  test(`depthwise convolution of ${size} by ${kernel}, stride ${stride}: gradients, and theirs`, async () => {
    await useDevice("cpu");
    const x = normal(1, [2, size, size, 3]);
    const filter = normal(2, [kernel, kernel, 3, 1]);
    const f = (x: Tensor, filter: Tensor): Tensor => depthwiseConv2d(x, filter, stride);
    close(
      f(x, filter),
      tf.depthwiseConv2d(x as tf.Tensor4D, filter as tf.Tensor4D, stride, "same"),
      1e-6,
      "value",
    );
    checkGradients(f, [x, filter]);
    const cubes = (x: Tensor, filter: Tensor): tf.Scalar => tf.sum(tf.pow(f(x, filter), 3));
    for (const argument of [0, 1] as const) {
      const first = (x: Tensor, filter: Tensor): Tensor =>
        tf.grads(cubes)([x, filter] as tf.Tensor[])[argument]!;
      checkGradients(first, [x, filter]);
    }
    const value = f(x, filter).dataSync();
    await useDevice("onnx");
    const step = compile((x: Tensor, filter: Tensor) => jvp((x) => f(x!, filter), [x], [x]));
    close((await step(x, filter)).tangent, value, 1e-5, "linear: the tangent along x is f(x)");
  });
}

const path = findEfficientNet();
if (path !== null) {
  test("ImageNet's weights: logits, and features for a judge of small pictures, as in PyTorch", async () => {
    const sized = flatten(efficientNetLite0({ size: 64 }));
    const trained = importPublished(sized, (await readSafetensors(path)).tensors);
    const x = file.images("x");
    const { labels } = await compile((p: Tensor, x: Tensor) => ({ ...sized.apply(p, x) }))(trained, x);
    close(labels, file.tensor("imagenet.logits"), 1e-4, "logits");
    const judge = await networkFeatures({ model: sized, parameters: trained })(
      x.dataSync() as Float32Array,
      [32, 32, 3],
    );
    assert.is(judge.dim, 1280);
    close(judge.values, file.tensor("imagenet.pooled"), 1e-4, "pooled");
  });
}

test.run();
