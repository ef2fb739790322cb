import * as tf from "@tensorflow/tfjs-core";
import { type Expectations, type Program, randomIntegers, randomTensor } from "./agree.js";

// Every op that compiled steps cover, alone or in the smallest composition, at the shapes that matter.

export interface Case {
  name: string;
  program: Program;
  /** Shapes of float inputs. */
  shapes?: readonly (readonly number[])[];
  inputs?: () => tf.Tensor[];
  expect?: CaseExpectations;
  /** Compiled steps refuse it: an error that names this op. */
  refused?: string;
}

export interface CaseExpectations extends Expectations {
  /** At these inputs the program has kinks: no differences tell its gradient. */
  kinks?: boolean;
}

const values: CaseExpectations = { order: 0 };
const once: CaseExpectations = { order: 1 };

export const cases: Case[] = [];
const add = (
  name: string,
  program: Program,
  shapes: readonly (readonly number[])[],
  expect?: CaseExpectations,
): void => {
  cases.push({ name, program, shapes, ...(expect && { expect }) });
};
const addWith = (
  name: string,
  program: Program,
  inputs: () => tf.Tensor[],
  expect?: CaseExpectations,
): void => {
  cases.push({ name, program, inputs, ...(expect && { expect }) });
};

const spread = (x: tf.Tensor): tf.Tensor => tf.mul(x, 3);
const positive = (x: tf.Tensor): tf.Tensor => tf.add(tf.abs(x), 0.2);
const within = (x: tf.Tensor): tf.Tensor => tf.mul(tf.tanh(x), 0.9);

// Elementwise
for (const [name, op] of Object.entries({
  cos: tf.cos,
  sin: tf.sin,
  exp: tf.exp,
  sigmoid: tf.sigmoid,
  softplus: tf.softplus,
  tanh: tf.tanh,
  square: tf.square,
  neg: tf.neg,
  sinh: tf.sinh,
  cosh: tf.cosh,
  atan: tf.atan,
  expm1: tf.expm1,
  erf: tf.erf,
}))
  add(name, (x) => op(x!), [[3, 5]]);
for (const [name, op] of Object.entries({
  abs: tf.abs,
  relu: tf.relu,
  elu: tf.elu,
  selu: tf.selu,
  leakyRelu: tf.leakyRelu,
}))
  add(name, (x) => op(x!), [[3, 5]]);
add("relu6", (x) => tf.relu6(spread(x!)), [[4, 8]]);
for (const [name, op] of Object.entries({
  log: tf.log,
  log1p: tf.log1p,
  sqrt: tf.sqrt,
  rsqrt: tf.rsqrt,
  reciprocal: tf.reciprocal,
}))
  add(name, (x) => op(positive(x!)), [[3, 5]]);
add("asinh", (x) => tf.asinh(spread(x!)), [[3, 5]]);
add("acosh", (x) => tf.acosh(tf.add(positive(x!), 1)), [[3, 5]]);
for (const [name, op] of Object.entries({ asin: tf.asin, acos: tf.acos, atanh: tf.atanh, tan: tf.tan }))
  add(name, (x) => op(within(x!)), [[3, 5]]);
for (const [name, op] of Object.entries({
  ceil: tf.ceil,
  floor: tf.floor,
  round: tf.round,
  sign: tf.sign,
  step: tf.step,
}))
  add(name, (x) => op(spread(x!)), [[3, 5]], once);
addWith(
  "round: halves to even",
  (x) => tf.round(x!),
  () => [tf.tensor1d([-2.5, -1.5, -0.5, 0.5, 1.5, 2.5])],
  values,
);
add("step with a slope", (x) => tf.step(x!, 0.25), [[7]], once);
add("prelu", (x, a) => tf.prelu(x!, a!), [[3, 5], [5]], once);
add("clip", (x) => tf.clipByValue(x!, -0.5, 0.7), [[4, 6]]);
addWith(
  "clip at its ends",
  (x) => tf.clipByValue(x!, -1, 1),
  () => [tf.tensor1d([-2, -1, 0, 1, 2])],
  { order: 1, kinks: true },
);
addWith(
  "near 0: expm1, log1p, erf, tanh",
  (x) => [tf.expm1(x!), tf.log1p(x!), tf.erf(x!), tf.tanh(x!)],
  () => [tf.tensor1d([-1e-3, -1e-5, -1e-7, 0, 1e-7, 1e-5, 1e-3])],
  values,
);
addWith(
  "not finite: isNaN, isInf, isFinite, relu, max, min, where",
  (x) => [
    tf.isNaN(x!),
    tf.isInf(x!),
    tf.isFinite(x!),
    tf.where(tf.isNaN(x!), tf.zerosLike(x!), x!),
    tf.exp(x!),
  ],
  () => [tf.tensor1d([Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, 0, 1])],
  values,
);
addWith(
  "large: softplus, sigmoid, tanh, logSoftmax",
  (x) => [tf.softplus(x!), tf.sigmoid(x!), tf.tanh(x!), tf.logSoftmax(x!)],
  () => [tf.tensor1d([-200, -80, -20, 0, 20, 80, 200])],
  once,
);
add("silu", (x) => tf.mul(x!, tf.sigmoid(x!)), [[3, 5]]);

