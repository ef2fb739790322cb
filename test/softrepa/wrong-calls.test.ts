import * as tf from "@tensorflow/tfjs-core";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { objects } from "../../datasets/index.js";
import * as random from "../../src/engine/random.js";
import * as softrepa from "../../src/softrepa/index.js";
import { rejection } from "../rejection.js";
import { trainingConfig } from "../training-config.js";
import { noCount, noKey, noOptions, noPositive, noSeed, testWrongCalls } from "../wrong-calls.js";
import { captions, toyFlow } from "./toy-flow.js";

const key = random.key(0);
const data = objects({ size: 16 });
const vocabulary = softrepa.vocabulary(["a", "red", "cat"]);
const text = softrepa.textEncoder({ vocabulary, length: 8, width: 4, layers: 1, heads: 1 });
const sizes = { size: 4, channels: 1, textDim: 4, pooledDim: 4 };
const network = softrepa.jointTransformer({ ...sizes, layers: 1, heads: 1, headDim: 4 });
const model = softrepa.textToImage(network, text);
const flow = model.freeze(model.init(key));
/** A flow of the data's pictures and words. */
const ofData = softrepa.textToImage(
  softrepa.jointTransformer({
    ...{ size: 16, channels: 3, patch: 8, layers: 1, heads: 1, headDim: 4 },
    ...{ textDim: softrepa.captionEncoder(data.captions).textDim },
    pooledDim: softrepa.captionEncoder(data.captions).pooledDim,
  }),
  softrepa.captionEncoder(data.captions),
);
const tunable = { ...ofData.freeze(ofData.init(key)), model: ofData };
const tokens = softrepa.softTokens({ layers: 1, tokens: 2, dim: 4 });
const soft = { model: tokens, parameters: tokens.init(key) };
const images = tf.zeros([1, 4, 4, 1]);
const noImages = tf.fill([1, 4, 4, 1], Number.NaN);

const noFlow = [...noOptions, {}, model];
const noCaptions = [null, 7, "a cat", [], [7]];
const noFlag = ["no", 1, null];
const noNumber = ["1", Number.NaN, null];
const noNetwork = [...noOptions, {}];
const noData = [...noOptions, {}, Promise.resolve(data)];
const noLabels = [null, 7, [], ["0"], [-1], [0.5], [1e9]];
const noTokens = [7, "text", {}, { model: 7 }, { model: tokens, parameters: [1] }];
const levels = {
  ...{ steps: noCount, shift: noPositive, spacing: ["cosine", null] },
};
const run = {
  ...{ steps: noCount, batchSize: noCount, seed: noSeed, eventEvery: noCount, checkpointEvery: noCount },
  ...{ checkpoint: [7, ""], resume: ["yes", true], signal: [7, {}], name: [7, null], epochs: [3] },
};
const contrastive = {
  ...{ logits: ["cosine", null], temperature: noPositive, scale: noPositive },
  ...{ positiveWeight: ["1", -1, Number.NaN, null] },
};
const timed = {
  ...{ tMin: ["0", -1, 1, null], tMax: ["1", 0, 2, null], timesPerStep: noCount, chunk: noCount },
  contrast: noFlag,
};
const tokenSizes = {
  ...{ layers: noCount, tokens: noCount, timeRows: ["8", -1, 1.5, null], start: ["ones", 7, null, {}] },
  ...{ timeStart: ["ones", null], standardDeviation: ["1", -1, Number.NaN, null] },
};

