import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import * as tf from "@tensorflow/tfjs-core";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { compile } from "../../src/engine/compile.js";
import { useDevice } from "../../src/engine/device.js";
import * as random from "../../src/engine/random.js";
import type { Tensor } from "../../src/engine/tensor.js";
import { writeSafetensors } from "../../src/io/safetensors.js";
import { cosineRestarts } from "../../src/optim/schedules.js";
import { checkTokens, type FrozenFlow, tokensAt } from "../../src/softrepa/frozen-flow.js";
import {
  checkTokensFit,
  describeTokens,
  embedTokens,
  loadTokens,
  publishedHosts,
  saveTokens,
} from "../../src/softrepa/token-file.js";
import { softTokens } from "../../src/softrepa/tokens.js";
import { verifyFile } from "../../src/verify/verify.js";
import { normal } from "../finite-differences.js";
import { close } from "../reference/fixtures.js";
import { rejection } from "../rejection.js";

const test = suite<{ folder: string }>("soft tokens");
test.before.each((context) => {
  context.folder = mkdtempSync(join(tmpdir(), "tangent-lab-"));
});
test.after.each(({ folder }) => rmSync(folder, { recursive: true }));

const published = (name: string): string =>
  fileURLToPath(new URL(`../fixtures/reference/published_tokens_${name}.safetensors`, import.meta.url));
const host = (name: string) => publishedHosts.find((each) => each.name === name)!;

test("each layer's tokens plus its slice of the time table's row floor(rows t)", () => {
  const model = softTokens({ layers: 2, tokens: 3, dim: 2, timeRows: 4 });
  assert.equal(model.structure.names, ["soft_tokens", "time_embedding"]);
  assert.equal(model.structure.shapes, [
    [2, 3, 2],
    [4, 4],
  ]);
  const flat = tf.tensor1d(Float32Array.from({ length: 12 + 16 }, (_, i) => i));
  const layers = model
    .apply(flat, tf.tensor1d([0, 0.3, 0.999, 1]))
    .map((layer) => layer.arraySync() as number[][][]);
  for (const [example, row] of [
    [0, 0],
    [1, 1],
    [2, 3],
    [3, 3],
  ] as const) {
    for (const layer of [0, 1]) {
      for (const token of [0, 1, 2]) {
        const expected = [0, 1].map((k) => 6 * layer + 2 * token + k + (12 + 4 * row + 2 * layer + k));
        assert.equal(layers[layer]![example]![token], expected);
      }
    }
  }
});

test("the row of a time in float32, as published: a whole number of thousandths first", async () => {
  for (const device of ["onnx", "cpu"] as const) {
    await useDevice(device);
    const model = softTokens({ layers: 1, tokens: 1, dim: 1 });
    const flat = tf.tensor1d([0, ...Array.from({ length: 100 }, (_, row) => row)]);
    const rows = compile((flat: Tensor, t: Tensor) => model.apply(flat, t)[0]!);
    const of = async (times: number[]): Promise<number[]> =>
      [...(await rows(flat, tf.tensor1d(times))).dataSync()] as number[];
    const hundredths = Array.from({ length: 101 }, (_, i) => i);
    const expected = hundredths.map((i) => Math.min(i, 99)); // 53 and 59 would be 52 and 58
    assert.equal(await of(hundredths.map((i) => i / 100)), expected, device);
    assert.equal(await of([0.5299, 0.531, 0.539, 0.9999]), [52, 53, 53, 99], device);
  }
});