// Two operands, with every kind of broadcasting
const broadcasts = [
  [
    [3, 4],
    [3, 4],
  ],
  [[3, 4], [4]],
  [
    [1, 4],
    [3, 1],
  ],
  [[2, 3, 4], []],
  [[], [5]],
  [
    [2, 1, 3, 1],
    [4, 1, 5],
  ],
] as const;
for (const shapes of broadcasts) {
  const at = shapes.map((shape) => `[${shape}]`).join(" ");
  add(
    `arithmetic ${at}`,
    (a, b) => [tf.add(a!, b!), tf.sub(a!, b!), tf.mul(a!, b!), tf.squaredDifference(a!, b!)],
    shapes,
  );
  add(`div ${at}`, (a, b) => tf.div(a!, positive(b!)), shapes);
  add(`maximum, minimum ${at}`, (a, b) => [tf.maximum(a!, b!), tf.minimum(a!, b!)], shapes);
  add(`pow ${at}`, (a, b) => tf.pow(positive(a!), b!), shapes, { tolerance: 1e-4 });
  add(
    `comparisons ${at}`,
    (a, b) => [
      tf.equal(a!, b!),
      tf.notEqual(a!, b!),
      tf.greater(a!, b!),
      tf.greaterEqual(a!, b!),
      tf.less(a!, b!),
      tf.lessEqual(a!, b!),
      tf.logicalAnd(tf.greater(a!, 0), tf.less(b!, 0)),
      tf.logicalOr(tf.greater(a!, 0), tf.less(b!, 0)),
      tf.logicalXor(tf.greater(a!, 0), tf.less(b!, 0)),
      tf.logicalNot(tf.greater(a!, b!)),
    ],
    shapes,
    values,
  );
  add(`where ${at}`, (a, b) => tf.where(tf.greater(a!, b!), tf.sin(a!), tf.cos(b!)), shapes);
}
add(
  "where: a condition that is broadcast",
  (a, b) => tf.where(tf.greater(tf.slice(a!, [0, 0], [3, 1]), 0), a!, b!),
  [
    [3, 4],
    [3, 4],
  ],
);
add("where: a scalar branch", (a) => tf.where(tf.greater(a!, 0), a!, tf.scalar(0.5)), [[3, 4]]);
add(
  "equal of equal values",
  (a) => [tf.equal(a!, a!), tf.greaterEqual(a!, tf.mul(a!, 1)), tf.less(a!, a!)],
  [[3, 4]],
  values,
);
add(
  "mod",
  (a, b) => tf.mod(spread(a!), positive(b!)),
  [
    [4, 5],
    [4, 5],
  ],
  once,
);
add("mod by a number", (a) => tf.mod(spread(a!), 1.5), [[4, 5]], once);
add(
  "atan2",
  (a, b) => tf.atan2(a!, b!),
  [
    [5, 6],
    [5, 6],
  ],
  once,
);
addWith(
  "atan2 on the axes",
  (a, b) => tf.atan2(a!, b!),
  () => [tf.tensor1d([0, 1, 0, -1, 1, -1]), tf.tensor1d([1, 0, -1, 0, -1, -1])],
  values,
);
add(
  "floorDiv",
  (a, b) => tf.cast(tf.floorDiv(spread(a!), positive(b!)), "int32"),
  [
    [4, 5],
    [4, 5],
  ],
  values,
);
addWith(
  "integers",
  (a, b) => [
    tf.add(a!, b!),
    tf.sub(a!, b!),
    tf.mul(a!, b!),
    tf.floorDiv(a!, tf.add(b!, tf.scalar(1, "int32"))),
    tf.mod(a!, tf.add(b!, tf.scalar(1, "int32"))),
    tf.maximum(a!, b!),
    tf.equal(a!, b!),
    tf.sum(a!, 0),
    tf.max(a!, 1),
  ],
  () => [randomIntegers(1, [4, 5], 10), randomIntegers(2, [4, 5], 10)],
  values,
);
add("addN", (a, b, c) => tf.addN([a!, b!, c!]), [
  [3, 4],
  [3, 4],
  [3, 4],
]);
add(
  "one tensor in many places",
  (a) => [tf.add(a!, a!), tf.mul(a!, tf.mul(a!, a!)), tf.div(a!, positive(a!)), tf.sub(a!, a!)],
  [[3, 4]],
);
add(
  "numbers that change nothing, and zeros",
  (a) => [
    tf.add(a!, 0),
    tf.mul(a!, 1),
    tf.sub(a!, tf.zerosLike(a!)),
    tf.div(a!, tf.onesLike(a!)),
    tf.mul(a!, tf.zeros([2, 3, 4])),
    tf.add(tf.ones([1, 4]), tf.ones([3, 1])),
  ],
  [[3, 4]],
);
add(
  "cast",
  (x) => [
    tf.cast(spread(x!), "int32"),
    tf.cast(tf.greater(x!, 0), "float32"),
    tf.cast(tf.greater(x!, 0), "int32"),
    tf.cast(x!, "bool"),
  ],
  [[3, 4]],
  values,
);
add("a mask as numbers", (x) => tf.mul(tf.cast(tf.greater(x!, 0), "float32"), x!), [[3, 4]]);
add(
  "clone, zerosLike, onesLike, fill",
  (x) => [tf.clone(x!), tf.zerosLike(x!), tf.onesLike(x!), tf.fill([2, 2], 3), tf.add(x!, tf.range(0, 4))],
  [[3, 4]],
);

