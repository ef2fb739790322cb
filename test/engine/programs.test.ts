import * as tf from "@tensorflow/tfjs-core";
import * as fc from "fast-check";
import { test } from "uvu";
import { useDevice } from "../../src/engine/device.js";
import { agree, type Program, randomIntegers, randomTensor } from "./agree.js";

// Random programs: every instruction applies an op to earlier values. What is found in no op alone is how ops meet: merged nodes, transposes that
// cancel, scalars that are broadcast, results used twice.

/** An instruction chooses its op, its operands and its numbers by these. */
interface Instruction {
  op: number;
  choices: readonly number[];
}

/** Hands out an instruction's choices one by one. */
type Choose = (count: number) => number;
type Values = readonly tf.Tensor[];
type Op = (values: Values, choose: Choose) => tf.Tensor | undefined;

const most = 2000;
const pick = (values: Values, choose: Choose): tf.Tensor => values[choose(values.length)]!;
const pickAxis = (x: tf.Tensor, choose: Choose): number => choose(x.rank);
const bounded = (x: tf.Tensor): tf.Tensor => tf.mul(tf.tanh(tf.mul(x, 0.3)), 2);
const positive = (x: tf.Tensor): tf.Tensor => tf.add(tf.square(bounded(x)), 0.3);
const withRank = (rank: number, f: (x: tf.Tensor, choose: Choose) => tf.Tensor | undefined): Op => {
  return (values, choose) => {
    const x = pick(values, choose);
    return x.rank >= rank ? f(x, choose) : undefined;
  };
};
const unary =
  (f: (x: tf.Tensor) => tf.Tensor): Op =>
  (values, choose) =>
    f(pick(values, choose));
/** Any value as images [2, 4, 4, 3]. */
const image = (x: tf.Tensor): tf.Tensor4D => {
  const flat = tf.reshape(x, [-1]);
  const long = tf.tile(flat, [Math.ceil(96 / flat.size)]);
  return tf.reshape(tf.slice(long, [0], [96]), [2, 4, 4, 3]);
};
/** Any value as a matrix [rows, columns]. */
const matrix = (x: tf.Tensor): tf.Tensor2D => tf.reshape(x, [-1, x.shape.at(-1) ?? 1]);
const binary =
  (f: (a: tf.Tensor, b: tf.Tensor) => tf.Tensor): Op =>
  (values, choose) => {
    const a = pick(values, choose);
    const fits = values.filter((b) => broadcasts(a.shape, b.shape));
    return f(a, pick(fits, choose));
  };

function broadcasts(a: readonly number[], b: readonly number[]): boolean {
  const pairs = Math.min(a.length, b.length);
  return Array.from({ length: pairs }, (_, i) => [a.at(-1 - i)!, b.at(-1 - i)!]).every(
    ([d, e]) => d === e || d === 1 || e === 1,
  );
}

