import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { encodeModel } from "../../src/engine/onnx/proto.js";
import * as random from "../../src/engine/random.js";
import { denoisingFrechet, frechetDistance, gaussian, onnxFeatures } from "../../src/metrics/index.js";
import { rejection } from "../rejection.js";

/** A network whose features are the means over each channel, [batch, channels, h, w] -> [batch, channels]; -1 leaves a size open. */
function means(shape: readonly number[], keep = 0): Uint8Array {
  return encodeModel({
    inputs: [{ name: "images", type: "float32", shape }],
    outputs: [{ name: "features", type: "float32", shape: keep ? [-1, -1, 1, 1] : [-1, -1] }],
    initializers: [
      {
        name: "axes",
        type: "int64",
        shape: [2],
        data: new Uint8Array(BigInt64Array.of(shape[3] === 3 ? 1n : 2n, shape[3] === 3 ? 2n : 3n).buffer),
      },
    ],
    nodes: [
      { op: "ReduceMean", inputs: ["images", "axes"], outputs: ["features"], attributes: { keepdims: keep } },
    ],
  });
}

/** A network that gives back its input. */
const identity = (shape: readonly number[]): Uint8Array =>
  encodeModel({
    inputs: [{ name: "x", type: "float32", shape }],
    outputs: [{ name: "y", type: "float32", shape }],
    initializers: [],
    nodes: [{ op: "Identity", inputs: ["x"], outputs: ["y"], attributes: {} }],
  });

const round = (values: Float32Array): number[] =>
  Array.from(values, (value) => Math.round(value * 1e4) / 1e4);

/** Two RGB images of 2 x 2: one colour each. */
const images = Float32Array.from({ length: 24 }, (_, i) => (i < 12 ? [-1, 0, 1] : [1, 1, -0.5])[i % 3]!);

test("layout, range, mean and deviation", async () => {
  const nchw = means([-1, 3, -1, -1]);
  const { values, dim } = await (await onnxFeatures({ model: nchw }))(images, [2, 2, 3]);
  assert.equal([dim, round(values)], [3, [-1, 0, 1, 1, 1, -0.5]]);
  const bytes = await onnxFeatures({ model: nchw, range: [0, 255] });
  assert.equal(round((await bytes(images, [2, 2, 3])).values), [0, 127.5, 255, 255, 255, 63.75]);
  const normalized = await onnxFeatures({
    model: nchw,
    range: [0, 1],
    mean: [0.5, 0, 0],
    deviation: [0.5, 1, 2],
  });
  assert.equal(round((await normalized(images, [2, 2, 3])).values), [-1, 0.5, 0.5, 1, 1, 0.125]);
  const nhwc = await onnxFeatures({ model: means([-1, -1, -1, 3]), layout: "NHWC" });
  assert.equal(round((await nhwc(images, [2, 2, 3])).values), [-1, 0, 1, 1, 1, -0.5]);
});

