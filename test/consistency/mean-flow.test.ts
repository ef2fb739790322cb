import * as tf from "@tensorflow/tfjs-core";
import { test } from "uvu";
import * as assert from "uvu/assert";
import {
  type AverageVelocity,
  adaptiveWeight,
  flowMap,
  meanFlow,
  meanFlowModel,
  meanFlowTarget,
  meanFlowTimes,
  trajectoryStart,
} from "../../src/consistency/mean-flow.js";
import { compile } from "../../src/engine/compile.js";
import { useDevice } from "../../src/engine/device.js";
import * as random from "../../src/engine/random.js";
import type { Tensor } from "../../src/engine/tensor.js";
import * as tree from "../../src/engine/tree.js";
import { mlp, unet } from "../../src/nn/index.js";
import { checkGradients, normal } from "../finite-differences.js";
import { close } from "../reference/fixtures.js";
import { rejection } from "../rejection.js";

test.before(async () => {
  await useDevice("cpu");
});

// Data of a normal distribution with standard deviation s, whose trajectories are known: z at t is the start times spread(t) / s.
const s = 0.5;
const spread = (t: Tensor): Tensor => tf.sqrt(tf.add(tf.mul(tf.square(tf.sub(1, t)), s ** 2), tf.square(t)));
const column = (t: Tensor): Tensor => tf.reshape(t, [-1, 1]);

/** (z - z at r) / (t - r). */
const exact: AverageVelocity = (z, r, t) =>
  tf.mul(z, column(tf.div(tf.sub(1, tf.div(spread(r), spread(t))), tf.sub(t, r))));

/** Of all examples at z: d(spread)/dt / spread times z. */
const marginal = (z: Tensor, t: Tensor): Tensor => {
  const slope = tf.sub(t, tf.mul(tf.sub(1, t), s ** 2));
  return tf.mul(z, column(tf.div(slope, tf.square(spread(t)))));
};

const z = normal(1, [5, 3]);
const t = tf.tensor1d([1, 0.9, 0.5, 0.3, 0.2]);
const r = tf.tensor1d([0, 0.4, 0.1, 0.2, 0]);

test("the exact average velocity is its own target", () => {
  const { value, target } = meanFlowTarget(exact, z, r, t, marginal(z, t));
  close(value, exact(z, r, t), 1e-6, "value");
  close(target, value, 1e-4, "target");
  const wrong: AverageVelocity = (z, r, t) => tf.mul(exact(z, r, t), 0.9);
  const other = meanFlowTarget(wrong, z, r, t, marginal(z, t));
  assert.ok(tf.max(tf.abs(tf.sub(other.value, other.target))).dataSync()[0]! > 0.02);
});

test("for r = t the target is the velocity, whatever the network says", () => {
  const anything: AverageVelocity = (z, r, t) => tf.mul(tf.sin(z), column(tf.add(r, tf.square(t))));
  const velocity = normal(2, [5, 3]);
  close(meanFlowTarget(anything, z, t, t, velocity).target, velocity, 1e-6, "target");
});

test("its flow map takes one step where two do, and leads from noise to data in EDM's variables, too", () => {
  const [zero, half] = [tf.zerosLike(t), tf.mul(t, 0.5)];
  const whole = flowMap(exact, z, zero, t);
  close(flowMap(exact, flowMap(exact, z, half, t), zero, half), whole, 1e-5, "two steps");
  close(whole, tf.div(tf.mul(z, s), column(spread(t))), 1e-5, "start");
  // The solution of dx/dsigma = (x - D(x)) / sigma for D = s^2 / (s^2 + sigma^2) x.
  const sigma = tf.tensor1d([0.01, 0.3, 1, 10, 80]);
  const expected = tf.mul(z, column(tf.div(s, tf.sqrt(tf.add(tf.square(sigma), s ** 2)))));
  close(trajectoryStart(exact, z, sigma), expected, 1e-4, "EDM");
  const model = meanFlowModel(mlp({ dim: 3, width: 8, depth: 1, interval: true }));
  const parameters = normal(3, [model.structure.size]);
  close(model.apply(parameters, z, tf.zeros([5])), z, 1e-6, "at sigma = 0");
});

test("times: the later one, as often apart as asked, and the earlier one before it", () => {
  const count = 20_000;
  for (const apart of [0.25, 0.75, 0]) {
    const { t, r } = meanFlowTimes({ apart, time: { mean: -2, std: 2 } })(random.key(1), count, 0);
    const share = t.filter((value, i) => value > r[i]!).length / count;
    assert.ok(Math.abs(share - apart) < 0.015, `${share}`);
    assert.ok(t.every((value, i) => value > 0 && value < 1 && r[i]! > 0 && r[i]! <= value));
    // Each of two is below the middle, logit -2, half of the time: both a quarter.
    const below = t.filter((value) => value < 1 / (1 + Math.exp(2))).length / count;
    assert.ok(Math.abs(below - 0.25) < 0.015, `${below}`);
  }
});