// Reductions
for (const [name, op] of Object.entries({
  sum: tf.sum,
  mean: tf.mean,
  max: tf.max,
  min: tf.min,
  prod: tf.prod,
})) {
  const safe: CaseExpectations = name === "prod" ? once : {};
  for (const axes of [undefined, 0, 1, 2, -1, [0, 2], [1, 2], [0, 1, 2]]) {
    for (const keepDims of [false, true]) {
      add(
        `${name} over ${axes ?? "all"}${keepDims ? ", kept" : ""}`,
        (x) => op(x!, axes, keepDims),
        [[3, 4, 5]],
        safe,
      );
    }
  }
  add(`${name} of a scalar`, (x) => op(x!), [[]], safe);
  add(`${name} over an axis of length 1`, (x) => op(x!, 1), [[3, 1, 5]], safe);
}
add(
  "any, all",
  (x) => [tf.any(tf.greater(x!, 1), 1), tf.all(tf.greater(x!, -1), [0, 2]), tf.any(tf.greater(x!, 0))],
  [[3, 4, 5]],
  values,
);
for (const axis of [0, 1, -1])
  add(`argMax, argMin over ${axis}`, (x) => [tf.argMax(x!, axis), tf.argMin(x!, axis)], [[3, 4, 5]], values);
addWith(
  "argMax of equal values: the first",
  (x) => [tf.argMax(x!, 1), tf.argMin(x!, 1)],
  () => [
    tf.tensor2d([
      [1, 2, 2],
      [0, 0, 0],
    ]),
  ],
  values,
);
for (const [exclusive, reverse] of [
  [false, false],
  [true, false],
  [false, true],
  [true, true],
] as const)
  add(
    `cumsum${exclusive ? ", exclusive" : ""}${reverse ? ", reverse" : ""}`,
    (x) => [tf.cumsum(x!, 1, exclusive, reverse), tf.cumsum(x!, 0, exclusive, reverse)],
    [[3, 4, 5]],
  );
add("cumsum of the last", (x) => tf.cumsum(x!, -1), [[3, 4, 5]]);
add("cumsum of the last but one", (x) => tf.cumsum(x!, -2, true, true), [[3, 4, 5]]);
add("cumprod of the last", (x) => tf.cumprod(x!, -1), [[3, 4]], { order: 0, tolerance: 1e-4 });
add("cumprod", (x) => [tf.cumprod(x!, 1), tf.cumprod(x!, 0, true, true)], [[3, 4]], {
  order: 0,
  tolerance: 1e-4,
});
addWith(
  "cumprod past a zero",
  (x) => tf.cumprod(x!),
  () => [tf.tensor1d([2, -3, 0, 4, -1])],
  values,
);
add(
  "softmax, logSoftmax, logSumExp",
  (x) => [tf.softmax(spread(x!)), tf.logSoftmax(spread(x!)), tf.logSumExp(x!, 1)],
  [[3, 6]],
);
add("softmax of images", (x) => tf.softmax(x!), [[2, 3, 4, 5]]);
add(
  "moments, norm",
  (x) => {
    const { mean, variance } = tf.moments(x!, [1, 2]);
    return [mean, variance, tf.norm(x!, 2, 1)];
  },
  [[2, 3, 4, 5]],
);