/** All smooth: where a gradient jumps, two roundings of one number may fall on either side. Masks and maxima are taken of inputs only, below. */
const ops: Op[] = [
  unary(tf.sin),
  unary(tf.cos),
  unary(tf.tanh),
  unary(tf.sigmoid),
  unary(tf.softplus),
  unary(tf.neg),
  unary((x) => tf.exp(bounded(x))),
  unary((x) => tf.square(bounded(x))),
  unary((x) => tf.log(positive(x))),
  unary((x) => tf.sqrt(positive(x))),
  unary((x) => tf.rsqrt(positive(x))),
  unary((x) => tf.erf(bounded(x))),
  unary((x) => tf.expm1(bounded(x))),
  unary((x) => tf.log1p(positive(x))),
  unary((x) => tf.mul(x, tf.sigmoid(x))),
  unary((x) => tf.transpose(x)),
  unary((x) => tf.reshape(x, [-1])),
  unary((x) => tf.reshape(x, [1, ...x.shape])),
  unary((x) => tf.reshape(tf.expandDims(x, 0), x.shape)),
  (values, choose) => tf.add(pick(values, choose), choose(5) - 2),
  (values, choose) => tf.mul(pick(values, choose), (choose(5) - 2) / 2),
  binary(tf.add),
  binary(tf.sub),
  binary((a, b) => tf.mul(bounded(a), b)),
  binary((a, b) => tf.div(a, positive(b))),
  binary(tf.squaredDifference),
  binary((a, b) => tf.pow(positive(a), bounded(b))),
  withRank(1, (x, choose) => tf.mean(x, pickAxis(x, choose), choose(2) === 1)),
  withRank(1, (x, choose) => tf.mul(tf.sum(x, pickAxis(x, choose), choose(2) === 1), 0.5)),
  withRank(1, (x) => tf.softmax(x)),
  withRank(1, (x) => tf.logSumExp(x, -1)),
  withRank(1, (x, choose) =>
    tf.mul(tf.cumsum(x, pickAxis(x, choose), choose(2) === 1, choose(2) === 1), 0.5),
  ),
  withRank(1, (x) => {
    const { mean, variance } = tf.moments(x, -1, true);
    return tf.mul(tf.sub(x, mean), tf.rsqrt(tf.add(variance, 0.1)));
  }),
  withRank(2, (x, choose) => {
    const shift = 1 + choose(x.rank - 1);
    const order = x.shape.map((_, i) => (i + shift) % x.rank);
    return tf.transpose(x, order);
  }),
  withRank(1, (x, choose) => tf.reverse(x, pickAxis(x, choose))),
  withRank(1, (x, choose) => {
    const axis = pickAxis(x, choose);
    return x.size * 2 <= most ? tf.concat([x, tf.sin(x)], axis) : undefined;
  }),
  withRank(1, (x, choose) => {
    const axis = pickAxis(x, choose);
    const begin = choose(x.shape[axis]!);
    const size = 1 + choose(x.shape[axis]! - begin);
    return tf.slice(
      x,
      x.shape.map((_, i) => (i === axis ? begin : 0)),
      x.shape.map((d, i) => (i === axis ? size : d)),
    );
  }),
  withRank(1, (x, choose) => {
    const axis = pickAxis(x, choose);
    const [before, after] = [choose(3), choose(3)];
    const border = x.shape.map((_, i): [number, number] => (i === axis ? [before, after] : [0, 0]));
    return x.size * 4 <= most ? tf.pad(x, border, choose(2)) : undefined;
  }),
  withRank(1, (x, choose) => {
    const parts = tf.split(x, [1, ...(x.shape[0]! > 1 ? [x.shape[0]! - 1] : [])], 0);
    return parts[choose(parts.length)];
  }),
  withRank(1, (x, choose) => {
    const parts = tf.unstack(x, pickAxis(x, choose));
    return parts[choose(parts.length)];
  }),
  withRank(1, (x, choose) => {
    const rows = tf.tensor1d([choose(x.shape[0]!), choose(x.shape[0]!), choose(x.shape[0]!)], "int32");
    return x.size * 3 <= most ? tf.gather(x, rows) : undefined;
  }),
  unary((x) => (x.size <= most / 2 ? tf.stack([x, tf.cos(x)], 0) : x)),
  withRank(1, (x, choose) =>
    x.size * 2 <= most
      ? tf.tile(
          x,
          x.shape.map((_, i) => (i === choose(2) ? 2 : 1)),
        )
      : undefined,
  ),
  (values, choose) => {
    const [a, b] = [matrix(pick(values, choose)), matrix(pick(values, choose))];
    const [m, k, n] = [a.shape[0], a.shape[1], b.shape[1]];
    // Of the second only as many rows as fit.
    if (b.shape[0] < k || m * n > most) return undefined;
    return tf.div(tf.matMul(a, tf.slice(b, [0, 0], [k, n])), k);
  },
  (values, choose) => {
    const a = matrix(pick(values, choose));
    if (a.shape[0] > 20 || a.shape[1] > 20) return undefined;
    return tf.div(choose(2) === 1 ? tf.matMul(a, a, true, false) : tf.matMul(a, a, false, true), a.size);
  },
  (values, choose) => {
    const size = [1, 2, 3][choose(3)]!;
    const x = image(pick(values, choose));
    const w = randomTensor(choose(5), [size, size, 3, 4]) as tf.Tensor4D;
    return tf.div(tf.conv2d(x, w, 1 + choose(2), choose(2) === 1 ? "same" : "valid"), size * size);
  },
  (values, choose) => tf.avgPool(image(pick(values, choose)), 2, 1 + choose(2), "valid"),
];

const inputs = (): tf.Tensor[] => [
  randomTensor(1, [3, 4]),
  randomTensor(2, [4]),
  randomTensor(3, []),
  randomTensor(4, [2, 3, 1]),
  randomIntegers(5, [3], 4),
];

/** Ops whose gradient jumps, of the inputs themselves. */
const jumps = ([a, b, c, , index]: Values): tf.Tensor[] => [
  tf.relu(a!),
  tf.maximum(a!, b!),
  tf.where(tf.greater(a!, c!), a!, tf.square(b!)),
  tf.max(a!, 1),
  tf.abs(b!),
  tf.clipByValue(a!, -0.5, 0.5),
  tf.gather(b!, index!),
  tf.oneHot(index!, 4, 1, 0, "float32"),
];

function program(instructions: readonly Instruction[]): Program {
  return (...given) => {
    const values: tf.Tensor[] = [...given.filter(({ dtype }) => dtype === "float32"), ...jumps(given)];
    const first = values.length;
    for (const { op, choices } of instructions) {
      let used = 0;
      // Of the newest values first, so that programs are deep.
      const result = ops[op]!(values.slice().reverse(), (count) => choices[used++ % choices.length]! % count);
      if (result && result.size <= most && result.rank <= 5) values.push(result);
    }
    // Every input takes part, so that it has a gradient.
    const all = given.filter(({ dtype }) => dtype === "float32").map((x) => tf.sum(tf.sin(x)));
    return [...values.slice(first).slice(-3), tf.addN(all)];
  };
}

const instruction = fc.record({
  op: fc.nat(ops.length - 1),
  choices: fc.array(fc.nat(59), { minLength: 4, maxLength: 4 }),
});

test.before(async () => {
  await useDevice("onnx");
});

for (const [order, runs, length] of [
  [1, 150, 14],
  [2, 60, 5],
] as const) {
  test(`random programs of up to ${length} ops: ${order === 1 ? "values and gradients" : "and gradients of gradients"}`, async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(instruction, { minLength: 1, maxLength: length }), (instructions) =>
        agree(program(instructions), inputs(), { order, tolerance: 1e-4 }),
      ),
      { numRuns: runs, seed: 20261123, includeErrorInReport: true },
    );
  });
}

test.run();