test("adaptive weights: 1 / (|error|^2 + 0.001)^power", () => {
  const error = tf.tensor2d([3, 4, 0, 0], [2, 2]);
  close(adaptiveWeight(error, 1), [1 / 25.001, 1000], 1e-5, "power 1");
  close(adaptiveWeight(error, 0.5), [1 / Math.sqrt(25.001), 1 / Math.sqrt(0.001)], 1e-5, "power 1/2");
  close(adaptiveWeight(error, 0), [1, 1], 0, "power 0");
});

test("the networks know the interval, without one it is 0, and have derivatives by it", () => {
  const images = { size: 4, inChannels: 1, channels: 4, multipliers: [1, 2], groups: 2 };
  const cases: [ReturnType<typeof meanFlowModel>, number[]][] = [
    [meanFlowModel(mlp({ dim: 3, width: 8, depth: 2, interval: true })), [5, 3]],
    [meanFlowModel(unet({ ...images, interval: true })), [5, 4, 4, 1]],
  ];
  for (const [model, shape] of cases) {
    const parameters = tf.mul(normal(4, [model.structure.size]), 0.3);
    const at = normal(5, shape);
    const same = model.velocity(parameters, at, t, t);
    assert.ok(tf.max(tf.abs(tf.sub(model.velocity(parameters, at, r, t), same))).dataSync()[0]! > 1e-3);
    checkGradients((r, t) => model.velocity(parameters, at, r, t), [r, t], 2e-2);
    const velocity = normal(6, shape);
    const { target } = meanFlowTarget((z, r, t) => model.velocity(parameters, z, r, t), at, r, t, velocity);
    const h = 1e-2;
    const moved = (sign: number): Tensor =>
      model.velocity(parameters, tf.add(at, tf.mul(velocity, sign * h)), r, tf.add(t, sign * h));
    const derivative = tf.div(tf.sub(moved(1), moved(-1)), 2 * h);
    const gap = tf.reshape(tf.sub(t, r), [5, ...shape.slice(1).map(() => 1)]);
    close(target, tf.sub(velocity, tf.mul(derivative, gap)), 2e-2, `target of ${shape}`);
  }
});

test("trained, one step from noise has the spread of the data", async () => {
  await useDevice("onnx");
  const model = meanFlowModel(mlp({ dim: 1, width: 32, depth: 2, interval: true }));
  // Plain squares: in one dimension the adaptive weight favours what is frequent, not the mean.
  const objective = meanFlow({
    model,
    shape: [1],
    apart: 0.75,
    time: { mean: 0, std: 2 },
    power: 0,
    learningRate: 3e-3,
  });
  const step = compile(objective.step, { donate: true });
  let state = objective.init(random.key(1));
  const noise = tf.mul(normal(8, [4000, 1]), 80);
  const spreadOf = (parameters: Tensor): number => {
    const samples = model.apply(parameters, noise, tf.fill([4000], 80));
    return Math.sqrt(tf.mean(tf.square(samples)).dataSync()[0]!);
  };
  assert.ok(spreadOf(state.parameters) > 0.95);
  for (let i = 0; i < 2400; i++) {
    const x = random.normal(random.key(1000 + i), 128).map((value) => s * value);
    const batch = objective.batch(random.key(i), x, i);
    const next = await step(state, batch);
    ({ state } = next);
    tree.dispose([batch, next.metrics]);
  }
  const trained = spreadOf(state.ema);
  assert.ok(Math.abs(trained - s) < 0.06, `${trained}`);
});

test("networks without intervals and options out of range are refused", async () => {
  const model = meanFlowModel(mlp({ dim: 1, interval: true }));
  const wrong: [() => unknown, string][] = [
    [() => meanFlowModel(mlp({ dim: 1 })), "network"],
    [() => meanFlow({ shape: [1] } as never), "model"],
    [() => meanFlow({ model, shape: [1], power: -1 }), "power"],
    [() => meanFlow({ model, shape: [1], apart: 2 }), "apart"],
    [() => meanFlow({ model, shape: [1], time: { mean: 0, std: 0 } }), "time.std"],
  ];
  for (const [use, argument] of wrong) assert.is((await rejection(use)).argument, argument);
});

test.run();