// Products
for (const [ta, tb] of [
  [false, false],
  [true, false],
  [false, true],
  [true, true],
] as const) {
  const shape = (m: number, n: number, transposed: boolean) => (transposed ? [n, m] : [m, n]);
  const name = `matMul${ta ? ", a^T" : ""}${tb ? ", b^T" : ""}`;
  const product: Program = (a, b) => tf.matMul(a!, b!, ta, tb);
  add(name, product, [shape(3, 4, ta), shape(4, 5, tb)]);
  add(`${name}, batches`, product, [
    [2, ...shape(3, 4, ta)],
    [2, ...shape(4, 5, tb)],
  ]);
  add(`${name}, 4-D batches`, product, [
    [2, 3, ...shape(3, 4, ta)],
    [2, 3, ...shape(4, 5, tb)],
  ]);
  add(
    `${name}, one b for the batch`,
    product,
    [
      [3, ...shape(3, 4, ta)],
      [1, ...shape(4, 5, tb)],
    ],
    once,
  );
  add(
    `${name}, one a for the batch`,
    product,
    [
      [1, ...shape(3, 4, ta)],
      [3, ...shape(4, 5, tb)],
    ],
    once,
  );
  add(`${name}, a batch of one`, product, [
    [1, ...shape(3, 4, ta)],
    [1, ...shape(4, 5, tb)],
  ]);
}
for (const [a, b] of [
  [
    [2, 1, 3, 4],
    [1, 5, 4, 2],
  ],
  [
    [2, 5, 3, 4],
    [2, 1, 4, 2],
  ],
  [
    [1, 5, 3, 4],
    [2, 5, 4, 2],
  ],
] as const) {
  add(`matMul of [${a}] and [${b}]`, (a, b) => tf.matMul(a!, b!), [a, b], once);
  const flipped = (shape: readonly number[]) => [...shape.slice(0, 2), shape[3]!, shape[2]!];
  add(
    `matMul of [${a}] and [${b}], both stored transposed`,
    (a, b) => tf.matMul(a!, b!, true, true),
    [flipped(a), flipped(b)],
    once,
  );
}
add(
  "products of one matrix, seen in two shapes",
  (a, b) => [
    tf.matMul(tf.reshape(a!, [2, 6]), tf.reshape(b!, [6, 2])),
    tf.matMul(tf.reshape(a!, [4, 3]), tf.reshape(b!, [3, 4])),
    tf.matMul(tf.reshape(a!, [12, 1]), tf.reshape(b!, [1, 12])),
  ],
  [[12], [12]],
);
addWith(
  "matMul of integers",
  (a, b) => [
    tf.matMul(a!, b!),
    tf.matMul(a!, a!, true),
    tf.matMul(b!, b!, false, true),
    tf.matMul(tf.reshape(a!, [2, 2, 3]), tf.reshape(b!, [1, 3, 4])),
  ],
  () => [randomIntegers(1, [4, 3], 10), randomIntegers(2, [3, 4], 10)],
  values,
);
add("matMul and bias", (a, b, c) => tf.add(tf.matMul(a!, b!), c!), [[3, 4], [4, 5], [5]]);
add("bias and matMul", (a, b, c) => tf.add(c!, tf.matMul(a!, b!)), [[3, 4], [4, 5], [5]]);
add("matMul and a bias per row", (a, b, c) => tf.add(tf.matMul(a!, b!), c!), [
  [5, 4],
  [4, 5],
  [5, 1],
]);
add("matMul and a scalar", (a, b, c) => tf.add(tf.matMul(a!, b!), c!), [[3, 4], [4, 5], []]);
add(
  "matMul, used with and without bias",
  (a, b, c) => {
    const ab = tf.matMul(a!, b!);
    return [ab, tf.add(ab, c!), tf.relu(tf.add(ab, c!))];
  },
  [[3, 4], [4, 5], [5]],
);
add("dot, outerProduct", (a, b) => [tf.dot(a!, b!), tf.outerProduct(a as tf.Tensor1D, b as tf.Tensor1D)], [
  [4],
  [4],
]);
add(
  "linear layer and activation, fused by tfjs",
  (a, b, c) =>
    (["linear", "relu", "relu6", "elu", "sigmoid", "leakyrelu"] as const).map((activation) =>
      tf.fused.matMul({ a: a as tf.Tensor2D, b: b as tf.Tensor2D, bias: c!, activation }),
    ),
  [[3, 4], [4, 5], [5]],
  once,
);
add(
  "prelu, fused by tfjs",
  (a, b, c, d) =>
    tf.fused.matMul({
      a: a as tf.Tensor2D,
      b: b as tf.Tensor2D,
      bias: c!,
      activation: "prelu",
      preluActivationWeights: d!,
    }),
  [[3, 4], [4, 5], [5], [5]],
  once,
);

// Convolutions, pooling, resizing
const conv = (
  x: tf.Tensor | undefined,
  w: tf.Tensor | undefined,
  stride: number | [number, number],
  pad: "same" | "valid" | number,
  dilation = 1,
): tf.Tensor => tf.conv2d(x as tf.Tensor4D, w as tf.Tensor4D, stride, pad, "NHWC", dilation);
for (const size of [1, 2, 3, 5])
  for (const stride of [1, 2, 3])
    for (const pad of ["same", "valid"] as const)
      for (const channels of [
        [3, 2],
        [2, 5],
      ] as const)
        add(
          `conv2d ${size}x${size}, stride ${stride}, ${pad}, ${channels[0]} to ${channels[1]} channels`,
          (x, w) => conv(x, w, stride, pad),
          [
            [2, 6, 7, channels[0]],
            [size, size, ...channels],
          ],
          size === 3 ? {} : once,
        );
