import * as tf from "@tensorflow/tfjs-core";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { compile } from "../../src/engine/compile.js";
import { useDevice } from "../../src/engine/device.js";
import { shapesKept } from "../../src/engine/onnx/compile.js";
import type { Tensor } from "../../src/engine/tensor.js";
import { TangentLabError } from "../../src/errors.js";
import { close, randomTensor } from "./agree.js";

test.before(async () => {
  await useDevice("onnx");
});

const numbers = (t: Tensor): number[] => Array.from(t.dataSync());

/** The TangentLabError that a promise is rejected with. */
async function failure(promise: Promise<unknown>): Promise<TangentLabError> {
  try {
    await promise;
  } catch (error) {
    assert.instance(error, TangentLabError);
    return error as TangentLabError;
  }
  return assert.unreachable("nothing was thrown") as never;
}

test("trees in, trees out: names, nesting, order and types stay", async () => {
  const f = compile(({ a, list }: { a: Tensor; list: readonly [Tensor, Tensor] }, b: Tensor) => ({
    sums: [tf.add(a, b), tf.add(list[0], list[1])],
    inner: { greater: tf.greater(a, b), again: a, index: tf.argMax(a, 0) },
  }));
  const out = await f({ a: tf.tensor1d([1, 5]), list: [tf.scalar(2), tf.scalar(3)] }, tf.tensor1d([4, 4]));
  assert.equal(out.sums.map(numbers), [[5, 9], [5]]);
  assert.equal(numbers(out.inner.greater), [0, 1]);
  assert.is(out.inner.greater.dtype, "bool");
  assert.equal(numbers(out.inner.again), [1, 5]);
  assert.is(out.inner.index.dtype, "int32");
  assert.equal(numbers(out.inner.index), [1]);
});

test("a result may be an input, a constant, or the same tensor twice", async () => {
  const f = compile((x: Tensor) => {
    const y = tf.mul(x, 2);
    return {
      x,
      constant: tf.tensor1d([7, 8]),
      y,
      again: y,
      ones: tf.ones([2, 2]),
      view: tf.reshape(x, [3, 1]),
    };
  });
  const x = tf.tensor1d([1, 2, 3]);
  const out = await f(x);
  assert.equal(numbers(out.x), [1, 2, 3]);
  assert.equal(numbers(out.constant), [7, 8]);
  assert.equal(numbers(out.y), [2, 4, 6]);
  assert.equal(numbers(out.again), [2, 4, 6]);
  assert.equal(numbers(out.ones), [1, 1, 1, 1]);
  assert.equal(out.view.shape, [3, 1]);
  assert.equal(numbers(x), [1, 2, 3], "the argument is as it was");
});

test("integers that tfjs calls float32 after a cast are taken as such", async () => {
  const labels = tf.cast(tf.oneHot([1, 0], 2), "float32");
  const half = compile((x: Tensor) => tf.mul(x, 0.5) as Tensor);
  assert.equal(Array.from((await half(labels)).dataSync()), [0, 0.5, 0.5, 0]);
});

test("traced once for each combination of shapes and types, with values that are not remembered", async () => {
  let traced = 0;
  const f = compile((x: Tensor, y: Tensor) => {
    traced++;
    return tf.add(tf.sum(x), tf.cast(y, "float32"));
  });
  assert.equal(numbers(await f(tf.ones([2, 3]), tf.scalar(1))), [7]);
  assert.equal(numbers(await f(tf.fill([2, 3], 2), tf.scalar(2))), [14]);
  assert.is(traced, 1);
  assert.equal(numbers(await f(tf.ones([3, 2]), tf.scalar(1))), [7]);
  assert.equal(numbers(await f(tf.ones([3, 2]), tf.scalar(1, "int32"))), [7]);
  assert.is(traced, 3);
  assert.equal(numbers(await f(tf.ones([2, 3]), tf.scalar(5))), [11]);
  assert.is(traced, 3);
});

