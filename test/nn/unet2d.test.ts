import { fileURLToPath } from "node:url";
import * as tf from "@tensorflow/tfjs-core";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { fromArray } from "../../datasets/index.js";
import * as consistency from "../../src/consistency/index.js";
import * as diffusion from "../../src/diffusion/index.js";
import { useDevice } from "../../src/engine/device.js";
import * as random from "../../src/engine/random.js";
import type { Tensor } from "../../src/engine/tensor.js";
import { exportPublished, flatten, importPublished, networkFrom, unet2d } from "../../src/nn/index.js";
import { verifyFile } from "../../src/verify/verify.js";
import { normal } from "../finite-differences.js";
import { close, relativeError } from "../reference/fixtures.js";
import { rejection } from "../rejection.js";

test.before(async () => {
  await useDevice("cpu");
});

// Made by test/fixtures/unet2d.py, with diffusers.
for (const engine of ["onnx", "cpu"] as const) {
  for (const name of ["consistency", "ddpm", "fourier", "middle"]) {
    test(`unet2d_${name} as in diffusers, with all gradients, on ${engine}`, async () => {
      await useDevice(engine);
      const path = new URL(`../fixtures/reference/unet2d_${name}.safetensors`, import.meta.url);
      const result = await verifyFile(fileURLToPath(path));
      await useDevice("cpu");
      assert.is(result.status, "passed", JSON.stringify(result));
    });
  }
}

const small = {
  ...{ sample_size: 4, in_channels: 1, out_channels: 1, layers_per_block: 1, dropout: 0.5 },
  ...{ block_out_channels: [4, 8], norm_num_groups: 2, attention_head_dim: 4, num_class_embeds: 3 },
  ...{ down_block_types: ["UNetResDownBlock2D", "AttnDownBlock2D"] },
  ...{ up_block_types: ["AttnUpBlock2D", "UNetResUpBlock2D"] },
};

test("dropout: the same masks drop the same, without them nothing is dropped; classes change the output", () => {
  const model = flatten(unet2d(small));
  const parameters = tf.add(model.init(random.key(0)), tf.mul(normal(1, [model.structure.size]), 0.2));
  const [x, c] = [normal(2, [2, 4, 4, 1]), tf.tensor1d([3, 70])];
  const masks = (seed: number): Tensor =>
    model.apply(parameters as Tensor, x, c, { masks: model.drawMasks!(random.key(seed), 2) });
  const plain = model.apply(parameters as Tensor, x, c);
  const error = (a: Tensor, b: Tensor): number => relativeError(a.dataSync(), b.dataSync());
  close(masks(1), masks(1), 0, "same key");
  assert.ok(error(masks(1), masks(2)) > 0.01);
  assert.ok(error(masks(1), plain) > 0.01);
  const classLabels = tf.tensor2d([
    [1, 0, 0],
    [0, 0, 1],
  ]);
  assert.ok(error(model.apply(parameters as Tensor, x, c, { classLabels }), plain) > 0.001);
  close(model.apply(parameters as Tensor, x, c, { classLabels: tf.zeros([2, 3]) }), plain, 0, "no class");
});

test("it comes back from its settings, and its weights from their names", async () => {
  const model = flatten(unet2d(small));
  const again = flatten(networkFrom(model.settings!));
  assert.equal(again.structure.names, model.structure.names);
  const parameters = model.init(random.key(3));
  const published = exportPublished(model, parameters);
  assert.equal(published["class_embedding.weight"]!.shape, [3, 16]);
  assert.equal(importPublished(again, published).dataSync(), parameters.dataSync());
  const both = { ...published, "mid_block.attentions.0.query.bias": published["conv_in.bias"]! };
  const error = await rejection(async () => importPublished(again, both));
  assert.match(error.message, /the network has no mid_block\.attentions\.0\.query\.bias/);
});

test("a denoiser around it trains, with dropout, and a consistency model from that", async () => {
  await useDevice("onnx");
  const images = fromArray(random.uniform(random.key(0), 6 * 16, -1, 1), [4, 4, 1], [0, 1, 2, 0, 1, 2]);
  const short = { steps: 2, batchSize: 2 } as const;
  const denoiser = await diffusion.train(images, {
    ...short,
    network: unet2d(small),
    classConditional: true,
  });
  const model = await consistency.train(images, { ...short, from: denoiser, dropout: 0.1, recording: false });
  const { values } = await diffusion.generate(model, { labels: [0, 1] });
  assert.ok(values.every(Number.isFinite));
  await useDevice("cpu");
});

test.run();
