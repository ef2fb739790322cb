import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import * as tf from "@tensorflow/tfjs-core";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { type DeviceName, useDevice } from "../../src/engine/device.js";
import * as random from "../../src/engine/random.js";
import type { Tensor } from "../../src/engine/tensor.js";
import { asFloat32, readSafetensors, type StoredArray } from "../../src/io/safetensors.js";
import { flatten } from "../../src/nn/network.js";
import { exportPublished, importPublished } from "../../src/nn/published.js";
import {
  crossUnet,
  embeddedText,
  flowMatching,
  fromDiffusers,
  jointTransformer,
  loadFlow,
  saveFlow,
  textToImage,
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
    // Two attentions, images that are not square, weights in half precision, a ratio that float32 does not hold exactly.
    for (const name of ["a", "b", "dual", "wide", "half", ...(device === "onnx" ? ["posratio"] : [])]) {
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

test("images of other sizes: as many patches of the table's middle; what is no image of these channels is refused by name", async () => {
  const roomy = jointTransformer({ ...sizes, layers: 1, heads: 2, headDim: 8, positions: 6 });
  const networks = { roomy, cross };
  for (const [name, network] of Object.entries(networks)) {
    const parameters = randomized(network);
    const apply = (shape: number[]): Tensor =>
      network.apply(parameters, { ...inputs, x: normal(1, shape as [number]) });
    for (const shape of [
      [2, 4, 4, 3],
      [2, 4, 8, 3],
      [2, 12, 6, 3],
    ]) {
      assert.equal(apply(shape).shape, shape, name);
    }
    for (const bad of [
      [2, 3, 8, 8],
      [2, 8, 8],
      [2, 8, 8, 4],
      [2, 0, 8, 3],
      [2, 7, 8, 3],
      ...(name === "roomy" ? [[2, 4, 16, 3]] : []),
    ]) {
      const error = await rejection(() => apply(bad));
      assert.equal([error.code, error.argument], ["invalid-argument", "x.shape"], `${name} [${bad}]`);
      assert.match(error.message, /\[N, 8, 8, 3\], or other heights and widths/);
    }
  }
  // Attention and hidden layers count the patches of the image that is there.
  const wide = { ...inputs, x: normal(1, [2, 4, 8, 3]), softTokens: soft(roomy, 1) };
  const parameters = randomized(roomy);
  assert.equal(roomy.hidden(parameters, wide, 0).shape, [2, 8, 16]);
  assert.equal(roomy.softAttention(parameters, wide)[0]!.shape, [2, 8, 2]);
});

const stateDict = async (name: string) => {
  const { tensors, metadata } = await readSafetensors(
    fileURLToPath(new URL(`../fixtures/reference/${name}.safetensors`, import.meta.url)),
  );
  return { tensors, config: fromDiffusers(JSON.parse(metadata.config!)) };
};

test("a published state dict loads with its table of positions as it is, in half precision, too", async () => {
  const { tensors, config } = await stateDict("sd3_statedict_fp16");
  const model = flatten(jointTransformer(config));
  const own = (table: StoredArray): Float32Array => {
    const given = { ...tensors, "pos_embed.pos_embed": table };
    const back = exportPublished(model, importPublished(model, given));
    return back["pos_embed.pos_embed"]!.data as Float32Array;
  };
  const table = tensors["pos_embed.pos_embed"]!;
  assert.equal(own(table), asFloat32(table.data));
  const learned = { ...table, data: asFloat32(table.data).map((value, i) => value + Math.sin(i)) };
  assert.equal(own(learned), learned.data);
  // Without one, it is computed; half precision rounds by at most 2^-12.
  const { "pos_embed.pos_embed": _, ...rest } = tensors;
  const computed = exportPublished(model, importPublished(model, rest))["pos_embed.pos_embed"]!.data;
  const half = asFloat32(table.data);
  assert.ok((computed as Float32Array).every((value, i) => Math.abs(value - half[i]!) <= 2 ** -12));
});

test("a computed table is diffusers', to its last bits; another one is refused in few words", async () => {
  const { tensors: file, config } = await stateDict("joint_transformer_posratio");
  const tensors = Object.fromEntries(
    Object.entries(file)
      .filter(([name]) => name.startsWith("weights."))
      .map(([name, array]) => [name.slice("weights.".length), array]),
  );
  const model = flatten(jointTransformer({ ...config, storedPositions: false }));
  importPublished(model, tensors);
  const table = tensors["pos_embed.pos_embed"]!;
  const data = asFloat32(table.data).slice();
  data[7]! += 0.1;
  const error = await rejection(() =>
    importPublished(model, { ...tensors, "pos_embed.pos_embed": { ...table, data } }),
  );
  assert.match(
    error.message,
    /pos_embed\.pos_embed is of another configuration at 7; given: [\d.-]+; allowed: [\d.-]+$/,
  );
});

test("a flow with a stored table and two attentions is saved and read with both", async () => {
  const text = embeddedText({ captions: ["a"], tokens: normal(2, [1, 5, 12]), pooled: normal(3, [1, 6]) });
  const network = jointTransformer({
    ...sizes,
    layers: 2,
    heads: 1,
    headDim: 8,
    positions: 6,
    qkNorm: true,
    storedPositions: true,
    dualAttention: [0],
  });
  const model = textToImage(network, text);
  const parameters = normal(4, [model.structure.size]);
  const folder = await mkdtemp(join(tmpdir(), "tangent-lab-networks-"));
  try {
    const path = join(folder, "flow.safetensors");
    await saveFlow(path, { model, parameters });
    const read = await loadFlow(path, text);
    assert.equal(read.model.structure.names, model.structure.names);
    assert.equal(read.parameters.dataSync(), parameters.dataSync());
    const velocity = ({ model, parameters }: Pick<typeof read, "model" | "parameters">): Float32Array =>
      model.velocity(parameters, inputs.x, inputs.t, inputs.text).dataSync() as Float32Array;
    assert.equal(velocity(read), velocity({ model, parameters }));
  } finally {
    await rm(folder, { recursive: true });
  }
});

test("training leaves a stored table as it is, against weight decay, too", async () => {
  const text = embeddedText({ captions: ["a"], tokens: normal(2, [1, 5, 12]), pooled: normal(3, [1, 6]) });
  const network = jointTransformer({ ...sizes, layers: 1, heads: 1, headDim: 8, storedPositions: true });
  const flow = textToImage(network, text);
  assert.equal(flow.fixed, ["transformer.pos_embed.pos_embed"]);
  const { init, batch, step } = flowMatching({ flow, captions: ["a"], learningRate: 0.1 });
  const images = random.normal(random.key(5), 2 * 192);
  const before = init(random.key(1));
  const { state } = step(before, batch(random.key(2), images, 0, Int32Array.of(0, 0)));
  const of = (parameters: Tensor) =>
    exportPublished(flow, parameters) as Record<string, { data: Float32Array }>;
  const [old, next, average] = [of(before.parameters), of(state.parameters), of(state.ema)];
  for (const [name, { data }] of Object.entries(old)) {
    const moved = data.some((value, i) => value !== next[name]!.data[i]);
    if (name.endsWith("pos_embed.pos_embed")) {
      assert.not(moved);
      assert.equal(average[name]!.data, data);
    } else if (name.endsWith("proj.weight")) assert.ok(moved, name);
  }
});

test("bad configurations are refused", async () => {
  const argument = async (make: () => unknown): Promise<unknown> => (await rejection(make)).argument;
  assert.is(await argument(() => jointTransformer({ ...sizes, patch: 3 })), "size");
  assert.is(await argument(() => jointTransformer({ ...sizes, positions: 2 })), "positions");
  assert.is(await argument(() => crossUnet({ ...sizes, multipliers: [1] })), "multipliers");
  assert.is(await argument(() => crossUnet({ ...sizes, heads: 5 })), "heads");
  assert.is(await argument(() => fromDiffusers({})), "num_attention_heads");
  assert.is(await argument(() => jointTransformer({ ...sizes, dualAttention: [6] })), "dualAttention");
  assert.is(await argument(() => jointTransformer({ ...sizes, dualAttention: [1, 1] })), "dualAttention");
  const dual = {
    num_attention_heads: 2,
    attention_head_dim: 8,
    caption_projection_dim: 16,
    num_layers: 2,
    dual_attention_layers: [2],
  };
  assert.is(await argument(() => fromDiffusers(dual)), "dual_attention_layers");
});

test.run();
