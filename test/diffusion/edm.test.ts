import * as tf from "@tensorflow/tfjs-core";
import { test } from "uvu";
import * as assert from "uvu/assert";
import * as edm from "../../src/diffusion/edm.js";
import {
  denoising,
  denoisingWeight,
  euler,
  heun,
  karrasSigmas,
  trigflow,
} from "../../src/diffusion/index.js";
import { useDevice } from "../../src/engine/device.js";
import * as random from "../../src/engine/random.js";
import type { Tensor } from "../../src/engine/tensor.js";
import { TangentLabError } from "../../src/errors.js";
import { mlp, unet } from "../../src/nn/index.js";
import { adam } from "../../src/optim/index.js";
import { normal } from "../finite-differences.js";
import { close } from "../reference/fixtures.js";

test.before(async () => {
  await useDevice("cpu");
});

const points = edm.denoiser(mlp({ dim: 2, width: 8, depth: 1 }));
const images = edm.denoiser(unet({ size: 4, inChannels: 1, channels: 4, multipliers: [1, 1], groups: 2 }));

test("f(x, 0) = x exactly, whatever the parameters", () => {
  for (const [denoiser, shape] of [
    [points, [3, 2]],
    [images, [3, 4, 4, 1]],
  ] as const) {
    const x = normal(1, [...shape]);
    const y = denoiser.apply(normal(2, [denoiser.structure.size]), x, tf.zeros([3]));
    assert.equal(Array.from(y.dataSync()), Array.from(x.dataSync()));
  }
});

test("a network's output must have the shape of its input, also where another one would broadcast", () => {
  const narrow = mlp({ dim: 2, width: 8, depth: 1 });
  const network = {
    ...narrow,
    apply: (...inputs: Parameters<typeof narrow.apply>) => tf.sum(narrow.apply(...inputs), 1, true),
  };
  for (const wrap of [edm.denoiser, trigflow]) {
    const denoiser = wrap(network);
    assert.throws(
      () => denoiser.apply(denoiser.init(random.key(0)), tf.zeros([3, 2]), tf.ones([3])),
      (error: unknown) =>
        error instanceof TangentLabError &&
        error.argument === "network" &&
        /\[3,1\].*\[3,2\]/.test(error.message),
    );
  }
});

test("the preconditioned input has the same size at all levels, the target of F too", () => {
  const count = 20_000;
  const [s, t] = [0.5, 3];
  const x0 = tf.mul(normal(3, [count, 1]), s);
  const noisy = edm.addNoise(x0, normal(4, [count, 1]), tf.fill([count], t));
  let input: Tensor | undefined;
  edm.precondition(
    (x) => {
      input = x;
      return x;
    },
    noisy,
    tf.fill([count], t),
    s,
  );
  assert.ok(Math.abs(tf.mean(tf.square(input!)).dataSync()[0]! - 1) < 0.03);
  const skip = s ** 2 / (t ** 2 + s ** 2);
  const out = (t * s) / Math.sqrt(t ** 2 + s ** 2);
  const F = tf.div(tf.sub(x0, tf.mul(noisy, skip)), out);
  assert.ok(Math.abs(tf.mean(tf.square(F)).dataSync()[0]! - 1) < 0.03);
  const weight = denoisingWeight(tf.tensor1d([t]), s).dataSync()[0]!;
  assert.ok(Math.abs(weight * out ** 2 - 1) < 1e-5);
});

test("solvers reach the data of a Gaussian, Heun with less error", () => {
  // For data N(0, s^2) the ideal denoiser is F = 0, and the ODE's end is latent s / sqrt(t^2 + s^2).
  const parameters = tf.zeros([points.structure.size]);
  const sigmas = karrasSigmas({ steps: 18, max: 5 });
  const latent = tf.mul(normal(5, [16, 2]), 5);
  const exact = tf.mul(latent, 0.5 / Math.sqrt(25.25));
  const error = (x: Tensor): number => tf.max(tf.abs(tf.sub(x, exact))).dataSync()[0]!;
  const [byEuler, byHeun] = [euler, heun].map((solve) => error(solve(points, parameters, latent, sigmas)));
  assert.ok(byHeun! < 0.03, String(byHeun));
  assert.ok(byEuler! < 0.3 && byHeun! < byEuler! / 3, `${byEuler} ${byHeun}`);
});

test("levels that do not fall are refused", () => {
  assert.throws(() => euler(points, points.init(random.key(0)), normal(1, [1, 2]), [1, 1, 0]), /sigmas/);
  assert.throws(() => karrasSigmas({ steps: 1 }), /steps/);
});

test("a fresh denoiser's loss is about 1, and training lowers it", () => {
  const denoiser = edm.denoiser(mlp({ dim: 2, width: 16, depth: 2 }));
  const method = denoising({ denoiser, shape: [2], optimizer: adam(), learningRate: 1e-2 });
  let state = method.init(random.key(0));
  const losses: number[] = [];
  for (let i = 0; i < 120; i++) {
    const [dataKey, key] = random.split(random.key(i));
    // A short bar: data that are far from Gaussian.
    const x = random.uniform(dataKey, 64, -0.87, 0.87).map((value, j) => (j % 2 === 0 ? value : 0));
    const result = method.step(state, method.batch(key, x, i));
    state = result.state;
    losses.push(result.metrics.loss.dataSync()[0]!);
  }
  const mean = (values: number[]): number => values.reduce((a, b) => a + b, 0) / values.length;
  assert.ok(mean(losses.slice(0, 10)) > 0.7 && mean(losses.slice(0, 10)) < 1.3);
  assert.ok(mean(losses.slice(-20)) < 0.7 * mean(losses.slice(0, 10)), String(mean(losses.slice(-20))));
  close(state.optimizer.step, [120], 1e-6, "count of updates");
});

test.run();