test("a mistake in the function is thrown every time, and other shapes still work", async () => {
  const f = compile((x: Tensor) => tf.matMul(x, tf.ones([3, 2])));
  const bad = tf.ones([2, 5]);
  for (let i = 0; i < 2; i++) {
    let message = "";
    await f(bad).catch((error: Error) => {
      message = error.message;
    });
    assert.match(message, /inner shapes/i);
  }
  assert.equal(numbers(await f(tf.ones([1, 3]))), [3, 3]);
  assert.is(tf.getBackend(), "cpu", "the backend in use is as before");
});

test("constants and options that differ are not taken for the same: 0 and -0, NaN and infinities, the same bytes", async () => {
  const ascii = (text: string): Int32Array => new Int32Array(new TextEncoder().encode(text).buffer);
  const x = tf.tensor1d([-1, 2]);
  const f = compile((x: Tensor) => ({
    signs: tf.div(1, tf.mul(tf.square(x), tf.tensor1d([0, -0]))),
    zeros: tf.div(1, tf.mul(tf.square(x), tf.tensor1d([0, 0]))),
    repeated: tf.add(tf.cast(tf.square(x), "int32"), tf.tensor1d([1234567, 1234567], "int32")),
    spelt: tf.add(tf.cast(tf.square(x), "int32"), tf.tensor1d(ascii("*1234567"), "int32")),
    nan: tf.leakyRelu(x as tf.Tensor1D, Number.NaN),
    infinite: tf.leakyRelu(x as tf.Tensor1D, Number.POSITIVE_INFINITY),
    minus: tf.leakyRelu(x as tf.Tensor1D, Number.NEGATIVE_INFINITY),
  }));
  const out = await f(x);
  const spelt = ascii("*1234567");
  const expected: Record<keyof typeof out, number[]> = {
    signs: [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY],
    zeros: [Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY],
    repeated: [1234568, 1234571],
    spelt: [spelt[0]! + 1, spelt[1]! + 4],
    nan: [Number.NaN, 2],
    infinite: [Number.NEGATIVE_INFINITY, 2],
    minus: [Number.POSITIVE_INFINITY, 2],
  };
  for (const [name, value] of Object.entries(out))
    assert.equal(numbers(value).map(String), expected[name as keyof typeof out].map(String), name);
});

test("large constants of one hash are told apart", async () => {
  // FNV-1a over words: the last word is chosen so that the two meet again.
  const step = (hash: number, word: number): number => Math.imul(hash ^ word, 0x01000193);
  const one = Int32Array.from({ length: 5000 }, (_, i) => Math.imul(i, 40503));
  const other = one.slice();
  other[4998]! ^= 12345;
  const before = (list: Int32Array): number => list.subarray(0, 4999).reduce(step, 0x811c9dc5);
  other[4999] = one[4999]! ^ before(one) ^ before(other);
  const f = compile((x: Tensor) => [one, other, one].map((list) => tf.add(x, tf.tensor1d(list, "int32"))));
  const sums = await f(tf.scalar(1, "int32"));
  for (const [i, list] of [one, other, one].entries())
    assert.equal(
      numbers(sums[i]!),
      Array.from(list, (value) => (value + 1) | 0),
    );
});

test("tensors and numbers from outside are constants of their first values", async () => {
  const w = tf.tensor1d([2, 3]);
  const f = compile((x: Tensor) => tf.add(tf.mul(x, w), 1));
  assert.equal(numbers(await f(tf.tensor1d([1, 1]))), [3, 4]);
  w.dispose();
  assert.equal(numbers(await f(tf.tensor1d([2, 2]))), [5, 7]);
});

test("results of one call are not changed by the next", async () => {
  const f = compile((x: Tensor) => ({ y: tf.mul(x, 2) }));
  const first = await f(tf.tensor1d([1, 2]));
  await f(tf.tensor1d([10, 20]));
  assert.equal(numbers(first.y), [2, 4]);
});

test("calls that are not awaited one by one do not mix", async () => {
  const f = compile((x: Tensor) => tf.mul(x, 2));
  const results = await Promise.all([1, 2, 3, 4].map((i) => f(tf.fill([3], i))));
  assert.equal(
    results.map((y) => numbers(y)[0]),
    [2, 4, 6, 8],
  );
});

