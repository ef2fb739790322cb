import * as tf from "@tensorflow/tfjs-core";
import { test } from "uvu";
import * as datasets from "../../datasets/index.js";
import { fromArray } from "../../datasets/index.js";
import * as random from "../../src/engine/random.js";
import * as manifold from "../../src/manifold/index.js";
import { flatten, mlpFeatures } from "../../src/nn/index.js";
import { circle } from "../loop/runs.js";
import { trainingConfig } from "../training-config.js";
import { noCount, noKey, noOptions, noRows, noSeed, noShape, testWrongCalls } from "../wrong-calls.js";

const key = random.key(0);
const transformations = manifold.pointTransformations({ dim: 2 });
const model = flatten(mlpFeatures({ dim: 2, labels: transformations.labelNames.length, width: 4, depth: 1 }));
const features = { model, parameters: model.init(key) };
const noFeatures = [...noOptions, {}, { model }, { model, parameters: tf.zeros([3]) }];
const noTransformations = [...noOptions, {}, "scale"];
const noGroups = ["scale", [], ["hues"], [7], null] as const;
const noProbability = ["0.5", -0.1, 1.1, Number.NaN, null] as const;
const noStrength = ["0.5", -0.1, Number.NaN, null] as const;
const rows = random.normal(random.key(1), 40);
const examples = { shape: [20, 2], values: rows };
const noExamples = [
  ...noOptions,
  {},
  { shape: [20, 2], values: rows.subarray(1) },
  { shape: "20", values: rows },
];
/** NaN is taken: a training that went wrong has such tangents. */
const noLength = noRows.slice(0, -1);
const noArray = noRows.slice(0, 3);
const known = datasets.circle().manifold!;
const shareOptions = {
  ...{ scaleStd: noStrength, anisoStd: noStrength, translateFracStd: noStrength, brightnessStd: noStrength },
  ...{ contrastStd: noStrength, saturationStd: noStrength, blurSigmaMax: noStrength, noiseStd: noStrength },
  ...{ rotateFracMax: [...noStrength, 2], hueMax: [...noStrength, 2], anisoRotateProb: [...noStrength, 2] },
  ...{ blurKernelSize: ["3", 0, 2, 2.5, null], mixupBeta: ["1", 0, Number.POSITIVE_INFINITY, null] },
};

testWrongCalls(manifold, {
  train: {
    call: async ({ data, ...options }) => manifold.train(data, options),
    valid: { data: circle, steps: 2 },
    wrong: {
      ...trainingConfig,
      data: [...noOptions, {}, Promise.resolve(circle)],
      ...{ steps: noCount, batchSize: noCount, seed: noSeed, name: [7, null], checkpoint: [7, ""] },
      ...{
        transformations: noTransformations,
        model: [...noOptions, {}, mlpFeatures({ dim: 2, labels: 5 })],
      },
      ...{ ramp: ["3", -1, Number.NaN, null], epochs: [3] },
    },
  },
  featureRegression: {
    call: manifold.featureRegression,
    valid: { features: model, transformations, shape: [2] },
    wrong: {
      ...{
        ...trainingConfig,
        features: [...noOptions, {}],
        transformations: noTransformations,
        shape: noShape,
      },
      ramp: ["3", -1, Number.NaN, null],
    },
  },
  edmAugmentation: {
    call: manifold.edmAugmentation,
    valid: { size: 8, channels: 3 },
    wrong: {
      ...{ size: [...noCount, 1], channels: noCount, probability: noProbability },
      ...{ scaleStd: [0.2] },
    },
  },
  imageTransformations: {
    call: manifold.imageTransformations,
    valid: { size: 8, channels: 3 },
    wrong: {
      ...{ size: [...noCount, 1], channels: noCount, groups: noGroups, probability: noProbability },
      ...{ ...shareOptions, strength: [3] },
    },
  },
  pointTransformations: {
    call: manifold.pointTransformations,
    valid: { dim: 2 },
    wrong: {
      ...{ dim: noCount, groups: noGroups, probability: noProbability, scaleStd: noStrength },
      ...{ shiftStd: noStrength, noiseMax: noStrength, strength: [3] },
    },
  },
  defaultTransformations: {
    call: ({ data, ...chance }) => manifold.defaultTransformations(data, chance),
    valid: { data: circle },
    wrong: { data: [...noOptions, {}], probability: noProbability },
  },
  defaultFeatures: {
    call: ({ data, labels }) => manifold.defaultFeatures(data, labels),
    valid: { data: circle, labels: 2 },
    wrong: { data: [...noOptions, {}], labels: noCount },
  },
  toFeatureSpace: {
    call: ({ features, points, ...config }) => manifold.toFeatureSpace(features, points, config),
    valid: { features, points: examples },
    wrong: {
      ...{
        features: noFeatures,
        points: noExamples,
        directions: [...noExamples, { shape: [1, 2], values: [0, 0] }],
      },
      ...{ layers: ["last", [], [9], [0.5], null], batchSize: [3] },
    },
  },
  heldOutR2: {
    call: ({ features, ...config }) => manifold.heldOutR2(features, config),
    valid: { features, transformations, examples, key },
    wrong: {
      ...{ features: noFeatures, transformations: noTransformations, examples: noExamples, key: noKey },
      ...{ batchSize: noCount, batches: [3] },
    },
  },
  calibrateStatistics: {
    call: ({ features, ...config }) => manifold.calibrateStatistics(features, config),
    valid: () => {
      const vgg = manifold.defaultFeatures(fromArray(new Float32Array(256), [8, 8, 1]), 1);
      const images = { shape: [4, 8, 8, 1], values: random.uniform(key, 256) };
      const one = manifold.imageTransformations({ size: 8, channels: 1, groups: ["brightness"] });
      return {
        ...{ features: { model: vgg, parameters: vgg.init(key) }, transformations: one },
        ...{ examples: images, key, batches: 1, batchSize: 4 },
      };
    },
    wrong: {
      ...{ features: noFeatures, transformations: noTransformations, examples: noExamples, key: noKey },
      ...{ batchSize: noCount, batches: noCount, steps: [3] },
    },
  },
  localTangentBasis: {
    call: ({ points, data, ...config }) => manifold.localTangentBasis(points, data, config),
    valid: { points: rows, data: rows, ambientDim: 2, dim: 1, neighbours: 4 },
    wrong: {
      points: noLength,
      data: noLength,
      ambientDim: noCount,
      dim: [...noCount, 3],
      neighbours: noCount,
      k: [3],
    },
  },
  splitAtManifold: {
    call: ({ vectors, from, manifold: m }) => manifold.splitAtManifold(vectors, from, m),
    valid: { vectors: rows, from: rows, manifold: known },
    wrong: { vectors: noArray, from: noArray, manifold: [...noOptions, {}] },
  },
  splitByNeighbours: {
    call: ({ vectors, from, data, ...config }) => manifold.splitByNeighbours(vectors, from, data, config),
    valid: { vectors: rows, from: rows, data: rows, ambientDim: 2, dim: 1, neighbours: 4 },
    wrong: {
      ...{ vectors: noArray, from: noArray, data: noLength, ambientDim: noCount, dim: [...noCount, 3] },
      ...{ neighbours: noCount, k: [3] },
    },
  },
  directionCosine: {
    call: ({ previous, current, ambientDim }) => manifold.directionCosine(previous, current, ambientDim),
    valid: { previous: rows, current: rows, ambientDim: 2 },
    wrong: { previous: noArray, current: noArray, ambientDim: noCount },
  },
});

test.run();
