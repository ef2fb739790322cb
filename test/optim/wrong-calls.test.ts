import * as tf from "@tensorflow/tfjs-core";
import { test } from "uvu";
import * as optim from "../../src/optim/index.js";
import { trainingConfig } from "../training-config.js";
import { noCount, noOptions, noPositive, testWrongCalls } from "../wrong-calls.js";

const noShare = ["0.9", -0.1, 1, Number.NaN, null] as const;
const noFunction = [null, 7, "text", {}] as const;
const adam = { beta1: noShare, beta2: noShare, epsilon: ["1e-8", -1, Number.NaN, null], momentum: [0.9] };
const parts = {
  init: () => tf.zeros([2]),
  batch: () => ({}),
  loss: () => () => ({ loss: tf.scalar(0), aux: {} }),
};

testWrongCalls(
  optim,
  {
    adam: { call: optim.adam, valid: { beta1: 0.9 }, wrong: { ...adam, weightDecay: [0.1] } },
    adamw: {
      call: optim.adamw,
      valid: { weightDecay: 0.1 },
      wrong: { ...adam, weightDecay: ["0.1", -1, Number.NaN, null] },
    },
    radam: { call: optim.radam, valid: { beta1: 0.9 }, wrong: { ...adam, weightDecay: [0.1] } },
    constant: {
      call: ({ learningRate }) => optim.constant(learningRate),
      valid: { learningRate: 0.1 },
      wrong: { learningRate: noPositive },
    },
    cosine: {
      call: ({ learningRate, iterations, final }) => optim.cosine(learningRate, iterations, final),
      valid: { learningRate: 0.1, iterations: 10, final: 0 },
      wrong: {
        learningRate: noPositive,
        iterations: ["8", 0, -1, Number.NaN, null],
        final: ["0", -1, 2, Number.NaN, null],
      },
    },
    cosineRestarts: {
      call: ({ learningRate, period, ...options }) => optim.cosineRestarts(learningRate, period, options),
      valid: { learningRate: 0.1, period: 10 },
      wrong: {
        ...{ learningRate: noPositive, period: noCount, multiplier: ["2", 0.5, Number.NaN, null] },
        ...{ final: ["0", -1, 2, Number.NaN, null], warmup: [3] },
      },
    },
    warmup: {
      call: ({ iterations, after }) => optim.warmup(iterations, after),
      valid: { iterations: 10, after: optim.constant(0.1) },
      wrong: { iterations: ["8", -1, Number.NaN, null], after: [null, "constant", {}] },
    },
    method: {
      call: (given) => ("parts" in given ? optim.method(given.parts) : optim.method(given)),
      valid: parts,
      wrong: {
        ...{ ...trainingConfig, parts: noOptions, init: noFunction, batch: noFunction, loss: noFunction },
      },
    },
  },
  {
    ema: "arithmetic on tensors inside a step: TensorFlow.js names op and shapes",
    warmDecay: "arithmetic on tensors inside a step",
    valueAndGrad: "a derivative inside a step: what it gets is a function of the program's",
    jvp: "a derivative inside a step",
  },
);

test.run();