test("tokens before a flow's embedder: embedded, then the time table; the same as tokens that passed it", async ({
  folder,
}) => {
  const embed = normal(3, [4, 3]);
  const flow = {
    tokenDim: 3,
    textDim: 4,
    parameters: tf.tensor1d([0]) as Tensor,
    embedText: (_: Tensor, tokens: Tensor) =>
      tf.reshape(tf.matMul(tf.reshape(tokens, [-1, 4]), embed as tf.Tensor2D), [1, -1, 3]),
  } as unknown as FrozenFlow;
  const model = softTokens({ layers: 2, tokens: 2, dim: 3, textDim: 4, timeRows: 5 });
  assert.equal(model.structure.shapes, [
    [2, 2, 4],
    [5, 6],
  ]);
  const parameters = model.init(random.key(1));
  const t = tf.tensor1d([0.1, 0.9]);
  const before = tokensAt(flow, flow.parameters, model, parameters, t);
  const inside = embedTokens(flow, { model, parameters });
  assert.is(inside.model.textDim, undefined);
  const behind = inside.model.apply(inside.parameters, t);
  for (const [i, layer] of before.entries()) close(layer, behind[i]!, 1e-5, `layer ${i}`);
  const table = parameters.dataSync().slice(16) as Float32Array;
  const first = tf.matMul(
    tf.tensor2d(parameters.dataSync().slice(0, 4) as Float32Array, [1, 4]),
    embed as tf.Tensor2D,
  );
  close(
    tf.slice(before[0]!, [0, 0, 0], [1, 1, 3]).dataSync(),
    tf.add(first, tf.tensor2d(table.slice(0, 3), [1, 3])).dataSync(),
    1e-5,
    "token",
  );

  const path = join(folder, "tokens.safetensors");
  await saveTokens(path, { model, parameters });
  const small = { name: "small", attention: "joint", layers: 3, dim: 3, textDim: 4 } as const;
  for (const read of [await loadTokens(path), await loadTokens(path, small)]) {
    assert.equal([read.model.dim, read.model.textDim, read.description.parameters], [3, 4, 46]);
    assert.equal(read.parameters.dataSync(), parameters.dataSync());
  }
  // What SoftREPA's training writes for SD3, by shapes.
  const sd3 = { soft_tokens: { shape: [5, 4, 4096] }, time_embedding: { shape: [100, 7680] } };
  const description = describeTokens(sd3, undefined, host("sd3"));
  assert.equal([description.dim, description.textDim, description.parameters], [1536, 4096, 849_920]);
  checkTokensFit(description, host("sd3"));

  for (const [attempt, argument] of [
    [() => model.apply(parameters, t), "embed"],
    [() => checkTokens(flow, softTokens({ dim: 4 })), "tokens.dim"],
    [() => checkTokens(flow, softTokens({ dim: 3, textDim: 5 })), "tokens.textDim"],
    [() => checkTokens({ ...flow, embedText: undefined } as never, model), "tokens.textDim"],
    [() => checkTokens(flow, {} as never), "tokens.model"],
    [() => embedTokens(flow, inside), "tokens.textDim"],
    [() => checkTokensFit({ ...description, textDim: 100 }, host("sd3")), "tokens.textDim"],
    [() => softTokens({ dim: 3, textDim: 0 }), "textDim"],
    [() => softTokens({ dim: 3, timeStart: "no" as never }), "timeStart"],
  ] as const) {
    const error = await rejection(attempt);
    assert.equal([error.code, error.argument], ["invalid-argument", argument]);
  }
});

test("starts: zeros, normal numbers, near a text", () => {
  const start = (options: object): number[] => [
    ...softTokens({ layers: 2, tokens: 50, dim: 2, ...options })
      .init(random.key(1))
      .dataSync(),
  ];
  assert.ok(start({ start: "zeros" }).every((value) => value === 0));
  const drawn = start({ standardDeviation: 2, timeStart: "zeros" });
  const mean = (list: number[]): number => list.reduce((a, b) => a + b, 0) / list.length;
  assert.ok(Math.abs(mean(drawn.slice(0, 200).map((value) => value ** 2)) - 4) < 1);
  assert.ok(drawn.slice(200).every((value) => value === 0));
  // As published, the time table is drawn, too; the tokens are the same.
  const published = start({ standardDeviation: 2 });
  assert.equal(published.slice(0, 200), drawn.slice(0, 200));
  assert.ok(Math.abs(mean(published.slice(200).map((value) => value ** 2)) - 4) < 1);
  assert.ok(
    Math.abs(
      mean(
        start({})
          .slice(200)
          .map((value) => value ** 2),
      ) /
        0.02 ** 2 -
        1,
    ) < 0.25,
  );
  assert.ok(
    start({ start: "zeros", timeStart: "normal" })
      .slice(200)
      .some((value) => value !== 0),
  );
  const near = start({ start: { near: [3, -1] } }).slice(0, 200);
  assert.ok(Math.abs(mean(near.filter((_, i) => i % 2 === 0)) - 3) < 0.02);
  assert.ok(Math.abs(mean(near.filter((_, i) => i % 2 === 1)) + 1) < 0.02);
});

