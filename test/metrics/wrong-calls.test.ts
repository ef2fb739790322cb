import * as tf from "@tensorflow/tfjs-core";
import { test } from "uvu";
import { fromArray } from "../../datasets/index.js";
import { denoising } from "../../src/diffusion/denoising.js";
import * as random from "../../src/engine/random.js";
import * as metrics from "../../src/metrics/index.js";
import { smallRun } from "../loop/runs.js";
import { trainingConfig } from "../training-config.js";
import { noCount, noKey, noOptions, noRows, noSeed, noShape, testWrongCalls } from "../wrong-calls.js";

const key = random.key(0);
const rows = random.normal(random.key(1), 40);
const others = random.normal(random.key(2), 40);
const noDim = noCount;
const noFunction = [null, 7, "text", {}] as const;

const extractor: metrics.FeatureExtractor = async (values, shape) => ({
  values,
  dim: shape.reduce((a, b) => a * b, 1),
});
const images = random.normal(random.key(3), 4 * 64).map(Math.tanh);
const data = fromArray(images, [8, 8, 1], [0, 1, 0, 1]);
const classifier = metrics.classifier({ size: 8, channels: 1, classes: 2 });
const captioned = {
  ...data,
  captions: ["a", "b"],
};
const encoder = metrics.dualEncoder({ size: 8, channels: 1, vocabulary: 5, length: 3, dim: 4 });
const features = () => ({ model: classifier, parameters: classifier.init(key) });
const short = { steps: 1, batchSize: 4 };

// biome-ignore lint/suspicious/noExplicitAny: wrong on purpose
type Given = { [name: string]: any };

/** Distances of two sets of rows. */
const ofRows = (
  call: (x: Float32Array, y: Float32Array, config: never) => unknown,
  [x, y]: readonly [string, string],
  options: { readonly [name: string]: readonly unknown[] } = {},
) => ({
  call: ({ x, y, config, samples, reference, ...given }: Given) =>
    call(x ?? samples, y ?? reference, (config === undefined ? given : config) as never),
  valid: { [x]: rows, [y]: others, dim: 2, ...(options.key ? { key } : {}) },
  wrong: { [x]: noRows, [y]: noRows, dim: noDim, config: noOptions, ...options, dims: [2] },
});