test("a file that fixes batch and size: images are resized, batches filled up, grey gets three channels", async () => {
  const folder = mkdtempSync(join(tmpdir(), "tangent-lab-"));
  try {
    const model = join(folder, "means.onnx");
    writeFileSync(model, means([2, 3, 4, 4], 1));
    const features = await onnxFeatures({ model });
    const grey = Float32Array.of(0, 0, 0, 0, 0.5, 0.5, 0.5, 0.5, -1, 1, -1, 1);
    const { values, dim } = await features(grey, [2, 2, 1]);
    assert.equal([dim, round(values)], [3, [0, 0, 0, 0.5, 0.5, 0.5, 0, 0, 0]]);
    const two = await features(images, [2, 2, 3]);
    assert.equal(round(two.values), [-1, 0, 1, 1, 1, -0.5]);
    assert.is(frechetDistance(two.values, two.values, { dim: 3 }) < 1e-9, true);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test("models and options that do not fit are named", async () => {
  const model = means([2, 3, 4, 4]);
  for (const [attempt, code, message] of [
    [
      () => onnxFeatures({ model: "/nowhere/inception.onnx" }),
      "file-system",
      /cannot read .*inception\.onnx/,
    ],
    [
      () => onnxFeatures({ model: Uint8Array.of(1, 2, 3) }),
      "corrupt-file",
      /ONNX Runtime cannot load the model/,
    ],
    [() => onnxFeatures({ model, output: "pool3" }), "invalid-argument", /invalid output.*features/],
    [() => onnxFeatures({ model, size: 8 }), "invalid-argument", /invalid size; given: 8; allowed: 4/],
    [() => onnxFeatures({ model, batchSize: 3 }), "invalid-argument", /invalid batchSize.*allowed: 2/],
    [() => onnxFeatures({ model, range: [1, 1] }), "invalid-argument", /range/],
    [
      () => onnxFeatures({ model: identity([3, 4]) }),
      "invalid-argument",
      /does not take images.*float32 \[3,4\]/,
    ],
  ] as const) {
    const error = await rejection(attempt);
    assert.is(error.code, code);
    assert.match(error.message, message);
  }
  const features = await onnxFeatures({ model });
  assert.match(
    (await rejection(features(new Float32Array(8), [2, 2, 2]))).message,
    /of 3 channels, or of one/,
  );
  assert.match((await rejection(features(new Float32Array(5), [2, 2, 1]))).message, /images.*5 numbers/);
});

/** A network of one op on images [-1, 3, 4, 4]. */
const oneOp = (op: string, attributes: object, type: "float32" | "int64" = "float32"): Uint8Array =>
  encodeModel({
    inputs: [{ name: "x", type: "float32", shape: [-1, 3, 4, 4] }],
    outputs: [{ name: "y", type, shape: [] }],
    initializers: [],
    nodes: [{ op, inputs: ["x"], outputs: ["y"], attributes: attributes as never }],
  });

test("outputs that are no features are named, with their type and sizes", async () => {
  for (const [what, model, given] of [
    ["all images in one number", oneOp("ReduceMean", { keepdims: 0 }), /y: float32 \[\]/],
    ["maps", oneOp("Identity", {}), /y: float32 \[2,3,4,4\]/],
    ["one row for all", oneOp("Flatten", { axis: 0 }), /y: float32 \[1,96\]/],
    ["sizes", oneOp("Shape", {}, "int64"), /y: int64 \[4\]/],
    ["a list", oneOp("SplitToSequence", {}), /y/],
  ] as const) {
    const error = await rejection(async () => {
      const features = await onnxFeatures({ model });
      await features(new Float32Array(2 * 48), [4, 4, 3]);
    });
    assert.ok(["output", "model"].includes(error.argument!), `${what}: ${error.message}`);
    assert.match(error.message, given, what);
  }
});

test("Frechet distance per noise level: 0 for a denoiser that knows the answer, the noise's own for one that does nothing", async () => {
  const shape = [2, 2, 1];
  const clean = random.normal(random.key(0), 400 * 4).map((value) => Math.max(-1, Math.min(1, value / 3)));
  const features = async (values: Float32Array) => ({ values, dim: 4 });
  const config = { clean, shape, features, key: random.key(1), resamples: 50 };
  const perfect = await denoisingFrechet({ ...config, denoise: async () => clean });
  assert.equal(
    perfect.map(({ sigma, frechet }) => [sigma, Math.round(frechet.high * 1e6)]),
    [
      [0.2, 0],
      [0.4, 0],
      [0.8, 0],
    ],
  );
  const seen: number[] = [];
  const idle = await denoisingFrechet({
    ...config,
    denoise: async (noisy, sigma) => {
      seen.push(sigma);
      return noisy;
    },
    sigmas: [0.5, 1],
  });
  assert.equal(seen, [0.5, 1]);
  // In one dimension |s - sqrt(s^2 + sigma^2)|^2, four times.
  const variance = clean.reduce((sum, value) => sum + value * value, 0) / clean.length;
  for (const { sigma, frechet } of idle) {
    const expected = 4 * (Math.sqrt(variance + sigma ** 2) - Math.sqrt(variance)) ** 2;
    const { estimate, low, high } = frechet;
    assert.ok(Math.abs(estimate / expected - 1) < 0.15, `${estimate} and ${expected}`);
    assert.ok(low < estimate && estimate < high && high - low < estimate, `${low} to ${high}`);
  }
  const [given] = await denoisingFrechet({
    ...config,
    denoise: async (x: Float32Array) => x,
    sigmas: [0.5],
    reference: gaussian(clean, { dim: 4 }),
  });
  assert.ok(Math.abs(given!.frechet.estimate - idle[0]!.frechet.estimate) < 1e-6);
  assert.match(
    (await rejection(denoisingFrechet({ ...config, denoise: async (x) => x, sigmas: [0] }))).message,
    /sigmas/,
  );
});

test.run();