test("what is published loads, is described and fits its own model only", async () => {
  for (const [name, expected] of [
    ["sd1.5", { layers: 1, shared: true, tokens: 4, dim: 768, timeRows: 100, parameters: 79_872 }],
    ["sdxl", { layers: 1, shared: true, tokens: 4, dim: 2048, timeRows: 0, parameters: 8192 }],
  ] as const) {
    const { description, parameters, model } = await loadTokens(published(name), host(name));
    assert.equal(description, expected);
    assert.is(parameters.size, expected.parameters);
    assert.equal(model.apply(parameters, tf.tensor1d([0.5]))[0]!.shape, [1, 4, expected.dim]);
    const error = await rejection(loadTokens(published(name), host("sd3")));
    assert.equal([error.argument, error.given, error.allowed], ["tokens.dim", expected.dim, "1536"]);
  }
  const sd3 = { soft_tokens: { shape: [5, 4, 1536] }, time_embedding: { shape: [100, 7680] } };
  assert.is(describeTokens(sd3).parameters, 798_720);
  checkTokensFit(describeTokens(sd3), host("sd3"));
});

test("tokens that do not fit: which dimension", async () => {
  const small = { name: "small", attention: "joint", layers: 3, dim: 8 } as const;
  for (const [shape, argument] of [
    [[2, 4, 9], "tokens.dim"],
    [[4, 4, 8], "tokens.layers"],
    [[4, 8], "tokens.layers"],
  ] as const) {
    const error = await rejection(() => checkTokensFit(describeTokens({ soft_tokens: { shape } }), small));
    assert.is(error.argument, argument);
  }
  checkTokensFit(describeTokens({ soft_tokens: { shape: [3, 1, 8] } }), small);
});

test("written and read again, layers of their own or shared", async ({ folder }) => {
  const path = join(folder, "tokens.safetensors");
  const model = softTokens({ layers: 1, tokens: 2, dim: 3, timeRows: 5 });
  const parameters = tf.tensor1d(random.normal(random.key(2), model.structure.size));
  for (const shared of [false, true]) {
    await saveTokens(path, { model, parameters }, { shared, metadata: { base: "a flow" } });
    const read = await loadTokens(path);
    assert.equal(read.parameters.dataSync(), parameters.dataSync());
    assert.equal([read.description.shared, read.metadata.base, read.model.timeRows], [shared, "a flow", 5]);
  }
});

test("files that hold no soft tokens", async ({ folder }) => {
  const path = join(folder, "tokens.safetensors");
  const array = (...shape: number[]) => ({ shape, data: new Float32Array(shape.reduce((a, b) => a * b, 1)) });
  for (const [tensors, message] of [
    [{ other: array(2) }, /it has other/],
    [{ time_embedding: array(2, 2) }, /soft_tokens is missing/],
    [{ soft_tokens: array(8) }, /of shape \[8\]/],
    [{ soft_tokens: array(2, 3, 4), time_embedding: array(100, 4) }, /not \[rows, 2 layers x 4 = 8\]/],
  ] as const) {
    await writeSafetensors(path, tensors as Parameters<typeof writeSafetensors>[1]);
    const error = await rejection(loadTokens(path));
    assert.is(error.code, "corrupt-file");
    assert.match(error.message, message);
  }
});

test("cosine restarts", async () => {
  const rate = cosineRestarts(2, 10, { multiplier: 2, final: 0.5 });
  assert.equal([rate(0), rate(5), rate(10), rate(30)], [2, 1.5, 2, 2]);
  const published = new URL("../fixtures/reference/schedules_softrepa.json", import.meta.url);
  const result = await verifyFile(fileURLToPath(published)); // PyTorch's, with SoftREPA's settings
  assert.is(result.status, "passed", JSON.stringify(result));
  assert.ok(rate(9) < 1.05 && rate(29) < 1.01 && rate(20) === 1.5);
});

test.run();
