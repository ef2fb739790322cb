import * as tf from "@tensorflow/tfjs-core";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { useDevice } from "../../src/engine/device.js";
import * as random from "../../src/engine/random.js";
import type { Tensor } from "../../src/engine/tensor.js";
import { valueAndGrad } from "../../src/optim/gradient.js";
import { constant, cosine, ema, method, radam, warmDecay, warmup } from "../../src/optim/index.js";
import { normal } from "../finite-differences.js";
import { close } from "../reference/fixtures.js";
import { rejection } from "../rejection.js";

test.before(async () => {
  await useDevice("cpu");
});

test("an optimizer updates every leaf of a tree as it would update the flat vector", () => {
  const parameters = { a: normal(1, [2, 3]), b: [normal(2, [4])] };
  const gradients = { a: normal(3, [2, 3]), b: [normal(4, [4])] };
  const flat = (tree: typeof parameters): Tensor =>
    tf.concat([tf.reshape(tree.a, [-1]), tf.reshape(tree.b[0]!, [-1])]);
  const optimizer = radam();
  const byLeaf = optimizer.update(gradients, optimizer.init(parameters), parameters, 0.1);
  const p = flat(parameters);
  const whole = optimizer.update(flat(gradients), optimizer.init(p), p, 0.1);
  close(flat(byLeaf.parameters), whole.parameters, 1e-6, "parameters");
});

test("average and its warm-up", () => {
  close(ema(tf.tensor1d([1, 2]), tf.tensor1d([3, 2]), 0.75), [1.5, 2], 1e-6, "average");
  close(warmDecay(tf.scalar(0), 0.9), [0.1], 1e-6, "first");
  close(warmDecay(tf.scalar(1000), 0.9), [0.9], 1e-6, "later");
});

test("schedules", () => {
  assert.is(constant(0.1)(7), 0.1);
  const falling = cosine(0.2, 100, 0.1);
  assert.is(falling(0), 0.2);
  assert.ok(Math.abs(falling(50) - 0.11) < 1e-12);
  assert.ok(Math.abs(falling(100) - 0.02) < 1e-12);
  assert.is(falling(500), falling(100));
  const rising = warmup(4, constant(1));
  assert.equal([0, 1, 2, 3, 4, 5].map(rising), [0.2, 0.4, 0.6, 0.8, 1, 1]);
  assert.throws(() => cosine(Number.NaN, 10), /learningRate/);
});

test("a learning rate that is neither a number nor a function, and a schedule without a rate, are refused by name", async () => {
  const parts = {
    init: () => tf.zeros([2]),
    batch: () => ({}),
    loss: () => (parameters: Tensor) => ({ loss: tf.sum(parameters) as Tensor, aux: {} }),
  };
  for (const wrong of ["1e-3", null, {}, [1e-3], -1, 0, Number.NaN]) {
    const error = await rejection(() => method({ ...parts, learningRate: wrong as never }));
    assert.is(error.code, "invalid-argument");
    assert.is(error.argument, "learningRate");
  }
  for (const rate of [undefined, Number.NaN, "1e-3", -1, Number.POSITIVE_INFINITY, Promise.resolve(1)]) {
    const { batch } = method({ ...parts, learningRate: (() => rate) as never });
    const error = await rejection(() => batch(random.key(0), new Float32Array(0), 7));
    assert.is(error.argument, "learningRate at iteration 7");
  }
  const { batch } = method({ ...parts, learningRate: cosine(0.1, 4) });
  assert.is(batch(random.key(0), new Float32Array(0), 4).learningRate.dataSync()[0], 0);
});