testWrongCalls(
  metrics,
  {
    frechetDistance: ofRows(metrics.frechetDistance, ["x", "y"]),
    kernelDistance: ofRows(metrics.kernelDistance, ["x", "y"]),
    kernelDistanceOfSubsets: ofRows(metrics.kernelDistanceOfSubsets, ["x", "y"], {
      ...{ key: noKey, subsets: noCount, size: ["8", 0, 1000, null] },
    }),
    mmd: ofRows(metrics.mmd, ["samples", "reference"], {
      bandwidths: ["1", [], [0], ["1"], [Number.NaN], null],
    }),
    energyDistance: ofRows(metrics.energyDistance, ["samples", "reference"]),
    precisionRecall: ofRows(metrics.precisionRecall, ["samples", "reference"], {
      neighbours: noCount,
    }),
    slicedWasserstein: ofRows(metrics.slicedWasserstein, ["x", "y"], {
      ...{ directions: noCount, seed: noSeed, order: [0, 3, "1", null] },
    }),
    gaussian: {
      call: ({ rows, ...config }) => metrics.gaussian(rows, config),
      valid: { rows, dim: 2 },
      wrong: { rows: noRows, dim: noDim, dims: [2] },
    },
    gaussianFrechet: {
      call: ({ a, b }) => metrics.gaussianFrechet(a, b),
      valid: { a: metrics.gaussian(rows, { dim: 2 }), b: metrics.gaussian(others, { dim: 2 }) },
      wrong: { a: [...noOptions, {}], b: [...noOptions, {}, metrics.gaussian(rows, { dim: 4 })] },
    },
    cknna: {
      call: ({ a, b, ...options }) => metrics.cknna(a, b, options),
      valid: { a: { values: rows, dim: 2 }, b: { values: others, dim: 2 } },
      wrong: {
        a: [...noOptions, {}, { values: rows, dim: 3 }],
        b: [...noOptions, {}, { values: rows, dim: 4 }],
        ...{ neighbours: noCount, k: [3] },
      },
    },
    linearProbe: {
      call: ({ features, classes, ...options }) => metrics.linearProbe(features, classes, options),
      valid: {
        features: { values: rows, dim: 2 },
        classes: Array.from({ length: 20 }, (_, i) => `${i % 2}`),
      },
      wrong: {
        features: [...noOptions, {}, { values: rows, dim: 3 }],
        classes: [null, "01", [], ["a", "b"]],
        ...{ ridge: ["1", -1, Number.NaN, null], neighbours: [3] },
      },
    },
    bootstrap: {
      call: ({ statistic, samples, config, ...given }) =>
        metrics.bootstrap(statistic, samples, config === undefined ? given : config),
      valid: { statistic: (x: Float32Array) => x[0]!, samples: [rows], key, resamples: 2 },
      wrong: {
        ...{
          statistic: noFunction,
          samples: [null, "rows", [], [null], [new Float32Array(0)]],
          config: noOptions,
        },
        ...{ key: noKey, dim: noDim, resamples: noCount, level: ["0.9", 0, 1, null], scheme: ["all", null] },
        ...{ seed: [0] },
      },
    },
    classifier: {
      call: metrics.classifier,
      valid: { size: 8, channels: 1, classes: 2 },
      wrong: { size: noCount, channels: noCount, classes: noCount, width: [3] },
    },
    classification: {
      call: metrics.classification,
      valid: { model: classifier, shape: [8, 8, 1], classes: 2 },
      wrong: { ...trainingConfig, model: [...noOptions, {}], shape: noShape, classes: noCount },
    },
    trainClassifier: {
      call: async ({ data, ...options }) => metrics.trainClassifier(data, options),
      valid: { data, ...short },
      wrong: {
        ...trainingConfig,
        data: [...noOptions, {}, Promise.resolve(data), fromArray(rows, [2])],
        ...{ steps: noCount, batchSize: noCount, seed: noSeed, name: [7, null, {}], checkpoint: [7, ""] },
        ...{ model: [7, null, {}], epochs: [3] },
      },
    },
    classifierFeatures: {
      call: ({ model, parameters, x }) => metrics.classifierFeatures(model, parameters, x),
      valid: { model: classifier, parameters: classifier.init(key), x: tf.zeros([2, 8, 8, 1]) },
      wrong: { model: [...noOptions, {}], parameters: [null, tf.zeros([3])], x: [tf.zeros([2, 3])] },
    },
    networkFeatures: {
      call: ({ features, batchSize }) => metrics.networkFeatures(features, batchSize),
      valid: () => ({ features: features(), batchSize: 4 }),
      wrong: { features: [...noOptions, {}, { model: classifier }], batchSize: noCount },
    },
    dualEncoder: {
      call: metrics.dualEncoder,
      valid: { size: 8, channels: 1, vocabulary: 5, length: 3 },
      wrong: {
        ...{
          size: noCount,
          channels: noCount,
          vocabulary: noCount,
          length: noCount,
          dim: noCount,
          width: [3],
        },
      },
    },
    oneHotWords: {
      call: ({ ids, length, vocabulary }) => metrics.oneHotWords(ids, { length, vocabulary }),
      valid: { ids: [0, 1, 2], length: 3, vocabulary: 5 },
      wrong: {
        ids: [null, "012", [0], [0, 1, 9], [0, 1, -1], [0, 1, 0.5]],
        length: noCount,
        vocabulary: noCount,
      },
    },
    pairing: {
      call: metrics.pairing,
      valid: { encoder, shape: [8, 8, 1], ids: [[0, 1, 2]] },
      wrong: {
        ...trainingConfig,
        encoder: [...noOptions, {}],
        shape: noShape,
        ids: [null, "0", [], [[0]], [7]],
      },
    },
    dualScore: {
      call: ({ encoder }) => metrics.dualScore(encoder),
      valid: { encoder },
      wrong: { encoder: [...noOptions, {}] },
    },
    trainDualEncoder: {
      call: async ({ data, ...options }) => metrics.trainDualEncoder(data, options),
      valid: {
        data: captioned,
        ...short,
        ids: [
          [0, 1],
          [2, 3],
        ],
        vocabulary: 5,
      },
      wrong: {
        ...trainingConfig,
        data: [...noOptions, {}, data],
        ids: [null, "0", [], [[0]], [7, 7]],
        ...{
          vocabulary: noCount,
          steps: noCount,
          batchSize: noCount,
          seed: noSeed,
          name: [7, null],
          checkpoint: [7],
        },
        ...{ epochs: [3] },
      },
    },
    denoisingFrechet: {
      call: metrics.denoisingFrechet,
      valid: {
        ...{
          denoise: async (x: Float32Array) => x,
          clean: images,
          shape: [2, 2, 1],
          features: extractor,
          key,
          resamples: 2,
        },
      },
      wrong: {
        ...{
          denoise: noFunction,
          clean: [null, "x", new Float32Array(3)],
          shape: noShape,
          features: noFunction,
        },
        ...{
          key: noKey,
          sigmas: [[], [0], ["1"], "1", null],
          resamples: noCount,
          reference: [7, {}],
          seed: [0],
        },
      },
    },
    evaluate: {
      call: ({ model, data, ...options }) => metrics.evaluate(model, data, options),
      valid: async () => {
        const model = await smallRun();
        return { model, data: fromArray(rows, [2]), count: 8, resamples: 2, sigmas: [0.5] };
      },
      wrong: {
        ...{ model: [...noOptions, {}], data: [...noOptions, {}, data], features: [7, "a.onnx", {}] },
        ...{ count: ["8", 0, 1.5, null], sigmas: [[], [0], ["1"], "1", null], resamples: noCount },
        ...{ seed: noSeed, sampler: ["dpm", null], steps: noCount, times: ["80", ["80"], [1, 2]] },
        ...{ churn: [3, {}], batchSize: noCount, samples: [3] },
      },
    },
    gradientNoise: {
      call: ({ method, state, ...config }) => metrics.gradientNoise(method, state, config),
      valid: async () => {
        const { denoiser } = await smallRun();
        const method = denoising({ denoiser, shape: [2] });
        const circle = fromArray(rows, [2]);
        return { method, state: method.init(key), sample: circle.sample, key, batchSize: 4, batches: 16 };
      },
      wrong: {
        ...{ method: [...noOptions, {}], state: [...noOptions, {}], sample: noFunction, key: noKey },
        ...{ batchSize: noCount, batches: noCount, iteration: ["0", -1, 0.5, null], seed: [0] },
      },
    },
    laplacianPatches: {
      call: ({ x, y, ...config }) => metrics.laplacianPatches(x, y, config),
      valid: { x: images, y: images, shape: [16, 16, 1], patches: 2 },
      wrong: {
        ...{ x: noRows, y: noRows, shape: noShape, patches: noCount, patch: noCount, lowest: noCount },
        ...{ directions: noCount, seed: noSeed, levels: [3] },
      },
    },
    distancesToManifold: {
      call: ({ points, manifold }) => metrics.distancesToManifold(points, manifold),
      valid: { points: rows, manifold: { ambientDim: 2, project: (x: Float32Array) => x } },
      wrong: { points: noRows, manifold: [...noOptions, {}, { ambientDim: 2 }] },
    },
    manifoldDistance: {
      call: ({ points, manifold }) => metrics.manifoldDistance(points, manifold),
      valid: { points: rows, manifold: { ambientDim: 2, project: (x: Float32Array) => x } },
      wrong: { points: noRows, manifold: [...noOptions, {}, { ambientDim: 2 }] },
    },
    distancesToData: {
      call: ({ points, data, dim }) => metrics.distancesToData(points, data, dim),
      valid: { points: rows, data: others, dim: 2 },
      wrong: { points: noRows, data: noRows, dim: noDim },
    },
    pairedDistance: {
      call: ({ samples, targets, ...config }) => metrics.pairedDistance(samples, targets, config),
      valid: { samples: images, targets: images, shape: [8, 8, 1], features: extractor, key, resamples: 2 },
      wrong: {
        ...{
          samples: noRows,
          targets: [...noRows, new Float32Array(64)],
          shape: noShape,
          features: noFunction,
        },
        ...{ key: noKey, resamples: noCount, seed: [0] },
      },
    },
  },
  { onnxFeatures: "test/metrics/onnx-features.test.ts has its wrong calls" },
);

test.run();