add("conv2d, different strides", (x, w) => conv(x, w, [2, 1], "same"), [
  [2, 5, 6, 3],
  [3, 2, 3, 4],
]);
add("conv2d, padding by a number", (x, w) => conv(x, w, 1, 2), [
  [2, 5, 6, 3],
  [3, 3, 3, 4],
]);
add(
  "conv2d, dilated",
  (x, w) => conv(x, w, 1, "same", 2),
  [
    [2, 7, 8, 3],
    [3, 3, 3, 4],
  ],
  values,
);
add("conv2d, window as large as the image", (x, w) => conv(x, w, 1, "valid"), [
  [3, 4, 4, 2],
  [4, 4, 2, 5],
]);
add("conv2d, batch of one, one channel", (x, w) => conv(x, w, 1, "same"), [
  [1, 5, 5, 1],
  [3, 3, 1, 1],
]);
add("conv2d and bias", (x, w, b) => tf.add(conv(x, w, 1, "same"), b!), [[2, 5, 5, 3], [3, 3, 3, 4], [4]]);
add(
  "conv2d, bias, relu fused by tfjs",
  (x, w, b) =>
    tf.fused.conv2d({
      x: x as tf.Tensor4D,
      filter: w as tf.Tensor4D,
      bias: b!,
      strides: 1,
      pad: "same",
      activation: "relu",
    }),
  [[2, 5, 5, 3], [3, 3, 3, 4], [4]],
  once,
);
add("two convolutions of one image", (x, w, v) => tf.add(conv(x, w, 2, "same"), conv(x, v, 2, "same")), [
  [2, 6, 6, 3],
  [3, 3, 3, 4],
  [1, 1, 3, 4],
]);
add(
  "conv2dTranspose",
  (x, w) => tf.conv2dTranspose(x as tf.Tensor4D, w as tf.Tensor4D, [2, 6, 6, 4], 2, "same"),
  [
    [2, 3, 3, 5],
    [3, 3, 4, 5],
  ],
  once,
);
add("conv1d", (x, w) => tf.conv1d(x as tf.Tensor3D, w as tf.Tensor3D, 1, "same"), [
  [2, 7, 3],
  [3, 3, 4],
]);
for (const stride of [1, 2])
  for (const pad of ["same", "valid"] as const)
    add(
      `depthwiseConv2d, stride ${stride}, ${pad}`,
      (x, w) => tf.depthwiseConv2d(x as tf.Tensor4D, w as tf.Tensor4D, stride, pad),
      [
        [2, 5, 6, 3],
        [3, 3, 3, 2],
      ],
      once,
    );
for (const [size, stride] of [
  [2, 2],
  [3, 1],
  [3, 2],
  [2, 3],
] as const)
  for (const pad of ["same", "valid"] as const) {
    add(
      `maxPool ${size}, stride ${stride}, ${pad}`,
      (x) => tf.maxPool(x as tf.Tensor4D, size, stride, pad),
      [[2, 6, 7, 3]],
      once,
    );
    add(`avgPool ${size}, stride ${stride}, ${pad}`, (x) => tf.avgPool(x as tf.Tensor4D, size, stride, pad), [
      [2, 6, 7, 3],
    ]);
  }
for (const [size, strides, pad, shape] of [
  [[2, 3], [1, 2], "same", [2, 5, 4, 3]],
  [[2, 3], [2, 1], "valid", [2, 5, 4, 3]],
  [[1, 3], [1, 1], "same", [1, 1, 7, 2]],
  [[3, 3], [2, 2], 1, [2, 5, 7, 1]],
  [[4, 4], [1, 1], "same", [2, 3, 3, 2]],
  [[2, 2], [2, 2], "valid", [2, 6, 4, 16]],
] as [[number, number], [number, number], "same" | "valid" | 1, number[]][]) {
  const at = `${size}, strides ${strides}, pad ${pad}, [${shape}]`;
  const x4 = (x: tf.Tensor | undefined) => x as tf.Tensor4D;
  add(
    `maxPool ${at}`,
    (x) => tf.maxPool(x4(x), size, strides, pad, pad === 1 ? "floor" : undefined),
    [shape],
    once,
  );
  add(
    `avgPool ${at}`,
    (x) => tf.avgPool(x4(x), size, strides, pad, pad === 1 ? "floor" : undefined),
    [shape],
    once,
  );
}
for (const [how, corners, halves] of [
  ["", false, false],
  [", corners", true, false],
  [", half pixels", false, true],
] as const)
  for (const [shape, size] of [
    [
      [1, 1, 7, 2],
      [2, 3],
    ],
    [
      [3, 5, 2, 1],
      [4, 9],
    ],
    [
      [2, 7, 3, 16],
      [13, 5],
    ],
  ] as [number[], [number, number]][]) {
    const to = `[${shape}] to ${size}${how}`;
    add(`resizeBilinear ${to}`, (x) => tf.image.resizeBilinear(x as tf.Tensor4D, size, corners, halves), [
      shape,
    ]);
    add(
      `resizeNearestNeighbor ${to}`,
      (x) => tf.image.resizeNearestNeighbor(x as tf.Tensor4D, size, corners, halves),
      [shape],
    );
  }
