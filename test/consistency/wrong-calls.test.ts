import * as tf from "@tensorflow/tfjs-core";
import { test } from "uvu";
import * as consistency from "../../src/consistency/index.js";
import * as diffusion from "../../src/diffusion/index.js";
import * as random from "../../src/engine/random.js";
import { classifier } from "../../src/metrics/index.js";
import { flatten, mlp, mlpFeatures } from "../../src/nn/index.js";
import { circle, smallRun } from "../loop/runs.js";
import { trainingConfig } from "../training-config.js";
import { noCount, noKey, noOptions, noPositive, noSeed, noShape, testWrongCalls } from "../wrong-calls.js";

const key = random.key(0);
const network = mlp({ dim: 2, width: 4, depth: 1, frequencies: 1 });
const denoiser = diffusion.denoiser(network);
const parameters = denoiser.init(key);
const noDenoiser = [...noOptions, {}, network];
const model = flatten(mlpFeatures({ dim: 2, labels: 2, width: 4, depth: 1 }));
const features = { model, parameters: model.init(key) };
const judge = classifier({ size: 8, channels: 1, classes: 2 });
const noFeatures = [...noOptions, {}, { model }, { model, parameters: tf.zeros([3]) }];
const noFunction = [null, 7, "text", {}];
const noTime = [...noOptions, {}, { mean: "0", std: 1 }, { mean: 0, std: -1 }];
const noLoss = [null, "l2", 7, {}, consistency.l2, [consistency.l2()]];
const noTeacher = [...noOptions, {}];
const noData = [...noOptions, {}, Promise.resolve(circle)];
const noTensor = [null, 7, [0, 0], {}];
const range = {
  ...{ min: ["0.1", 0, 90, Number.NaN, null], max: ["80", Number.NaN, null], rho: noPositive },
};
const curriculum = { s0: noCount, s1: ["9", 1, 2.5, null] };
const pairs = consistency.ectPairs({ iterations: 4 });
const ofObjective = { denoiser, shape: [2], loss: consistency.l2() };
const noObjective = {
  ...{ ...trainingConfig, denoiser: noDenoiser, shape: noShape, loss: noLoss, classes: ["3", 0, 1.5] },
};
const points = tf.zeros([1, 2]);

let trained: Promise<diffusion.TrainedDenoiser> | undefined;

/** An objective with these options, which are refused when it is made or used. */
const objective = (
  make: (options?: never) => consistency.Objective,
  wrong: { [name: string]: readonly unknown[] },
) => ({
  // biome-ignore lint/suspicious/noExplicitAny: wrong on purpose
  call: async (options: any) => {
    trained ??= Promise.resolve(smallRun());
    const from = await trained;
    return consistency.train(circle, { steps: 4, recording: false, from, objective: make(options as never) });
  },
  valid: {},
  wrong: { ...wrong, epochs: [3] },
});

