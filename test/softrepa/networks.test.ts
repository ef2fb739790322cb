import { fileURLToPath } from "node:url";
import * as tf from "@tensorflow/tfjs-core";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { type DeviceName, useDevice } from "../../src/engine/device.js";
import * as random from "../../src/engine/random.js";
import type { Tensor } from "../../src/engine/tensor.js";
import { flatten } from "../../src/nn/network.js";
import {
  crossUnet,
  fromDiffusers,
  jointTransformer,
  type VelocityNetwork,
} from "../../src/softrepa/index.js";
import { verifyFile } from "../../src/verify/verify.js";
import { normal } from "../finite-differences.js";
import { close } from "../reference/fixtures.js";
import { rejection } from "../rejection.js";

const sizes = { size: 8, channels: 3, textDim: 12, pooledDim: 6 };
const joint = jointTransformer({ ...sizes, layers: 3, heads: 2, headDim: 8 });
const cross = crossUnet({ ...sizes, width: 8, multipliers: [1, 2], heads: 2, groups: 4 });

const inputs = {
  x: normal(1, [2, 8, 8, 3]),
  t: tf.tensor1d([0.2, 0.9]) as Tensor,
  text: { tokens: normal(2, [2, 5, 12]) as Tensor, pooled: normal(3, [2, 6]) as Tensor },
};
const soft = (network: VelocityNetwork, layers: number, m = 2): Tensor[] =>
  Array.from({ length: layers }, (_, i) => normal(10 + i, [2, m, network.tokenDim]));

/** A network with random numbers in every parameter, also in those that start as zeros. */
function randomized(network: VelocityNetwork): Parameters<VelocityNetwork["apply"]>[0] {
  const model = flatten(network);
  return model.structure.unravel(tf.mul(normal(4, [model.structure.size]), 0.2));
}

for (const device of ["onnx", "cpu"] satisfies DeviceName[]) {
  test(`the joint transformer is diffusers' SD3Transformer2DModel, soft tokens and gradients included, on ${device}`, async () => {
    await useDevice(device);
    for (const name of ["a", "b"]) {
      const file = new URL(`../fixtures/reference/joint_transformer_${name}.safetensors`, import.meta.url);
      const result = await verifyFile(fileURLToPath(file));
      assert.is(result.status, "passed", JSON.stringify(result));
      assert.equal("unused" in result && result.unused, []);
    }
  });
}

for (const [name, network] of Object.entries({ joint, cross })) {
  test(`${name}: starts as the zero velocity, and reads image, time, caption and soft tokens`, () => {
    const fresh = network.init(random.key(0));
    assert.is(tf.max(tf.abs(network.apply(fresh, inputs))).dataSync()[0], 0);
    const parameters = randomized(network);
    const plain = network.apply(parameters, inputs);
    assert.equal(plain.shape, [2, 8, 8, 3]);
    const changes = {
      x: { ...inputs, x: tf.add(inputs.x, 0.1) },
      t: { ...inputs, t: tf.tensor1d([0.3, 0.8]) },
      tokens: { ...inputs, text: { ...inputs.text, tokens: tf.mul(inputs.text.tokens, 2) } },
      pooled: { ...inputs, text: { ...inputs.text, pooled: tf.mul(inputs.text.pooled, 2) } },
      soft: { ...inputs, softTokens: soft(network, 1) },
    };
    for (const [what, changed] of Object.entries(changes)) {
      const difference = tf.max(tf.abs(tf.sub(network.apply(parameters, changed), plain))).dataSync()[0]!;
      assert.ok(difference > 1e-4, `${what} changes the output by ${difference}`);
    }
  });

  test(`${name}: attention to soft tokens is a share of all attention; hidden layers come out`, () => {
    const parameters = randomized(network);
    const layers = name === "joint" ? 2 : 1;
    const maps = network.softAttention(parameters, { ...inputs, softTokens: soft(network, layers) });
    assert.is(maps.length, name === "joint" ? 2 : network.layers);
    for (const map of maps) {
      assert.is(map.shape[2], 2);
      const share = tf.sum(map, 2).dataSync();
      assert.ok(Math.min(...share) > 0 && Math.max(...share) < 1);
    }
    const [first, last] = [0, network.layers - 1].map((layer) => network.hidden(parameters, inputs, layer));
    assert.is(first!.shape[0], 2);
    assert.is(last!.rank, 3);
  });

  test(`${name}: soft tokens that do not fit are refused with the dimension`, async () => {
    const parameters = randomized(network);
    const wide = { ...inputs, softTokens: [normal(1, [2, 2, 7]) as Tensor] };
    assert.is((await rejection(() => network.apply(parameters, wide))).argument, "softTokens.dim");
    const many = { ...inputs, softTokens: soft(network, network.layers + 1) };
    assert.is((await rejection(() => network.apply(parameters, many))).argument, "softTokens.layers");
  });
}

test("soft tokens stand in front of the text in the joint transformer: the last layer with them only", () => {
  const parameters = randomized(joint);
  // The same tokens put into the text by hand reach layers behind, too, and give another velocity.
  const [first] = soft(joint, 1);
  const inFirst = joint.apply(parameters, { ...inputs, softTokens: [first!] });
  const inBoth = joint.apply(parameters, { ...inputs, softTokens: [first!, first!] });
  assert.ok(tf.max(tf.abs(tf.sub(inFirst, inBoth))).dataSync()[0]! > 1e-4);
});

test("in the U-Net, soft tokens behind the first text token are the same as a text that has them there", () => {
  const parameters = randomized(cross);
  const [tokens] = soft(cross, 1);
  const [start, rest] = tf.split(inputs.text.tokens as tf.Tensor, [1, 4], 1) as [Tensor, Tensor];
  const longer = { ...inputs.text, tokens: tf.concat([start, tokens!, rest] as tf.Tensor[], 1) };
  const expected = cross.apply(parameters, { ...inputs, text: longer });
  close(cross.apply(parameters, { ...inputs, softTokens: [tokens!] }), expected, 1e-6, "velocity");
});

test("bad configurations are refused", async () => {
  const argument = async (make: () => unknown): Promise<unknown> => (await rejection(make)).argument;
  assert.is(await argument(() => jointTransformer({ ...sizes, patch: 3 })), "size");
  assert.is(await argument(() => jointTransformer({ ...sizes, positions: 2 })), "positions");
  assert.is(await argument(() => crossUnet({ ...sizes, multipliers: [1] })), "multipliers");
  assert.is(await argument(() => crossUnet({ ...sizes, heads: 5 })), "heads");
  assert.is(await argument(() => fromDiffusers({})), "num_attention_heads");
  const dual = {
    ...{ num_attention_heads: 2, attention_head_dim: 8, caption_projection_dim: 16 },
    dual_attention_layers: [0],
  };
  assert.is(await argument(() => fromDiffusers(dual)), "dual_attention_layers");
});

test.run();