for (const [alignCorners, halfPixels] of [
  [false, false],
  [true, false],
  [false, true],
] as const)
  for (const size of [
    [8, 10],
    [3, 2],
    [7, 5],
    [4, 5],
    [1, 1],
  ] as [number, number][]) {
    const how = alignCorners ? ", corners" : halfPixels ? ", half pixels" : "";
    add(
      `resizeBilinear to ${size}${how}`,
      (x) => tf.image.resizeBilinear(x as tf.Tensor4D, size, alignCorners, halfPixels),
      [[2, 4, 5, 3]],
    );
    add(
      `resizeNearestNeighbor to ${size}${how}`,
      (x) => tf.image.resizeNearestNeighbor(x as tf.Tensor4D, size, alignCorners, halfPixels),
      [[2, 4, 5, 3]],
    );
  }

// What only the engines that run op by op have
const eager = (
  op: string,
  name: string,
  program: Program,
  shapes: readonly (readonly number[])[],
  expect: CaseExpectations = once,
): void => {
  cases.push({ name, program, shapes, expect, refused: op });
};
for (const pad of ["same", "valid"] as const)
  for (const [size, stride] of [
    [2, 2],
    [3, 1],
    [2, 1],
  ] as const) {
    const at = `${size}, stride ${stride}, ${pad}`;
    eager("MaxPool3D", `maxPool3d ${at}`, (x) => tf.maxPool3d(x as tf.Tensor5D, size, stride, pad), [
      [2, 3, 4, 5, 2],
    ]);
    eager("AvgPool3D", `avgPool3d ${at}`, (x) => tf.avgPool3d(x as tf.Tensor5D, size, stride, pad), [
      [2, 3, 4, 5, 2],
    ]);
    eager("Conv3D", `conv3d ${at}`, (x, w) => tf.conv3d(x as tf.Tensor5D, w as tf.Tensor5D, stride, pad), [
      [2, 3, 4, 5, 2],
      [size, size, size, 2, 3],
    ]);
    eager(
      "Dilation2D",
      `dilation2d ${at}`,
      (x, w) => tf.dilation2d(x as tf.Tensor4D, w as tf.Tensor3D, stride, pad),
      [
        [2, 5, 4, 3],
        [size, size, 3],
      ],
    );
  }
eager(
  "LRN",
  "localResponseNormalization",
  (x) => tf.localResponseNormalization(x as tf.Tensor4D, 2, 1.5, 0.5, 0.6),
  [[2, 3, 2, 7]],
);

// Shapes
add(
  "reshape, flatten, expandDims, squeeze",
  (x) => [
    tf.reshape(x!, [4, -1]),
    tf.reshape(x!, [-1]),
    tf.expandDims(x!, 1),
    tf.expandDims(x!, -1),
    tf.squeeze(tf.reshape(x!, [1, 2, 1, 12])),
  ],
  [[2, 3, 4]],
);
for (const perm of [
  [0, 1, 2],
  [1, 0, 2],
  [2, 1, 0],
  [1, 2, 0],
])
  add(`transpose ${perm}`, (x) => tf.transpose(tf.sin(x!), perm), [[2, 3, 4]]);
add("transpose of transpose", (x) => tf.transpose(tf.transpose(x!, [1, 2, 0]), [1, 2, 0]), [[2, 3, 4]]);
add("transpose and product", (x, y) => tf.matMul(tf.transpose(x!), y!), [
  [4, 3],
  [4, 5],
]);
add("transpose with axes of length 1", (x) => [tf.transpose(x!, [1, 0, 2]), tf.transpose(x!, [2, 1, 0])], [
  [1, 3, 4],
]);
for (const axis of [0, 1, -1])
  add(`concat along ${axis}`, (a, b) => tf.concat([tf.sin(a!), b!, a!], axis), [
    [2, 3, 4],
    [2, 3, 4],
  ]);
