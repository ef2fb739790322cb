import * as tf from "@tensorflow/tfjs-core";
import fc from "fast-check";
import { test } from "uvu";
import * as assert from "uvu/assert";
import {
  drawProbes,
  ect,
  ectPairs,
  l1,
  l2,
  pseudoHuber,
  sample,
  tangents,
  twoStep,
} from "../../src/consistency/index.js";
import * as edm from "../../src/diffusion/edm.js";

import { useDevice } from "../../src/engine/device.js";
import * as random from "../../src/engine/random.js";
import type { Tensor } from "../../src/engine/tensor.js";
import { mlp } from "../../src/nn/index.js";
import { adam, cosine } from "../../src/optim/index.js";
import { checkGradients, normal } from "../finite-differences.js";
import { close } from "../reference/fixtures.js";

test.before(async () => {
  await useDevice("cpu");
});

const denoiser = edm.denoiser(mlp({ dim: 2, width: 8, depth: 1 }));
const parameters = (): Tensor => tf.mul(normal(9, [denoiser.structure.size]), 0.3);

test("r lies in [0, t), never falls from stage to stage, and starts at 0 for small t", () => {
  fc.assert(
    fc.property(
      fc.double({ min: 1e-3, max: 100, noNaN: true }),
      fc.integer({ min: 1, max: 10 }),
      fc.integer({ min: 0, max: 999 }),
      (t, stages, iteration) => {
        const pairs = ectPairs({ iterations: 1000, stages });
        const r = pairs(t, iteration);
        assert.ok(r >= 0 && r < t);
        assert.ok(pairs(t, iteration + 1) >= r);
      },
    ),
    { seed: 1 },
  );
  assert.is(ectPairs({ iterations: 10 })(0.5, 0), 0);
  assert.throws(() => ectPairs({ iterations: 10, q: 1 }), /invalid q/);
});

test("distances: gradients against finite differences, zero and finite at equal points", () => {
  const [x, y] = [normal(1, [3, 2, 2, 1]), normal(2, [3, 2, 2, 1])];
  for (const distance of [l1(), l2(), pseudoHuber(), pseudoHuber({ c: 0.5 }), pseudoHuber({ c: 0 })]) {
    checkGradients((x) => distance(x!, y), [x]);
    assert.ok(Math.max(...tf.abs(distance(y, y)).dataSync()) < 1e-6);
    const atZero = tf.grad((x) => tf.sum(distance(x, y)))(y);
    assert.equal(Array.from(atZero.dataSync()), new Array(12).fill(0));
  }
});

test("a step's loss is the weighted mean distance to the target, and the target carries no gradient", () => {
  const loss = l2();
  const method = ect({ stages: 1, q: 256 }).method({ denoiser, shape: [2], loss, iterations: 10 });
  const state = method.from(parameters());
  const batch = method.batch(random.key(1), random.normal(random.key(2), 8), 3);
  const { x, noise, t, r } = batch as unknown as Record<string, Tensor>;
  const target = denoiser.apply(state.parameters, edm.addNoise(x!, noise!, r!), r!);
  const expected = (p: Tensor): tf.Scalar => {
    const output = denoiser.apply(p, edm.addNoise(x!, noise!, t!), t!);
    return tf.mean(tf.div(l2()(output, target), tf.sub(t!, r!))) as tf.Scalar;
  };
  const { value, grad } = tf.valueAndGrad(expected)(state.parameters as tf.Tensor);
  const { metrics } = method.step(state, batch);
  close(metrics.loss, value, 1e-5, "loss");
  close(metrics.gradientNorm!, [tf.norm(grad).dataSync()[0]!], 1e-4, "gradient norm");
});

test("where r is 0 the target is x itself", () => {
  const loss = pseudoHuber();
  const pairs = ectPairs({ iterations: 10 });
  const config = { x: random.normal(random.key(3), 4), shape: [2], times: [0.1, 0.3], pairs, iteration: 0 };
  const probes = drawProbes(random.key(4), config);
  assert.equal(Array.from(probes.r.dataSync()), [0, 0]);
  const { target } = tangents(denoiser, loss)(parameters(), {}, probes);
  assert.equal(Array.from(target.dataSync()), Array.from(config.x));
});

test("tangents of pixel losses point from the output to the target", () => {
  const probes = drawProbes(random.key(5), {
    x: random.normal(random.key(6), 8),
    shape: [2],
    times: [0.5, 1, 2, 4],
    pairs: ectPairs({ iterations: 10, stages: 1, q: 4 }),
    iteration: 9,
  });
  for (const [distance, scale] of [
    [l2(), (d: Tensor) => tf.mul(d, 2)],
    [pseudoHuber({ c: 0 }), (d: Tensor) => tf.div(d, tf.norm(d, 2, 1, true))],
  ] as const) {
    const all = tangents(denoiser, distance)(parameters(), {}, probes);
    close(all.tangent, scale(tf.sub(all.target, all.output)), 1e-4, "tangent");
  }
});

test("sampling: one evaluation per time, the same noises give the same samples", () => {
  const p = parameters();
  const noises = [normal(11, [3, 2]), normal(12, [3, 2])];
  const once = denoiser.apply(p, tf.mul(noises[0]!, 80), tf.fill([3], 80));
  close(sample(denoiser, p, [noises[0]!]), once, 1e-6, "one step");
  const again = denoiser.apply(p, tf.add(once, tf.mul(noises[1]!, 0.821)), tf.fill([3], 0.821));
  close(sample(denoiser, p, noises, twoStep), again, 1e-6, "two steps");
  assert.throws(() => sample(denoiser, p, noises), /invalid noises/);
  assert.throws(() => sample(denoiser, p, noises, [1, 2]), /invalid times/);
});

test("training to consistency brings one-step samples to the data", () => {
  // Two points: the denoiser's average of them is far from both until consistency is learned.
  const model = edm.denoiser(mlp({ dim: 1, width: 16, depth: 2 }));
  const method = ect({ stages: 4, time: { mean: 0, std: 1.5 } }).method({
    denoiser: model,
    shape: [1],
    loss: pseudoHuber(),
    iterations: 600,
    optimizer: adam(),
    learningRate: cosine(1e-2, 600),
    ema: 0.95,
  });
  const data = (key: random.Key): Float32Array =>
    random.uniform(key, 64).map((value) => (value < 0.5 ? -0.5 : 0.5));
  let state = method.init(random.key(0));
  for (let i = 0; i < 600; i++) {
    const next = tf.tidy(() => {
      const [dataKey, key] = random.split(random.key(i));
      return method.step(state, method.batch(key, data(dataKey), i)) as unknown as tf.TensorContainer;
    }) as unknown as ReturnType<typeof method.step>;
    state = next.state;
  }
  const samples = Float32Array.from(sample(model, state.ema, [normal(13, [200, 1])], [20]).dataSync());
  const off = samples.reduce((sum, value) => sum + Math.abs(Math.abs(value) - 0.5), 0) / 200;
  const positive = samples.filter((value) => value > 0).length / 200;
  assert.ok(off < 0.2, `mean distance to the data ${off}`);
  assert.ok(positive > 0.35 && positive < 0.65, `share of positive samples ${positive}`);
});

test.run();
