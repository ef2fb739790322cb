import { fileURLToPath } from "node:url";
import * as tf from "@tensorflow/tfjs-core";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { useDevice } from "../../src/engine/device.js";
import * as random from "../../src/engine/random.js";
import type { Tensor } from "../../src/engine/tensor.js";
import {
  type Condition,
  ddpmpp,
  exportPublished,
  flatten,
  importPublished,
  ncsnpp,
  publishedConfig,
  type SongUnetConfig,
  songUnet,
} from "../../src/nn/index.js";
import { verifyFile } from "../../src/verify/verify.js";
import { normal } from "../finite-differences.js";
import { close, relativeError } from "../reference/fixtures.js";
import { rejection } from "../rejection.js";

test.before(async () => {
  await useDevice("cpu");
});

const small: SongUnetConfig = {
  size: 4,
  inChannels: 1,
  channels: 4,
  multipliers: [1, 2],
  blocks: 1,
  attentionSizes: [2],
  dropout: 0.5,
  classes: 3,
  labelDropout: 0.5,
};

for (const name of ["edm_unet_ncsnpp", "edm_unet_skip"]) {
  for (const engine of ["onnx", "cpu"] as const) {
    test(`${name} as in EDM's code, with all gradients, on ${engine}`, async () => {
      await useDevice(engine);
      const result = await verifyFile(
        fileURLToPath(new URL(`../fixtures/networks/${name}.safetensors`, import.meta.url)),
      );
      await useDevice("cpu");
      assert.is(result.status, "passed", JSON.stringify(result));
    });
  }
}

/** A model whose every layer does something, with its parameters. */
function trained(config: SongUnetConfig): {
  apply(condition?: Condition): Tensor;
  draw(seed: number): Condition;
} {
  const model = flatten(songUnet(config));
  const parameters = tf.add(
    model.init(random.key(0)),
    tf.mul(normal(1, [model.structure.size]), 0.2),
  ) as Tensor;
  const x = normal(2, [2, 4, 4, 1]);
  return {
    apply: (condition) => model.apply(parameters, x, tf.tensor1d([0.1, 0.5]), condition),
    draw: (seed) => ({ masks: model.drawMasks!(random.key(seed), 2) }),
  };
}

test("the same masks drop the same, other masks others, none drop nothing", () => {
  const { apply, draw } = trained(small);
  close(apply(draw(1)), apply(draw(1)), 0, "same key");
  const error = (a: Tensor, b: Tensor): number => relativeError(a.dataSync(), b.dataSync());
  assert.ok(error(apply(draw(1)), apply(draw(2))) > 0.01);
  assert.ok(error(apply(draw(1)), apply()) > 0.01);
  const kept = trained({ ...small, dropout: 0, labelDropout: 0 });
  close(apply(), kept.apply(), 0, "without masks");
});

test("masks: a share of zeros, mean 1; none where nothing is dropped", () => {
  const masks = songUnet({ ...small, dropout: 0.25 }).drawMasks!(random.key(0), 64);
  const { classLabels, ...blocks } = masks;
  assert.equal(Object.keys(blocks), [
    ...["enc.4x4_block0", "enc.2x2_down", "enc.2x2_block0"],
    ...["dec.2x2_in0", "dec.2x2_in1", "dec.2x2_block0", "dec.2x2_block1"],
    ...["dec.4x4_up", "dec.4x4_block0", "dec.4x4_block1"],
  ]);
  assert.equal(blocks["dec.4x4_up"]!.shape, [64, 4, 4, 8]);
  for (const mask of Object.values(blocks)) {
    const values = mask.dataSync() as Float32Array;
    assert.equal(new Set(values), new Set([0, Math.fround(4 / 3)]));
    assert.ok(Math.abs(values.reduce((a, b) => a + b) / values.length - 1) < 0.06);
  }
  assert.equal(classLabels!.shape, [64, 1]);
  assert.equal(new Set(classLabels!.dataSync()), new Set([0, 1]));
  assert.is(songUnet({ ...small, dropout: 0, labelDropout: 0 }).drawMasks, undefined);
});

test("a class that is masked out is no class", () => {
  const { apply } = trained(small);
  const classLabels = tf.tensor2d([0, 1, 0, 1, 0, 0], [2, 3]);
  const masks = { classLabels: tf.tensor2d([1, 0], [2, 1]) };
  const first = (x: Tensor): Float32Array => x.dataSync().slice(0, 16) as Float32Array;
  const second = (x: Tensor): Float32Array => x.dataSync().slice(16) as Float32Array;
  const [with_, masked, none] = [apply({ classLabels }), apply({ classLabels, masks }), apply()];
  assert.equal(first(masked), first(with_));
  assert.equal(second(masked), second(none));
  assert.ok(relativeError(second(with_), second(none)) > 0.01);
});

test("weights go out and in under the published names, transposed", () => {
  const model = flatten(songUnet({ ...small, resampleFilter: [1, 3, 3, 1] }));
  const parameters = model.init(random.key(3));
  const published = exportPublished(model, parameters);
  assert.equal(published["model.enc.2x2_block0.conv0.weight"]!.shape, [8, 4, 3, 3]);
  assert.equal(published["model.map_layer0.weight"]!.shape, [16, 4]);
  assert.equal(published["model.dec.4x4_up.skip.resample_filter"]!.shape, [1, 1, 4, 4]);
  close(importPublished(model, published), parameters, 0, "there and back");
  // Older files do without the constants.
  const weights = Object.fromEntries(Object.entries(published).filter(([name]) => !name.endsWith("filter")));
  close(importPublished(model, weights), parameters, 0, "without the filters");
  assert.throws(() => importPublished(songUnet(small) as never, {}), /invalid model; .*flatten\(network\)/);
});