test("a caption that is too long for the flow is found before training, though it may be drawn late", async () => {
  const captions = data.captions.map((caption, i) => (i === 7 ? `${caption} `.repeat(20) : caption));
  for (const train of [
    () => void softrepa.trainTokens({ ...data, captions }, tunable, { layers: 1 }),
    () => void softrepa.tuneFlow({ ...data, captions }, tunable),
  ]) {
    const error = await rejection(train);
    assert.is(error.argument, "captions[7]");
    assert.match(error.message, /at most \d+ tokens, the text encoder's context/);
  }
});

testWrongCalls(
  softrepa,
  {
    trainFlow: {
      call: ({ data, ...options }) => void softrepa.trainFlow(data, options),
      valid: { data, steps: 2, layers: 1, heads: 1, headDim: 4 },
      wrong: {
        ...{ ...trainingConfig, ...run, data: noData, network: [...noNetwork, network], text: noNetwork },
        ...{ captionDropout: ["0.1", -1, 1, null], time: ["normal", 7, null, {}, { mean: 0, std: -1 }] },
        ...{ patch: noCount, layers: noCount, heads: noCount, headDim: noCount, qkNorm: noFlag },
        from: [...noOptions, {}, model],
      },
    },
    tuneFlow: {
      call: ({ data, flow, ...options }) => void softrepa.tuneFlow(data, flow, options),
      valid: () => ({ data, flow: tunable, steps: 2 }),
      wrong: {
        ...{ ...trainingConfig, ...run, ...contrastive, ...timed },
        ...{ data: noData, flow: noFlow, restartEvery: noCount, rateFloor: ["1", -1, Number.NaN, null] },
        ...{ negatives: [null, "hard", 7, {}], layers: [1] },
      },
    },
    corruptCaptions: {
      call: ({ data, ...options }) => softrepa.corruptCaptions(data, options),
      valid: { data },
      wrong: { data: noData, share: ["0.3", -0.1, 1.1, Number.NaN, null], seed: noSeed, count: [3] },
    },
    trainTokens: {
      call: ({ data, flow, ...options }) => void softrepa.trainTokens(data, flow, options),
      valid: () => ({ data, flow: tunable, steps: 2, layers: 1 }),
      wrong: {
        ...{ ...trainingConfig, ...run, ...contrastive, ...timed, ...tokenSizes },
        ...{ data: noData, flow: [...noFlow, flow], beforeEmbedder: noFlag, restartEvery: noCount },
        ...{ rateFloor: ["1", -1, Number.NaN, null], negatives: [null, "hard", 7, {}] },
      },
    },
    contrastive: {
      call: softrepa.contrastive,
      valid: { flow: toyFlow, tokens: softrepa.softTokens({ layers: 1, dim: 3 }), captions },
      wrong: {
        ...{
          ...trainingConfig,
          ...contrastive,
          ...timed,
          flow: [...noOptions, {}],
          tokens: [...noOptions, {}],
        },
        ...{ captions: noCaptions, negatives: [null, "hard", 7, {}] },
      },
    },
    contrastiveLoss: {
      call: ({ errors, positives, ...config }) => softrepa.contrastiveLoss(errors, positives, config),
      valid: { errors: tf.zeros([1, 2]), positives: tf.tensor2d([[1, 0]]) },
      wrong: { ...contrastive, errors: [null, 7, [[0]]], positives: [null, 7, [[0]], tf.zeros([3, 3])] },
    },
    infoNceBound: {
      call: ({ crossEntropy, captions }) => softrepa.infoNceBound(crossEntropy, captions),
      valid: { crossEntropy: 1, captions: 8 },
      wrong: { crossEntropy: noNumber, captions: noCount },
    },
    flowMatching: {
      call: softrepa.flowMatching,
      valid: { flow: model, captions: ["a cat", "a red cat"] },
      wrong: {
        ...{ ...trainingConfig, flow: noNetwork, captions: noCaptions, captionDropout: ["0.1", -1, 1, null] },
        time: ["normal", 7, null, {}, { mean: 0, std: -1 }],
      },
    },
    generate: {
      call: ({ flow, ...config }) => softrepa.generate(flow, config),
      valid: { flow, captions: ["a cat"], key, steps: 1 },
      wrong: {
        ...{ ...levels, flow: noFlow, captions: noCaptions, key: noKey, guidance: noNumber },
        ...{ negativePrompt: [7, null, [], ["a", "b"]], size: [4, "44", [4], [4, 3], null] },
        ...{ solver: ["rk4", null], tokens: noTokens, batchSize: noCount, seed: [0] },
      },
    },
    edit: {
      call: ({ flow, ...config }) => softrepa.edit(flow, config),
      valid: { flow, images, source: ["a cat"], target: ["a red cat"], key, steps: 1 },
      wrong: {
        ...{ ...levels, flow: noFlow, images: [...noOptions, {}, tf.zeros([1, 3]), noImages] },
        ...{ source: [...noCaptions, ["a", "b"]], target: [...noCaptions, ["a", "b"]], key: noKey },
        ...{ start: [...noCount, 9], nMin: ["0", -1, 9, null], nAvg: noCount, frames: ["0", -1, 9, null] },
        ...{ sourceGuidance: noNumber, targetGuidance: noNumber, guidanceForm: ["sd3", null] },
        ...{ negativePrompt: [7, null, [], ["a", "b"]], tokens: noTokens, seed: [0] },
      },
    },
    flowLevels: { call: softrepa.flowLevels, valid: {}, wrong: levels },
    jointTransformer: {
      call: softrepa.jointTransformer,
      valid: sizes,
      wrong: {
        ...{ size: [...noCount, 3], channels: noCount, textDim: noCount, pooledDim: noCount, patch: noCount },
        ...{ layers: noCount, heads: noCount, headDim: noCount, positions: noCount, storedPositions: noFlag },
        ...{ qkNorm: noFlag, dualAttention: ["0", [9], [0.5], null], depth: [3] },
      },
    },
    crossUnet: {
      call: softrepa.crossUnet,
      valid: { ...sizes, width: 8 },
      wrong: {
        ...{ size: [...noCount, 3], channels: noCount, textDim: noCount, pooledDim: noCount, width: noCount },
        ...{ multipliers: ["12", [], ["1"], null], heads: noCount, groups: noCount, layers: [3] },
      },
    },
    fromDiffusers: {
      call: ({ published }) => softrepa.fromDiffusers(published),
      valid: {
        published: {
          ...{ sample_size: 4, patch_size: 2, in_channels: 1, num_layers: 1, attention_head_dim: 4 },
          ...{ num_attention_heads: 1, joint_attention_dim: 4, caption_projection_dim: 4 },
          ...{ pooled_projection_dim: 4, pos_embed_max_size: 2 },
        },
      },
      wrong: { published: noOptions },
    },
    textToImage: {
      call: ({ network, text }) => softrepa.textToImage(network, text),
      valid: { network, text },
      wrong: { network: noNetwork, text: noNetwork },
    },
    textEncoder: {
      call: softrepa.textEncoder,
      valid: { vocabulary },
      wrong: {
        ...{ vocabulary: [...noOptions, {}], length: [...noCount, 2], width: noCount, layers: noCount },
        ...{ heads: [...noCount, 3], dim: [3] },
      },
    },
    vocabulary: {
      call: ({ words }) => softrepa.vocabulary(words),
      valid: { words: ["a"] },
      wrong: { words: [null, 7, "a", [7], ["a", "a"]] },
    },
    trainVocabulary: {
      call: ({ captions, ...config }) => softrepa.trainVocabulary(captions, config),
      valid: { captions: ["a cat"] },
      wrong: { captions: [...noCaptions, [" "]], minCount: noCount, maxWords: noCount, words: [3] },
    },
    captionEncoder: {
      call: ({ captions }) => softrepa.captionEncoder(captions),
      valid: { captions: ["a cat"] },
      wrong: { captions: noCaptions },
    },
    embeddedText: {
      call: softrepa.embeddedText,
      valid: { captions: ["a", "b"], tokens: tf.zeros([2, 3, 4]), pooled: tf.zeros([2, 5]) },
      wrong: {
        captions: [...noCaptions, ["a", "a"]],
        ...{ tokens: [null, 7, tf.zeros([2, 3]), tf.zeros([3, 3, 4])], pooled: [null, 7, tf.zeros([2])] },
      },
    },
    readEmbeddings: {
      call: ({ captions, path }) => (path === "fine" ? undefined : softrepa.readEmbeddings(captions, path)),
      valid: { captions: ["a"], path: "fine" },
      wrong: { path: [null, 7, ""] },
    },
    softTokens: {
      call: softrepa.softTokens,
      valid: { dim: 4 },
      wrong: { ...tokenSizes, dim: noCount, textDim: noCount, width: [3] },
    },
    describeTokens: {
      call: ({ arrays }) => softrepa.describeTokens(arrays),
      valid: { arrays: { soft_tokens: { shape: [1, 2, 3] } } },
      wrong: { arrays: noOptions },
    },
    checkTokensFit: {
      call: ({ description, host }) => softrepa.checkTokensFit(description, host),
      valid: {
        description: softrepa.describeTokens({ soft_tokens: { shape: [1, 2, 768] } }),
        host: { name: "small", attention: "joint", layers: 3, dim: 768 },
      },
      wrong: { description: noOptions, host: noOptions },
    },
    embedTokens: {
      call: ({ flow, tokens }) => softrepa.embedTokens(flow, tokens),
      valid: () => {
        const before = softrepa.softTokens({ layers: 1, dim: 4, textDim: 4 });
        return { flow, tokens: { model: before, parameters: before.init(key) } };
      },
      wrong: { flow: noFlow, tokens: [null, ...noTokens, soft] },
    },
    saveTokens: {
      call: ({ path, tokens }) => (path === "fine" ? undefined : softrepa.saveTokens(path, tokens)),
      valid: { path: "fine", tokens: soft },
      wrong: { path: [null, 7, ""] },
    },
    loadTokens: {
      call: ({ path }) => (path === "fine" ? undefined : softrepa.loadTokens(path)),
      valid: { path: "fine" },
      wrong: { path: [null, 7, ""] },
    },
    saveFlow: {
      call: ({ path, flow }) => (path === "fine" ? undefined : softrepa.saveFlow(path, flow)),
      valid: { path: "fine", flow: { model, parameters: flow.parameters } },
      wrong: { path: [null, 7, ""] },
    },
    loadFlow: {
      call: ({ path }) => (path === "fine" ? undefined : softrepa.loadFlow(path)),
      valid: { path: "fine" },
      wrong: { path: [null, 7, ""] },
    },
    attributeNegatives: {
      call: ({ data, ...options }) => softrepa.attributeNegatives(data, options),
      valid: { data },
      wrong: { data: [...noOptions, {}], among: noLabels, nearest: [3] },
    },
    nearestNegatives: {
      call: ({ data, vectors, ...options }) => softrepa.nearestNegatives(data, vectors, options),
      valid: { data: { captions: ["a", "b"] }, vectors: [[1], [2]] },
      wrong: {
        among: noLabels,
        ...{
          data: [...noOptions, {}],
          vectors: [null, 7, [[1]], [[1], [1, 2]], ["a", "b"], [[1], [Number.NaN]]],
        },
        ...{ nearest: noCount, k: [3] },
      },
    },
    captionVectors: {
      call: ({ flow, captions, batchSize }) => softrepa.captionVectors(flow, captions, batchSize),
      valid: { flow, captions: ["a cat"], batchSize: 2 },
      wrong: { flow: noFlow, captions: noCaptions, batchSize: noCount },
    },
  },
  { pairErrors: "arithmetic on tensors inside a step: TensorFlow.js names op and shapes" },
);

test.run();