test("nothing is left behind", async () => {
  const f = compile((x: Tensor) => tf.grad((x: tf.Tensor) => tf.sum(tf.sin(tf.mul(x, x))))(x as tf.Tensor));
  const x = randomTensor(1, [4]);
  (await f(x)).dispose();
  const before = tf.memory().numTensors;
  for (let i = 0; i < 3; i++) (await f(x)).dispose();
  assert.is(tf.memory().numTensors, before);
});

type Counter = { state: { w: Tensor; m: Tensor; fixed: Tensor }; seen: Tensor };
/** Gradient descent with momentum on sum (w - x)^2, which hands one tensor on unchanged. */
const descend = ({ w, m, fixed }: Counter["state"], x: Tensor): Counter => {
  const momentum = tf.add(tf.mul(m, 0.5), tf.sub(w, x));
  return {
    state: { w: tf.sub(w, tf.mul(momentum, 0.1)), m: momentum, fixed: tf.clone(fixed) },
    seen: tf.sum(fixed),
  };
};

test("donated states: many steps give what undonated ones give, in constant memory", async () => {
  const start = () => ({ w: randomTensor(1, [5]), m: tf.zeros([5]), fixed: tf.tensor1d([1, 2]) });
  const x = randomTensor(2, [5]);
  const donating = compile(descend, { donate: true });
  const keeping = compile(descend);
  let state: Counter["state"] = start();
  let reference: Counter["state"] = start();
  let tensors = 0;
  for (let i = 0; i < 10; i++) {
    const result = await donating(state, x);
    state = result.state;
    result.seen.dispose();
    reference = (await keeping(reference, x)).state;
    assert.equal(numbers(state.w), numbers(reference.w), `step ${i}`);
    assert.equal(numbers(state.fixed), [1, 2]);
    const now = tf.memory().numTensors;
    // Undonated: four new tensors are kept in every step.
    if (i > 0) assert.is(now - tensors, 4);
    tensors = now;
  }
});

test("a copy of a donated state can be stepped from again, alike", async () => {
  const step = compile(descend, { donate: true });
  const x = randomTensor(2, [5]);
  let state: Counter["state"] = { w: randomTensor(1, [5]), m: tf.zeros([5]), fixed: tf.tensor1d([1, 2]) };
  for (let i = 0; i < 3; i++) state = (await step(state, x)).state;
  const copy = { w: tf.clone(state.w), m: tf.clone(state.m), fixed: tf.clone(state.fixed) };
  const values = numbers(copy.w);
  const next = numbers((await step(state, x)).state.w);
  assert.equal(numbers(copy.w), values, "the copy is as it was");
  assert.equal(numbers((await step(copy, x)).state.w), next);
});