test("valueAndGrad hands out what was computed on the way, and leaks nothing", () => {
  const x = tf.tensor1d([1, 2, 3]);
  const before = tf.memory().numTensors;
  tf.tidy(() => {
    const { loss, aux, gradient } = valueAndGrad((x) => {
      const squares = tf.square(x);
      return { loss: tf.sum(squares), aux: { squares } };
    }, x);
    assert.is(loss.dataSync()[0], 14);
    assert.equal(Array.from((aux.squares as Tensor).dataSync()), [1, 4, 9]);
    assert.equal(Array.from(gradient.dataSync()), [2, 4, 6]);
  });
  assert.is(tf.memory().numTensors, before);
});

test("a step moves the parameters along the gradient, averages them and keeps the context", () => {
  const quadratic = method({
    init: (key) => tf.tensor1d(random.normal(key, 3)),
    context: { goal: tf.tensor1d([1, 2, 3]) },
    batch: () => ({ scale: tf.scalar(2) }),
    loss:
      (_parameters, { scale }, context) =>
      (parameters) => {
        const loss = tf.mul(tf.sum(tf.square(tf.sub(parameters, context.goal!))), scale as Tensor);
        return { loss, aux: { half: tf.div(loss, 2) } };
      },
    learningRate: cosine(0.1, 400),
    ema: 0.9,
  });
  let state = quadratic.from(tf.zeros([3]));
  const first = quadratic.step(state, quadratic.batch(random.key(0), new Float32Array(0), 0));
  close(first.metrics.loss, [28], 1e-6, "loss");
  close(first.metrics.half!, [14], 1e-6, "aux");
  close(first.metrics.gradientNorm!, [4 * Math.sqrt(14)], 1e-5, "norm");
  for (let i = 0; i < 400; i++) {
    state = quadratic.step(state, quadratic.batch(random.key(i), new Float32Array(0), i)).state;
  }
  close(state.parameters, [1, 2, 3], 2e-2, "parameters");
  close(state.ema, state.parameters, 1e-2, "average");
  close(state.context.goal!, [1, 2, 3], 0, "context");
});

test("the average's decay: warmed, or constant from the first step", async () => {
  const averages = (ema: number | { decay?: number; warmup?: boolean }): number[] => {
    const moving = method({
      init: () => tf.tensor1d([0]),
      batch: () => ({}),
      loss: () => (parameters) => ({ loss: tf.sum(parameters), aux: {} }),
      optimizer: { name: "by one", init: () => ({ step: tf.scalar(0) }), update: byOne } as never,
      ema,
    });
    let state = moving.from(tf.tensor1d([0]));
    return [0, 1, 2].map((i) => {
      state = moving.step(state, moving.batch(random.key(0), new Float32Array(0), i)).state;
      return state.ema.dataSync()[0]!;
    });
  };
  const byOne = (_: Tensor, state: { step: Tensor }, parameters: Tensor) => ({
    parameters: tf.add(parameters, 1),
    state: { step: tf.add(state.step, 1) },
  });
  // 0.9999 of the average and 0.0001 of 1, 2, 3: what ECT's training writes.
  const constant = [1e-4, 1e-4 * 0.9999 + 2e-4, (1e-4 * 0.9999 + 2e-4) * 0.9999 + 3e-4];
  close(averages({ decay: 0.9999, warmup: false }), constant, 1e-3, "constant"); // float32 of numbers near 1
  // Decays 2/11, 3/12, 4/13.
  const warmed = [9 / 11];
  warmed.push(warmed[0]! * 0.25 + 1.5);
  warmed.push((warmed[1]! * 4) / 13 + (3 * 9) / 13);
  close(averages(0.9999), warmed, 1e-6, "warmed");
  close(averages({ decay: 0.9999 }), warmed, 1e-6, "warmed");
  for (const [bad, argument] of [
    [1, "ema"],
    ["0.9", "ema"],
    [null, "ema"],
    [{ decay: -1 }, "ema.decay"],
    [{ warmup: 1 }, "ema.warmup"],
  ] as const) {
    const error = await rejection(() => averages(bad as never));
    assert.equal([error.code, error.argument], ["invalid-argument", argument]);
  }
});

test.run();