add("concat of different lengths", (a, b) => tf.concat([a!, b!], 3), [
  [2, 3, 3, 1],
  [2, 3, 3, 4],
]);
add("slice", (x) => [tf.slice(x!, [1, 0, 2], [1, 3, 2]), tf.slice(x!, [0, 1], [2, 1]), tf.slice(x!, 1)], [
  [2, 3, 4],
]);
add(
  "stridedSlice",
  (x) => [
    tf.stridedSlice(x!, [0, 1], [5, 6], [2, 3]),
    tf.stridedSlice(x!, [4, -1], [0, 0], [-1, -2]),
    tf.stridedSlice(x!, [1, 0], [0, 4], [1, 1], 0, 1, 0, 0, 1),
  ],
  [[5, 6]],
  values,
);
add(
  "split in equal and unequal parts",
  (x) => [...tf.split(x!, 3, 1), ...tf.split(tf.sin(x!), [1, 2, 3], 1)],
  [[4, 6]],
);
add("stack, unstack", (a, b) => [tf.stack([a!, b!]), tf.stack([a!, b!], -1), ...tf.unstack(a!, 1)], [
  [3, 4],
  [3, 4],
]);
add("tile", (x) => [tf.tile(x!, [2, 3]), tf.tile(x!, [1, 1])], [[3, 4]]);
add("tile of axes of length 1", (x) => tf.tile(x!, [3, 1, 2]), [[1, 4, 1]]);
add("broadcastTo", (x) => tf.broadcastTo(x!, [2, 3, 4]), [[3, 1]]);
add(
  "pad",
  (x) => [
    tf.pad(x!, [
      [1, 2],
      [0, 3],
    ]),
    tf.pad(
      x!,
      [
        [0, 1],
        [2, 0],
      ],
      1.5,
    ),
    tf.pad(x!, [
      [0, 0],
      [0, 0],
    ]),
  ],
  [[3, 4]],
);
for (const mode of ["reflect", "symmetric"] as const) {
  const most = mode === "reflect" ? 1 : 0;
  for (const [shape, paddings] of [
    [[3], [[1, 1]]],
    [[4], [[3 - most, 4 - most]]],
    [
      [3, 4],
      [
        [1, 2],
        [3, 0],
      ],
    ],
    [
      [2, 3, 1, 2],
      [
        [0, 0],
        [2, 1],
        [0, 0],
        [0, 1],
      ],
    ],
  ] as [number[], [number, number][]][])
    add(
      `mirrorPad [${shape}] by ${paddings.join(" and ")}, ${mode}`,
      (x) => tf.mirrorPad(x!, paddings, mode),
      [shape],
    );
}
add("reverse", (x) => [tf.reverse(x!, 0), tf.reverse(x!, [1, 2]), tf.reverse(x!)], [[2, 3, 4]]);
add(
  "gather of ranges: spaceToDepth by hand",
  (x) => tf.reshape(tf.transpose(tf.reshape(x!, [2, 2, 2, 3, 2, 3]), [0, 1, 3, 2, 4, 5]), [2, 2, 3, 12]),
  [[2, 4, 6, 3]],
);
add("scalars", (x) => [tf.reshape(x!, [1, 1]), tf.expandDims(x!, 0), tf.add(x!, 1)], [[]]);

for (const [block, shape] of [
  [2, [2, 2, 3, 8]],
  [3, [1, 1, 2, 9]],
  [2, [2, 3, 2, 64]],
] as [number, number[]][])
  add(`depthToSpace ${block}, [${shape}]`, (x) => tf.depthToSpace(x as tf.Tensor4D, block), [shape]);
for (const [blocks, borders, shape] of [
  [
    [2, 2],
    [
      [0, 0],
      [0, 0],
    ],
    [2, 4, 6, 3],
  ],
  [
    [2, 3],
    [
      [1, 0],
      [2, 1],
    ],
    [1, 5, 3, 2],
  ],
  [[3], [[1, 1]], [2, 4, 2]],
] as [number[], number[][], number[]][]) {
  add(`spaceToBatchND ${blocks}, borders ${borders}`, (x) => tf.spaceToBatchND(x!, blocks, borders), [shape]);
  const [n, ...rest] = shape as [number, ...number[]];
  add(`batchToSpaceND ${blocks}, cut by ${borders}`, (x) => tf.batchToSpaceND(x!, blocks, borders), [
    [n * blocks.reduce((a, b) => a * b), ...rest],
  ]);
}
add("flipLeftRight", (x) => tf.image.flipLeftRight(x as tf.Tensor4D), [[2, 3, 5, 2]]);
add("flipLeftRight of 16 channels", (x) => tf.image.flipLeftRight(x as tf.Tensor4D), [[2, 3, 4, 16]]);
add("linspace", (x) => tf.mul(x!, tf.linspace(-1, 2, 7)), [[3, 7]]);
add("linspace of one", (x) => tf.add(x!, tf.linspace(3, 5, 1)), [[2, 1]]);
for (const [equation, ...shapes] of [
  ["ij,jk->ik", [3, 4], [4, 5]],
  ["i,i->", [4], [4]],
  ["bi,bi->b", [3, 4], [3, 4]],
  ["i,j->ij", [3], [4]],
  ["ij->ji", [3, 4]],
  ["bij->bji", [2, 3, 4]],
  ["ij->", [3, 4]],
  ["ij->j", [3, 4]],
  ["bhqd,bhkd->bhqk", [2, 3, 4, 5], [2, 3, 2, 5]],
  ["bqhd,bkhd->bhqk", [2, 4, 3, 5], [2, 2, 3, 5]],
  ["bhqk,bkhd->bqhd", [2, 3, 4, 2], [2, 2, 3, 5]],
  ["abc,cd->ad", [2, 3, 4], [4, 5]],
  ["ab,cd->bd", [2, 3], [4, 5]],
  ["nchw,oc->nohw", [2, 3, 2, 2], [4, 3]],
  ["a,b->", [3], [2]],
  ["abc, c -> ba", [2, 3, 4], [4]],
] as [string, ...number[][]][])
  add(`einsum ${equation}`, (...xs) => tf.einsum(equation, ...xs), shapes);

// Picking by index
for (const [k, shape] of [
  [1, [5]],
  [3, [2, 7]],
  [4, [2, 3, 4]],
  [1, [3, 1]],
] as [number, number[]][])
  add(`topk ${k}, [${shape}]`, (x) => Object.values(tf.topk(x!, k)), [shape]);
