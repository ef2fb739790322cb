import { test } from "uvu";
import * as random from "../../src/engine/random.js";
import * as nn from "../../src/nn/index.js";
import { rejection } from "../rejection.js";
import { noCount, noOptions, noPositive, testWrongCalls } from "../wrong-calls.js";

const noShare = ["0.1", -0.1, 1, Number.NaN, null] as const;
const noFlag = ["false", 1, null] as const;
const noClasses = ["3", -1, 1.5, null] as const;
const model = nn.flatten(nn.mlp({ dim: 2, width: 2, depth: 1, frequencies: 1 }));
const parameters = model.init(random.key(0));

testWrongCalls(nn, {
  mlp: {
    call: nn.mlp,
    valid: { dim: 2 },
    wrong: {
      ...{ dim: noCount, width: noCount, depth: noCount, frequencies: noCount, layerNorm: noFlag },
      ...{ classes: noClasses, interval: noFlag, hidden: [3] },
    },
  },
  unet: {
    call: nn.unet,
    valid: { size: 8, inChannels: 1 },
    wrong: {
      ...{ size: [...noCount, 9], inChannels: noCount, channels: noCount, blocks: noCount, groups: noCount },
      multipliers: ["12", [], ["1"], [0], null],
      ...{ attention: noFlag, classes: noClasses, interval: noFlag, dropout: noShare, width: [3] },
    },
  },
  songUnet: {
    call: nn.songUnet,
    valid: { size: 8, inChannels: 1, channels: 4, blocks: 1 },
    wrong: {
      ...{ size: [...noCount, 9], inChannels: noCount, outChannels: noCount, blocks: noCount },
      ...{ noiseMultiplier: noCount, embeddingMultiplier: noCount, channels: ["4", 3, null] },
      ...{ classes: noClasses, augmentLabels: noClasses, dropout: noShare, labelDropout: noShare },
      ...{ multipliers: ["12", [], [1.5], null, 3], attentionSizes: [[3], "8", null] },
      ...{ embedding: ["sine", null], encoder: ["dense", null], decoder: ["residual", null] },
      ...{ resampleFilter: ["11", [], [1, "2"], [0, 0], [1, Number.NaN], null], model_channels: [3] },
    },
  },
  unet2d: {
    call: nn.unet2d,
    valid: {
      ...{ sample_size: 4, block_out_channels: [4, 8], norm_num_groups: 2, attention_head_dim: 4 },
      ...{ down_block_types: ["DownBlock2D", "AttnDownBlock2D"] },
      ...{ up_block_types: ["AttnUpBlock2D", "UpBlock2D"], _class_name: "UNet2DModel" },
    },
    wrong: {
      ...{ sample_size: [...noCount, 9, [4], [4, 5]], in_channels: noCount, out_channels: noCount },
      ...{ layers_per_block: noCount, norm_num_groups: [...noCount, 3], center_input_sample: noFlag },
      ...{ flip_sin_to_cos: noFlag, add_attention: noFlag, dropout: noShare, norm_eps: noPositive },
      ...{ mid_block_scale_factor: noPositive, freq_shift: ["1", 2, Number.NaN, null] },
      ...{ block_out_channels: ["48", [], [3, 8], [4, 1.5], null], num_class_embeds: ["3", 0, 1.5] },
      ...{ time_embedding_dim: ["3", 0, 1.5], num_train_timesteps: ["3", 0, 1.5] },
      ...{ attention_head_dim: ["4", 0, 3], attn_norm_num_groups: ["2", 0, 3] },
      ...{ down_block_types: ["DownBlock2D", ["DownBlock2D"], ["DownBlock2D", "KDownBlock2D"], null] },
      ...{ up_block_types: ["UpBlock2D", ["UpBlock2D"], ["toString", "UpBlock2D"], null] },
      ...{ mid_block_type: ["UNetMidBlock2DCrossAttn"], time_embedding_type: ["learned", null] },
      ...{ downsample_padding: [2, "1", null], downsample_type: ["fir"], upsample_type: ["fir"] },
      ...{ act_fn: ["mish", null], resnet_time_scale_shift: ["spatial", null] },
      ...{ class_embed_type: ["timestep", "identity"], size: [3] },
    },
  },
  publishedConfig: {
    call: ({ config }) => nn.publishedConfig(config),
    valid: { config: { img_resolution: 8, img_channels: 1 } },
    wrong: { config: [null, [], "text", { chanels: 3 }, { model_type: "UNet" }] },
  },
  convFeatures: {
    call: nn.convFeatures,
    valid: { size: 8, inChannels: 1, labels: 2 },
    wrong: {
      ...{ size: noCount, inChannels: noCount, labels: noCount, groups: noCount },
      ...{ channels: ["12", [], [1.5], null], blocks: [3] },
    },
  },
  mlpFeatures: {
    call: nn.mlpFeatures,
    valid: { dim: 2, labels: 2 },
    wrong: { dim: noCount, labels: noCount, width: noCount, depth: noCount, size: [3] },
  },
  vggFeatures: {
    call: nn.vggFeatures,
    valid: { size: 8, inChannels: 1, labels: 2, blocks: [2, "M"] },
    wrong: {
      ...{ size: [...noCount, 9], inChannels: noCount, labels: noCount },
      ...{ blocks: ["2M", [], ["N"], [1.5], null], channels: [3] },
    },
  },
  scaledVggBlocks: {
    call: ({ size }) => nn.scaledVggBlocks(size),
    valid: { size: 8 },
    wrong: { size: noCount },
  },
  resnetFeatures: {
    call: nn.resnetFeatures,
    valid: { inChannels: 1, labels: 2, channels: 2, blocks: [1] },
    wrong: {
      ...{ inChannels: noCount, labels: noCount, channels: noCount },
      ...{ blocks: ["2", [], [0], [1.5], null], stem: ["large", null], size: [3] },
    },
  },
  efficientNetLite0: {
    call: nn.efficientNetLite0,
    valid: { size: 32 },
    wrong: { size: noCount, labels: [3] },
  },
  flatten: {
    call: ({ network }) => nn.flatten(network),
    valid: { network: nn.mlp({ dim: 1 }) },
    wrong: { network: [...noOptions, {}, model.structure] },
  },
  networkFrom: {
    call: ({ settings, kind }) => nn.networkFrom(kind === undefined ? settings : { kind }),
    valid: { settings: { kind: "mlp", dim: 2 } },
    wrong: { settings: noOptions, kind: ["gan", 7] },
  },
  importPublished: {
    call: ({ model, arrays }) => nn.importPublished(model, arrays),
    valid: { model, arrays: nn.exportPublished(model, parameters) },
    wrong: { model: [undefined, {}, nn.mlp({ dim: 2 })], arrays: noOptions },
  },
  exportPublished: {
    call: ({ model, parameters }) => nn.exportPublished(model, parameters),
    valid: { model, parameters },
    wrong: { model: [undefined, {}, nn.mlp({ dim: 2 })], parameters: [...noOptions, {}, [1, 2]] },
  },
});

test("what is no object of options is refused", async () => {
  for (const make of [
    ...[nn.mlp, nn.unet, nn.songUnet, nn.convFeatures],
    ...[nn.mlpFeatures, nn.vggFeatures, nn.resnetFeatures, nn.efficientNetLite0],
  ] as ((config: unknown) => unknown)[])
    for (const config of noOptions) await rejection(async () => make(config));
});

test.run();