testWrongCalls(
  consistency,
  {
    train: {
      call: async ({ data, ...options }) => consistency.train(data, options),
      valid: { data: circle, steps: 2, recording: { count: 16, examples: 2 } },
      wrong: {
        ...{ ...trainingConfig, data: noData, steps: noCount, batchSize: noCount, seed: noSeed },
        ...{ eventEvery: noCount, checkpointEvery: noCount, checkpoint: [7, ""], resume: ["yes", true] },
        ...{ signal: [7, {}], name: [7, null], objective: [...noOptions, {}, consistency.ect], loss: noLoss },
        ...{ from: [...noOptions, {}], network: [null, 7, {}], preconditioning: ["vp", null] },
        ...{ dropout: ["0.1", -1, 1, null], classConditional: [true, "no"] },
        ...{ recording: [null, true, 7, { noiseBatches: 15 }], distance: ["l2"], stages: [8], epochs: [3] },
      },
    },
    ect: objective(consistency.ect, {
      ...{ stages: noCount, q: ["2", 1, Number.NaN, null], k: ["8", -1, null], b: ["1", Number.NaN, null] },
      time: noTime,
    }),
    ict: objective(consistency.ict, { ...range, ...curriculum, time: noTime }),
    ct: objective(consistency.ct, { ...range, ...curriculum, targetDecay: ["0.9", 0, 1, null] }),
    cd: objective(consistency.cd, {
      ...{ ...range, teacher: noTeacher, intervals: noCount, solver: ["rk4", null] },
      targetDecay: ["0.9", -1, 1, null],
    }),
    sct: objective(consistency.sct, {
      ...{
        process: ["vp", null],
        time: noTime,
        normalization: ["0.1", 0, true, null],
        warmup: ["3", -1, null],
      },
    }),
    scd: objective(consistency.scd, {
      ...{
        process: ["vp", null],
        time: noTime,
        normalization: ["0.1", 0, true, null],
        warmup: ["3", -1, null],
      },
      teacher: noTeacher,
    }),
    discrete: {
      call: consistency.discrete,
      valid: { ...ofObjective, times: consistency.continuousTimes(pairs) },
      wrong: {
        ...{ ...noObjective, times: noFunction, weight: noFunction, teacher: noTeacher, solver: noFunction },
        targetDecay: [0.9, "0.9", {}],
      },
    },
    continuous: {
      call: consistency.continuous,
      valid: ofObjective,
      wrong: {
        ...{ ...noObjective, process: ["vp", null], teacher: noTeacher, time: noTime },
        ...{ normalization: ["0.1", 0, true, null], warmup: ["3", -1, null] },
      },
    },
    meanFlowModel: {
      call: ({ network }) => consistency.meanFlowModel(network),
      valid: { network: mlp({ dim: 2, interval: true }) },
      wrong: { network: [...noOptions, {}, network] },
    },
    meanFlow: {
      call: consistency.meanFlow,
      valid: { model: consistency.meanFlowModel(mlp({ dim: 2, interval: true })), shape: [2] },
      wrong: {
        ...{
          ...trainingConfig,
          model: [...noOptions, {}, network],
          shape: noShape,
          power: ["1", -1, 3, null],
        },
        ...{ classes: ["3", 0, 1.5], apart: ["0.5", -1, 2, null] },
        time: [...noTime, { mean: 0, std: 0 }],
      },
    },
    evaluation: {
      call: consistency.evaluation,
      valid: { data: circle, denoiser, every: 1, count: 4, shown: 2, seed: 0 },
      wrong: {
        ...{ data: noData, denoiser: noDenoiser, every: noCount, count: [...noCount, 3], shown: noCount },
        ...{ seed: noSeed, times: [80, "80", [], ["80"], [1, 2]], classes: ["3", 0], judge: noFeatures },
        ...{ examples: [3] },
      },
    },
    tangentProbes: {
      call: consistency.tangentProbes,
      valid: {
        ...{ data: circle, denoiser, loss: consistency.l2(), pairs, iteration: 3, every: 1, times: [1] },
        ...{ examples: 2, seed: 0 },
      },
      wrong: {
        ...{ data: noData, denoiser: noDenoiser, loss: noLoss, pairs: noFunction, every: noCount },
        ...{
          iteration: ["0", -1, 0.5, null],
          times: [1, "1", [], ["1"], [0]],
          examples: noCount,
          seed: noSeed,
        },
        ...{ classes: ["3", 0], neighbourhood: noCount, estimatedDim: noCount, count: [3] },
      },
    },
    tangents: {
      call: ({ denoiser, loss }) => consistency.tangents(denoiser, loss),
      valid: { denoiser, loss: consistency.l2() },
      wrong: { denoiser: noDenoiser, loss: noLoss },
    },
    drawProbes: {
      call: ({ key, ...config }) => consistency.drawProbes(key, config),
      valid: { key, x: new Float32Array(4), shape: [2], times: [1, 2], pairs, iteration: 0 },
      wrong: {
        ...{
          key: noKey,
          x: [null, "01", {}, new Float32Array(3)],
          shape: noShape,
          times: [1, [], [1], ["1", "2"]],
        },
        ...{ pairs: noFunction, iteration: ["0", -1, 0.5, null], classes: ["3", 0] },
      },
    },
    ectPairs: {
      call: consistency.ectPairs,
      valid: { iterations: 4 },
      wrong: {
        ...{ iterations: noCount, stages: noCount, q: ["2", 1, null], k: ["8", -1, null], b: ["1", null] },
        c: [3],
      },
    },
    continuousTimes: {
      call: ({ pairs, time }) => consistency.continuousTimes(pairs, time),
      valid: { pairs },
      wrong: { pairs: noFunction, time: noTime },
    },
    levelTimes: {
      call: consistency.levelTimes,
      valid: { curriculum: () => 4 },
      wrong: { ...range, curriculum: noFunction, time: [...noTime, "normal"] },
    },
    exponentialCurriculum: {
      call: consistency.exponentialCurriculum,
      valid: { iterations: 4 },
      wrong: { iterations: noCount, ...curriculum },
    },
    rootCurriculum: {
      call: consistency.rootCurriculum,
      valid: { iterations: 4 },
      wrong: { iterations: noCount, ...curriculum },
    },
    pseudoHuber: {
      call: consistency.pseudoHuber,
      valid: { c: 0.1 },
      wrong: { c: ["1", -1, Number.NaN, Number.POSITIVE_INFINITY, null], d: [3] },
    },
    mfd: {
      call: ({ features, ...options }) => consistency.mfd(features, options),
      valid: { features },
      wrong: {
        ...{ features: noFeatures, layers: ["last", [], [0.5], null], epsilon: noPositive },
        ...{ beside: [null, "l2", 7, {}], lambda: noPositive, ramp: ["3", -1, 10, null], weight: [3] },
      },
    },
    mfdDistance: {
      call: ({ features, ...options }) => consistency.mfdDistance(features, options),
      valid: { features },
      wrong: { features: noFeatures, layers: ["last", [], [0.5], null], epsilon: noPositive, weight: [3] },
    },
    perceptualLoss: {
      call: ({ features, ...config }) => consistency.perceptualLoss(features, config),
      valid: { features: { model: judge, parameters: judge.init(key) } },
      wrong: { features: noFeatures, stages: ["0", [], [0.5], null], name: [7, null], layers: [[0]] },
    },
    classifierStandIn: {
      call: ({ features }) => consistency.classifierStandIn(features),
      valid: { features },
      wrong: { features: noFeatures },
    },
    lpips: {
      call: ({ arrays, size, resize }) =>
        arrays === "fine" && size === undefined && resize === undefined
          ? undefined
          : consistency.lpips(arrays, { size, ...(resize !== undefined && { resize }) } as never),
      valid: { arrays: "fine" },
      wrong: { arrays: [null, 7, "net"] },
    },
    sample: {
      call: ({ denoiser, parameters, noises, times, ...config }) =>
        consistency.sample(denoiser, parameters, noises, times, config),
      valid: { denoiser, parameters, noises: [points], times: [80] },
      wrong: {
        ...{ denoiser: noDenoiser, parameters: [...noTensor, tf.zeros([3])] },
        ...{
          noises: [null, 7, [], [7], [points, points]],
          times: [null, 80, "80", [], ["80"], [1, 2], [Number.NaN]],
          end: ["0", -1, 80, null],
        },
        ...{ start: [3] },
      },
    },
    samplingTimes: {
      call: ({ steps }) => consistency.samplingTimes(steps),
      valid: { steps: 3 },
      wrong: { steps: noCount },
    },
  },
  {
    l1: "has no argument",
    l2: "has no argument",
    inverseGap: "arithmetic on tensors inside a step: TensorFlow.js names op and shapes",
    uniformWeight: "arithmetic on tensors inside a step",
  },
);

test.run();