addWith(
  "topk of equal values: the first",
  (x) => Object.values(tf.topk(x!, 3)),
  () => [
    tf.tensor2d([
      [1, 2, 2, 1],
      [0, 0, 0, 0],
    ]),
  ],
  { order: 1, kinks: true },
);
const embedding =
  (axis: number): Program =>
  (x, i) =>
    tf.gather(x!, i!, axis);
for (const axis of [0, 1])
  addWith(`gather along ${axis}, rows more than once`, embedding(axis), () => [
    randomTensor(1, [5, 6]),
    randomIntegers(2, [9], 5),
  ]);
addWith(
  "gather by a matrix of indices",
  embedding(0),
  () => [randomTensor(1, [5, 4]), randomIntegers(2, [3, 2], 5)],
  once,
);
addWith(
  "gather in batches",
  (x, i) => tf.gather(x!, i!, 1, 1),
  () => [randomTensor(1, [3, 5, 4]), randomIntegers(2, [3, 2], 5)],
);
addWith(
  "gather by floats of where they come from",
  (x) => tf.gather(x!, tf.argMax(x!, 1)),
  () => [randomTensor(1, [4, 4])],
  once,
);
addWith(
  "gatherND",
  (x, i) => tf.gatherND(x!, i!),
  () => [randomTensor(1, [3, 4, 5]), randomIntegers(2, [6, 2], 3)],
  values,
);
addWith(
  "scatterND adds",
  (i, x) => tf.scatterND(i!, x!, [5, 4]),
  () => [randomIntegers(2, [6, 1], 5), randomTensor(1, [6, 4])],
  values,
);
addWith(
  "unsortedSegmentSum",
  (x, i) => tf.unsortedSegmentSum(x!, i as tf.Tensor1D, 5),
  () => [randomTensor(1, [7, 3]), randomIntegers(2, [7], 5)],
);
addWith(
  "oneHot",
  (i) => [tf.oneHot(i!, 5), tf.oneHot(i!, 5, 2, -1, "float32"), tf.oneHot(tf.reshape(i!, [2, 3]), 4)],
  () => [randomIntegers(2, [6], 5)],
  values,
);
addWith(
  "oneHot and product",
  (i, w) => tf.matMul(tf.oneHot(i!, 5, 1, 0, "float32") as tf.Tensor2D, w as tf.Tensor2D),
  () => [randomIntegers(2, [6], 5), randomTensor(1, [5, 3])],
);

// What networks are made of
const tokens = [
  [2, 4, 6],
  [2, 4, 6],
  [2, 4, 6],
];
add("attention", (q, k, v) => tf.matMul(tf.softmax(tf.mul(tf.matMul(q!, k!, false, true), 0.4)), v!), tokens);
add(
  "attention with heads",
  (q, k, v) => {
    const heads = (x: tf.Tensor) => tf.transpose(tf.reshape(x, [2, 4, 3, 2]), [0, 2, 1, 3]);
    const mixed = tf.matMul(tf.softmax(tf.matMul(heads(q!), heads(k!), false, true)), heads(v!));
    return tf.reshape(tf.transpose(mixed, [0, 2, 1, 3]), [2, 4, 6]);
  },
  tokens,
);
add(
  "layer norm",
  (x, w, b) => {
    const { mean, variance } = tf.moments(x!, -1, true);
    return tf.add(tf.mul(tf.div(tf.sub(x!, mean), tf.sqrt(tf.add(variance, 1e-3))), w!), b!);
  },
  [[4, 6], [6], [6]],
);
add(
  "batch norm",
  (x, mean, variance, offset, scale) =>
    tf.batchNorm(
      x!,
      mean as tf.Tensor1D,
      positive(variance!) as tf.Tensor1D,
      offset as tf.Tensor1D,
      scale as tf.Tensor1D,
      1e-3,
    ),
  [[2, 3, 3, 4], [4], [4], [4], [4]],
  once,
);
add(
  "batch norm without scale and offset",
  (x, mean, variance) => tf.batchNorm(x!, mean as tf.Tensor1D, positive(variance!) as tf.Tensor1D),
  [[5, 4], [4], [4]],
  once,
);
add(
  "group norm by reshapes",
  (x) => {
    const grouped = tf.reshape(x!, [2, 4, 4, 3, 2]);
    const { mean, variance } = tf.moments(grouped, [1, 2, 4], true);
    return tf.reshape(tf.mul(tf.sub(grouped, mean), tf.rsqrt(tf.add(variance, 1e-3))), [2, 4, 4, 6]);
  },
  [[2, 4, 4, 6]],
);
add("dropout by a mask", (x, m) => tf.where(tf.greater(m!, 0), tf.mul(x!, 2), tf.zerosLike(x!)), [
  [4, 5],
  [4, 5],
]);
add(
  "cross entropy",
  (x) => tf.neg(tf.sum(tf.mul(tf.logSoftmax(x!), tf.oneHot(tf.tensor1d([0, 2, 1], "int32"), 4)), 1)),
  [[3, 4]],
);