test("weights that are not finite, or of which there are too few, are refused by name", async () => {
  const model = flatten(songUnet(small));
  const published = exportPublished(model, model.init(random.key(3)));
  const name = "model.enc.2x2_block0.conv0.weight";
  const { shape, data } = published[name]!;
  const bad = (value: number): Float32Array => (data as Float32Array).map((x, i) => (i === 7 ? value : x));
  for (const [wrong, message] of [
    [{ shape, data: bad(Number.NaN) }, /is not finite at 7; given: NaN/],
    [{ shape, data: Float64Array.from(bad(1e39)) }, /given: Infinity; allowed: finite numbers in float32/],
    [{ shape, data: data.slice(1) }, /too many or too few numbers; given: 287; allowed: 288/],
  ] as const) {
    const error = await rejection(() => importPublished(model, { ...published, [name]: wrong }));
    assert.is(error.code, "invalid-data");
    assert.is(error.argument, name);
    assert.match(error.message, message);
  }
  for (const [call, argument] of [
    [() => importPublished(undefined as never, published), "model"],
    [() => importPublished(model, undefined as never), "arrays"],
    [() => exportPublished(model, undefined as never), "parameters"],
    [() => songUnet(undefined as never), "config"],
  ] as const)
    assert.is((await rejection(call)).argument, argument);
});

test("EDM's settings by their published names", () => {
  const published = {
    img_resolution: 32,
    img_channels: 3,
    label_dim: 10,
    augment_dim: 9,
    model_type: "SongUNet",
    model_channels: 128,
    channel_mult: [2, 2, 2],
    dropout: 0.13,
    use_fp16: false,
    sigma_data: 0.6,
  };
  const { network, sigmaData } = publishedConfig(published);
  assert.is(sigmaData, 0.6);
  assert.equal(network.multipliers, [2, 2, 2]);
  assert.is(network.blocks, 4);
  assert.throws(
    () => publishedConfig({ ...published, model_type: "DhariwalUNet" }),
    /invalid config.model_type/,
  );
  assert.throws(() => publishedConfig({ ...published, depth: 3 }), /invalid config; given: "depth"/);
});

test("as many parameters as EDM's networks for 32x32 pixels, at a quarter of their channels", () => {
  const size = (preset: Partial<SongUnetConfig>): number => {
    const config = { ...preset, size: 32, inChannels: 3, channels: 32, augmentLabels: 9 };
    return flatten(songUnet(config)).structure.size;
  };
  assert.is(size(ddpmpp), 3_500_963);
  assert.is(size(ncsnpp), 3_544_067 + 32, "with the frequencies, which PyTorch does not count");
});

test("refused configurations name what is wrong", () => {
  for (const [change, expected] of [
    [{ size: 6, multipliers: [1, 1, 1] }, /invalid size; given: 6; allowed: a multiple of 4/],
    [{ channels: 5 }, /invalid channels/],
    [{ resampleFilter: [1, 2, 1] }, /invalid resampleFilter.*even/],
    [{ encoder: "other" as "skip" }, /invalid encoder; given: "other"; allowed: standard, skip, residual/],
    [{ dropout: 1 }, /invalid dropout/],
    [{ classes: -1 }, /invalid classes/],
    [{ attentionSizes: [3] }, /invalid attentionSizes; given: \[3\]; allowed: .* of the levels: 4, 2/],
  ] as const) {
    assert.throws(() => songUnet({ ...small, ...change }), expected);
  }
});

test("EDM's default of attention at 16 pixels, and sizes of its settings, count where a level has them", () => {
  const attends = (config: SongUnetConfig): string[] =>
    flatten(songUnet(config)).structure.names.filter((name) => /^enc.*qkv.weight/.test(name));
  const { attentionSizes: _, ...rest } = small;
  assert.is(attends(rest).length, 0, "4 and 2 pixels");
  assert.ok(attends({ ...rest, size: 16 }).every((name) => name.includes("16x16")));
  assert.ok(attends({ ...rest, size: 16 }).length > 0);
  const { network } = publishedConfig({
    ...{
      img_resolution: 4,
      img_channels: 1,
      model_channels: 4,
      channel_mult: [1, 2],
      attn_resolutions: [16, 2],
    },
  });
  assert.equal(network.attentionSizes, [2]);
});

test("EDM's two families", () => {
  for (const preset of [ddpmpp, ncsnpp]) {
    const network = songUnet({
      ...preset,
      size: 4,
      inChannels: 1,
      channels: 4,
      blocks: 1,
      attentionSizes: [2],
    });
    const parameters = network.init(random.key(0));
    assert.is("map_noise" in (parameters as object), preset === ncsnpp);
    const y = network.apply(parameters, normal(1, [2, 4, 4, 1]), tf.tensor1d([0, 1]));
    assert.equal(y.shape, [2, 4, 4, 1]);
    assert.ok(Math.max(...tf.abs(y).dataSync()) < 1e-3, "starts near zero");
  }
});

test.run();
