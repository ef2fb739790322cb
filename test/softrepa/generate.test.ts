import { fileURLToPath } from "node:url";
import * as tf from "@tensorflow/tfjs-core";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { type DeviceName, useDevice } from "../../src/engine/device.js";
import * as random from "../../src/engine/random.js";
import { flowLevels, generate } from "../../src/softrepa/index.js";
import { softTokens } from "../../src/softrepa/tokens.js";
import { verifyFile } from "../../src/verify/verify.js";
import { close } from "../reference/fixtures.js";
import { rejection } from "../rejection.js";
import { dim, toyFlow } from "./toy-flow.js";

/** v = the caption's number, 0.3 for each word's place in the list. */
const constant = {
  ...toyFlow,
  velocity: (...[, x, , { numbers }]: Parameters<typeof toyFlow.velocity>) =>
    tf.add(tf.zerosLike(x), tf.reshape(numbers!, [-1, 1, 1, 1])),
};

for (const device of ["onnx", "cpu"] satisfies DeviceName[]) {
  test(`sampling and editing are FlowEdit's and SoftREPA's on diffusers' SD3, on ${device}`, async () => {
    await useDevice(device);
    const file = new URL("../fixtures/reference/flow_edit.safetensors", import.meta.url);
    const result = await verifyFile(fileURLToPath(file));
    assert.is(result.status, "passed", JSON.stringify(result));
    assert.equal("unused" in result && result.unused, []);
    assert.is("quantities" in result && result.quantities.length, 8);
  });
}

test("levels fall from 1 to 0; a shift of 1 leaves them, more keeps them up", () => {
  close(flowLevels({ steps: 4 }), [1, 0.75, 0.5, 0.25, 0], 1e-12, "uniform");
  close(flowLevels({ steps: 2, shift: 3 }), [1, 0.75, 0], 1e-12, "shifted");
  // torch 2.13, diffusers 0.42: FlowMatchEulerDiscreteScheduler(shift=3).set_timesteps(4)
  const published = [1, 0.857692301, 0.602150559, 0.00892857183, 0];
  close(flowLevels({ steps: 4, shift: 3, spacing: "diffusers" }), published, 1e-7, "diffusers");
  for (const spacing of ["uniform", "diffusers"] as const) {
    for (const shift of [0.5, 1, 6]) {
      const levels = flowLevels({ steps: 9, shift, spacing });
      assert.is(levels.length, 10);
      assert.ok(levels.every((level, i) => i === 0 || level < levels[i - 1]!));
      assert.equal([levels[0], levels[9]], [1, 0]);
    }
    assert.equal(flowLevels({ steps: 1, spacing }), [1, 0]);
  }
});

test("guidance 1, the caption's velocity alone, is the limit of others, with tokens and without", async () => {
  const model = softTokens({ layers: 1, tokens: 2, dim, standardDeviation: 1 });
  for (const tokens of [undefined, { model, parameters: model.init(random.key(4)) }]) {
    const config = { captions: ["two", "three", "one"], steps: 3, key: random.key(1), batchSize: 2, tokens };
    const [one, more] = await Promise.all(
      [1, 1 + 1e-6].map((guidance) => generate(toyFlow, { ...config, guidance })),
    );
    close(one!, more!, 1e-4, "guidance 1");
  }
});

test("guidance leads from the negative captions; levels do not matter to constant velocities", async () => {
  const config = { captions: ["two", "three"], guidance: 4, steps: 3, key: random.key(1) };
  const start = [0, 1].flatMap((i) => [...random.normal(random.foldIn(random.key(1), i), 4)]);
  const after = (v0: number[]): Float32Array =>
    Float32Array.from(start, (e, i) => {
      const [v, w] = [[0.6, 0.9][Math.floor(i / 4)]!, v0[Math.floor(i / 4)]!];
      return e - (w + 4 * (v - w));
    });
  close(await generate(constant, config), after([0, 0]), 1e-5, "empty caption");
  const shifted = await generate(constant, { ...config, shift: 3, spacing: "diffusers", solver: "heun" });
  close(shifted, after([0, 0]), 1e-5, "shifted");
  close(await generate(constant, { ...config, negativePrompt: "one" }), after([0.3, 0.3]), 1e-5, "one");
  const each = { ...config, negativePrompt: ["one", "five"], batchSize: 1 };
  close(await generate(constant, each), after([0.3, 1.5]), 1e-5, "each");
});

test("images of another size, where the flow takes them", async () => {
  const config = { captions: ["two"], key: random.key(1), steps: 2, size: [3, 4] } as const;
  const roomy = { ...constant, sizes: { multiple: 1, most: 4 } };
  assert.is((await generate(roomy, config)).length, 12);
  assert.is((await rejection(generate(constant, config))).argument, "size");
  assert.is((await rejection(generate(roomy, { ...config, size: [3, 5] }))).argument, "size");
});

test("bad input is refused", async () => {
  const flow = { ...toyFlow, tokenDim: dim };
  const good = { captions: ["one"], key: random.key(1) };
  for (const [bad, argument] of [
    [{ key: undefined }, "key"],
    [{ key: 3 }, "key"],
    [{ captions: "one" }, "captions"],
    [{ captions: undefined }, "captions"],
    [{ captions: [] }, "captions"],
    [{ captions: ["one", 2] }, "captions[1]"],
    [{ negativePrompt: [] }, "negativePrompt"],
    [{ negativePrompt: ["one", "two"] }, "negativePrompt"],
    [{ guidance: "4" }, "guidance"],
    [{ steps: 0 }, "steps"],
    [{ shift: -1 }, "shift"],
    [{ shift: "3" }, "shift"],
    [{ spacing: "karras" }, "spacing"],
    [{ tokens: { model: softTokens({ dim: dim + 1 }), parameters: flow.parameters } }, "tokens.dim"],
    [{ tokens: { parameters: flow.parameters } }, "tokens.model"],
  ] as const) {
    const error = await rejection(generate(flow, { ...good, ...bad } as never));
    assert.equal([error.code, error.argument], ["invalid-argument", argument], JSON.stringify(bad));
  }
  const error = await rejection(generate(flow, undefined as never));
  assert.is(error.argument, "config");
});

test.run();