test("a donated state cannot be used again", async () => {
  const step = compile(descend, { donate: true });
  const state = { w: tf.ones([5]), m: tf.zeros([5]), fixed: tf.tensor1d([1, 2]) };
  await step(state, tf.ones([5]));
  const error = await failure(step(state, tf.ones([5])));
  assert.is(error.code, "invalid-argument");
  assert.is(error.argument, "state");
  assert.match(error.message, /state's w .*copy/);
});

test("an op that compiled steps lack: its name, its shapes, the place", async () => {
  const f = compile((x: Tensor) => tf.unique(x as tf.Tensor).values as Tensor);
  const error = await failure(f(tf.ones([3, 4])));
  assert.is(error.code, "unsupported-op");
  assert.match(error.message, /Unique/);
  assert.match(error.message, /\[3,4\]/);
  assert.match(error.message, /compile\.test\.ts:\d+/);
});

test("reading a value inside: what to do instead, and the place", async () => {
  const error = await failure(compile((x: Tensor) => tf.mul(x, tf.sum(x).dataSync()[0]!))(tf.ones([2])));
  assert.is(error.code, "value-read-in-step");
  assert.match(error.message, /tf\.where/);
  assert.match(error.message, /compile\.test\.ts:\d+/);
});

test("calling a compiled function inside another: an error", async () => {
  const inner = compile((x: Tensor) => tf.mul(x, 2));
  let inside: Promise<unknown> = Promise.resolve();
  await compile((x: Tensor) => {
    inside = inner(x).catch((error) => error);
    return x;
  })(tf.ones([2]));
  assert.match(((await inside) as Error).message, /inside/);
});

test("gradients of gradients: known second derivatives", async () => {
  const second = (f: (x: tf.Tensor) => tf.Tensor) => {
    const slope = (x: tf.Tensor): tf.Tensor => tf.grad((x: tf.Tensor) => tf.sum(f(x)))(x);
    return compile((x: Tensor) => tf.grad((x: tf.Tensor) => tf.sum(slope(x)))(x as tf.Tensor));
  };
  const xs = [-1.5, -0.3, 0.4, 1.2];
  const logistic = (x: number): number => 1 / (1 + Math.exp(-x));
  const known: [(x: tf.Tensor) => tf.Tensor, (x: number) => number][] = [
    [(x) => tf.mul(x, tf.exp(x)), (x) => (x + 2) * Math.exp(x)],
    [
      (x) => tf.mul(x, tf.sigmoid(x)),
      (x) => logistic(x) * (1 - logistic(x)) * (2 + x * (1 - 2 * logistic(x))),
    ],
    [(x) => tf.mul(x, tf.tanh(x)), (x) => 2 * (1 - Math.tanh(x) ** 2) * (1 - x * Math.tanh(x))],
    [(x) => tf.pow(x, 3), (x) => 6 * x],
    [(x) => tf.pow(tf.exp(x), 0.5), (x) => 0.25 * Math.exp(x / 2)],
    [(x) => tf.elu(tf.mul(x, 2)), (x) => (x > 0 ? 0 : 4 * Math.exp(2 * x))],
    [(x) => tf.square(tf.maximum(x, 0)), (x) => (x > 0 ? 2 : 0)],
  ];
  for (const [f, expected] of known) {
    close(await second(f)(tf.tensor1d(xs)), tf.tensor1d(xs.map(expected)), 1e-5, `${f}`);
  }
});

test("hand-written gradients are used, at both orders", async () => {
  // A cube whose gradient claims to be x: its own gradient is then 1.
  const claimed = tf.customGrad((...inputs) => {
    const [x, save] = inputs as unknown as [tf.Tensor, tf.GradSaveFunc];
    save([x]);
    return { value: tf.pow(x, 3), gradFunc: (dy: tf.Tensor, [x]: tf.Tensor[]) => tf.mul(dy, x!) };
  });
  const slope = (x: tf.Tensor): tf.Tensor => tf.grad((x: tf.Tensor) => tf.sum(claimed(x)))(x);
  const f = compile((x: Tensor) => ({
    value: claimed(x as tf.Tensor),
    first: slope(x as tf.Tensor),
    second: tf.grad((x: tf.Tensor) => tf.sum(slope(x)))(x as tf.Tensor),
  }));
  const out = await f(tf.tensor1d([2, 3]));
  close(out.value, tf.tensor1d([8, 27]), 1e-6, "value");
  assert.equal(numbers(out.first), [2, 3]);
  assert.equal(numbers(out.second), [1, 1]);
});

test("between steps the event loop turns", async () => {
  const step = compile(descend, { donate: true });
  let state: Counter["state"] = { w: tf.ones([5]), m: tf.zeros([5]), fixed: tf.tensor1d([1, 2]) };
  let turns = 0;
  let running = true;
  const turn = (): void => {
    turns++;
    if (running) setImmediate(turn);
  };
  setImmediate(turn);
  const steps = 20;
  for (let i = 0; i < steps; i++) state = (await step(state, tf.ones([5]))).state;
  running = false;
  assert.ok(turns >= steps, `${turns} turns in ${steps} steps`);
});

const here = /compile\.test\.ts:\d+/;

test("random numbers without a seed, which would repeat: what was called, and the place", async () => {
  const draws: [string, (x: tf.Tensor) => tf.Tensor][] = [
    ["tf.dropout", (x) => tf.dropout(x, 0.5)],
    ["tf.randomNormal", (x) => tf.add(x, tf.randomNormal(x.shape))],
    ["tf.randomUniform", (x) => tf.add(x, tf.randomUniform(x.shape))],
    ["tf.truncatedNormal", (x) => tf.add(x, tf.truncatedNormal(x.shape))],
    ["tf.multinomial", (x) => tf.multinomial(x as tf.Tensor1D, 2)],
    ["Math.random", (x) => tf.mul(x, Math.random())],
  ];
  for (const [name, f] of draws) {
    const error = await failure(compile((x: Tensor) => f(x as tf.Tensor) as Tensor)(tf.ones([4])));
    assert.is(error.code, "unsupported-op", name);
    assert.is(error.argument, name);
    assert.match(error.message, here);
  }
  assert.ok(Math.random() < 1, "outside of steps it draws");
});

test("random numbers with a seed, which repeat anyway, are the same as without compiling", async () => {
  const noisy = (x: Tensor): Tensor =>
    tf.add(tf.dropout(x as tf.Tensor, 0.5, undefined, 3), tf.randomNormal([4], 0, 1, "float32", 7));
  const f = compile(noisy);
  const want = numbers(noisy(tf.ones([4])));
  for (let i = 0; i < 2; i++) close(await f(tf.ones([4])), tf.tensor1d(want), 1e-6, "values");
});

test("variables from outside are read at every call, gradients by them too", async () => {
  const w = tf.variable(tf.tensor1d([1, 2]));
  const frozen = tf.tensor1d([5, 5]);
  const shared = tf.variable(frozen);
  const f = compile((x: Tensor) => {
    const loss = (): tf.Scalar => tf.sum(tf.mul(tf.square(w), x));
    return {
      product: tf.mul(x, w) as Tensor,
      slope: tf.variableGrads(loss, [w]).grads[w.name] as Tensor,
      itself: w as Tensor,
      shared: tf.add(frozen, tf.mul(shared, 10)) as Tensor,
    };
  });
  const x = tf.tensor1d([3, 4]);
  const first = await f(x);
  assert.equal(numbers(first.product), [3, 8]);
  assert.equal(numbers(first.slope), [6, 16]);
  assert.equal(numbers(first.shared), [55, 55]);
  w.assign(tf.tensor1d([10, 20]));
  shared.assign(tf.tensor1d([1, 1]));
  const second = await f(x);
  assert.equal(numbers(second.product), [30, 80]);
  assert.equal(numbers(second.slope), [60, 160]);
  assert.equal(numbers(second.itself), [10, 20]);
  assert.equal(numbers(second.shared), [15, 15], "the tensor that a variable was made of is a constant");
  assert.equal(numbers(first.itself), [1, 2]);
  w.dispose();
  const error = await failure(f(x));
  assert.match(error.message, /variable .*disposed/);
  shared.dispose();
});

test("weights of a layers model are what they are at each call", async () => {
  const { sequential, layers } = await import("@tensorflow/tfjs");
  const model = sequential({
    layers: [layers.dense({ units: 1, inputShape: [2], kernelInitializer: "ones" })],
  });
  const f = compile((x: Tensor) => model.predict(x as never) as unknown as Tensor);
  assert.equal(numbers(await f(tf.tensor2d([[1, 2]]))), [3]);
  model.setWeights([tf.tensor2d([[2], [3]]), tf.tensor1d([1])] as never);
  assert.equal(numbers(await f(tf.tensor2d([[1, 2]]))), [9]);
  model.dispose();
});

test("assigning and making variables in a step: what was called, the place, and the variable is as it was", async () => {
  const w = tf.variable(tf.tensor1d([1, 2]));
  const adam = tf.train.adam(0.1);
  const calls: [string, (x: tf.Tensor) => unknown][] = [
    ["variable.assign", (x) => w.assign(tf.mul(w, x) as tf.Tensor1D)],
    ["tf.variable", (x) => tf.variable(x)],
    ["optimizer.minimize", (x) => tf.train.sgd(0.1).minimize(() => tf.sum(tf.mul(w, x)), false, [w])],
    ["optimizer.minimize", (x) => adam.minimize(() => tf.sum(tf.mul(w, x)), false, [w])],
  ];
  for (const [name, call] of calls) {
    const f = compile((x: Tensor) => {
      call(x as tf.Tensor);
      return x;
    });
    const error = await failure(f(tf.tensor1d([3, 4])));
    assert.is(error.code, "unsupported-op", name);
    assert.is(error.argument, name);
    assert.match(error.message, here);
    assert.equal(numbers(w), [1, 2]);
  }
  w.assign(tf.tensor1d([5, 6]));
  assert.equal(numbers(w), [5, 6], "outside of steps it can be assigned");
  tf.train.sgd(1).minimize(() => tf.sum(w), false, [w]);
  assert.equal(numbers(w), [4, 5]);
  w.dispose();
});

for (const device of ["onnx", "cpu"] as const)
  test(`an async step and results that are no tensors are refused by name, on ${device}`, async () => {
    await useDevice(device);
    const wrong: [(x: Tensor) => unknown, RegExp][] = [
      [
        async (x) => {
          await Promise.resolve();
          throw new Error(`nobody hears ${x.shape}`);
        },
        /a promise.*not async/,
      ],
      [async (x) => x, /a promise/],
      [(x) => ({ x, later: Promise.reject(new Error("unheard")) }), /a promise as later/],
      [() => undefined, /undefined/],
      [(x) => ({ x, inner: { count: 3 } }), /3 as inner\.count/],
    ];
    for (const [f, message] of wrong) {
      const error = await failure(compile(f as (x: Tensor) => Tensor)(tf.ones([2])));
      assert.is(error.code, "invalid-argument");
      assert.match(error.message, message);
    }
    await new Promise((resolve) => setTimeout(resolve, 5));
    await useDevice("onnx");
  });

test("what only ONNX Runtime finds is our error, too", async () => {
  const f = compile((x: Tensor, y: Tensor) => tf.mod(x as tf.Tensor, y as tf.Tensor) as Tensor);
  const [x, y] = [tf.tensor1d([5, 7], "int32"), tf.tensor1d([3, 0], "int32")];
  const error = await failure(f(x, y));
  assert.match(error.message, /ONNX Runtime.*zero/);
  assert.equal(numbers(await f(x, tf.tensor1d([3, 4], "int32"))), [2, 3], "afterwards it computes");
});

test("of many shapes the least recently used are given up, and come back when asked for", async () => {
  let traced = 0;
  const f = compile((x: Tensor) => {
    traced++;
    return tf.mul(x, 2);
  });
  const at = async (n: number): Promise<void> => {
    const y = await f(tf.ones([n]));
    assert.equal(y.shape, [n]);
    y.dispose();
  };
  for (let n = 1; n <= shapesKept; n++) await at(n);
  await at(1);
  assert.is(traced, shapesKept);
  await at(shapesKept + 1);
  await at(1);
  assert.is(traced, shapesKept + 1, "what was used last is kept");
  await at(2);
  assert.is(traced, shapesKept + 2, "what was not is traced again");
});

test("a shape that is given up while it is computed is computed", async () => {
  const f = compile((x: Tensor) => tf.mul(x, 2));
  const all = await Promise.all(Array.from({ length: 3 * shapesKept }, (_, i) => f(tf.fill([i + 1], i))));
  all.forEach((y, i) => {
    assert.equal(numbers(y), Array(i + 1).fill(2 * i));
  });
});

test("donated states of changing shapes leave no memory behind", async () => {
  const step = compile((state: Tensor) => ({ state: tf.add(state, 1) as Tensor }), { donate: true });
  for (let n = 1; n <= shapesKept + 3; n++) {
    let state: Tensor = tf.zeros([n]);
    for (let i = 0; i < 3; i++) state = (await step(state)).state;
    assert.equal(numbers(state), Array(n).fill(3));
    state.dispose();
  }
});

test.run();
