import * as tf from "@tensorflow/tfjs-core";
import type { Key } from "../engine/random.js";
import * as random from "../engine/random.js";
import type { Tensor } from "../engine/tensor.js";
import type { Tree } from "../engine/tree.js";
import { classLabelsOf } from "./classes.js";
import { dropoutMask } from "./dropout.js";
import { type Affine, conv2d, groupNorm, linear, type Scale, silu } from "./functional.js";
import { convInit, denseInit, normInit } from "./initializers.js";
import type { Condition, Masks, TimeNetwork } from "./network.js";
import { checkInput } from "./network.js";
import {
  attentionApply,
  type Common,
  type LevelParameters,
  levelInit,
  resampleApply,
  resnetApply,
} from "./unet2d/blocks.js";
import { type CompleteUnet2d, checkUnet2d, sidesOf, type Unet2dConfig } from "./unet2d/config.js";
import { type LevelPlan, unet2dLayout, unet2dPlan } from "./unet2d/plan.js";
import { frozen, waves } from "./waves.js";

export type { Unet2dConfig } from "./unet2d/config.js";

type Parameters = {
  conv_in: Affine;
  time_proj?: { weight: Tensor };
  time_embedding: { linear_1: Affine; linear_2: Affine };
  class_embedding?: { weight: Tensor };
  down_blocks: readonly LevelParameters[];
  mid_block?: LevelParameters;
  up_blocks: readonly LevelParameters[];
  conv_norm_out: Scale;
  conv_out: Affine;
};

/**
 * The U-Net of diffusers' UNet2DModel: of DDPM (2006.11239), of the consistency models that OpenAI published (2303.01469), and of what users of diffusers train.
 * Images [N, height, width, in_channels], times [N] as the network was trained with (a number of a step, 250 ln t), a `Condition` with class labels and masks. Its
 * parameters have the published names: `importPublished(flatten(unet2d(config)), tensors)`. `diffusion.loadDenoiser(folder)` reads network and scheduler at once.
 * @throws TangentLabError `invalid-argument` naming a setting that is unknown or not supported, its value and what is allowed; `apply` throws it for x of
 * another shape.
 */
export function unet2d(config: Unet2dConfig): TimeNetwork {
  const all = checkUnet2d(config);
  const plan = unet2dPlan(all);
  const { block_out_channels: widths, num_class_embeds, dropout, norm_eps: epsilon } = all;
  const first = widths[0]!;
  const classes = num_class_embeds ?? 0;
  const common: Common = {
    ...all,
    scales: all.resnet_time_scale_shift === "scale_shift",
    embedding: all.time_embedding_dim ?? 4 * first,
  };

  const init = (key: Key): Tree => {
    let used = 0;
    const next = (): Key => random.foldIn(key, used++);
    const random16 = (): Tensor => tf.tensor1d(random.normal(next(), first).map((value) => 16 * value));
    const fourier = all.time_embedding_type === "fourier";
    const { embedding } = common;
    return {
      conv_in: convInit(next(), 3, all.in_channels, first),
      ...(fourier && { time_proj: { weight: random16() } }),
      time_embedding: {
        linear_1: denseInit(next(), fourier ? 2 * first : first, embedding),
        linear_2: denseInit(next(), embedding, embedding),
      },
      // Published as a table of rows, which our layout has as columns.
      ...(classes > 0 && { class_embedding: { weight: denseInit(next(), embedding, classes).weight } }),
      down_blocks: plan.down.map((level) => levelInit(next, level, common, "downsamplers")),
      ...(plan.middle && { mid_block: levelInit(next, plan.middle, common, "downsamplers") }),
      up_blocks: plan.up.map((level) => levelInit(next, level, common, "upsamplers")),
      conv_norm_out: normInit(first),
      conv_out: convInit(next(), 3, first, all.out_channels, 0),
    };
  };

  const apply = (parameters: Tree, x: Tensor, c: Tensor, condition: Condition = {}): Tensor => {
    checkInput(x, [...sidesOf(all), all.in_channels]);
    const p = parameters as Parameters;
    const labels = classLabelsOf(condition, classes);
    let time = embedded(p, c, all);
    if (labels) time = tf.add(time, tf.matMul(labels, p.class_embedding!.weight, false, true));
    const given = { activated: silu(time), masks: condition.masks ?? {} };

    let h = conv2d(all.center_input_sample ? tf.sub(tf.mul(x, 2), 1) : x, p.conv_in);
    const skips = [h];
    const run = (level: LevelParameters, plan: LevelPlan, way: "down" | "middle" | "up"): void => {
      plan.resnets.forEach((resnet, i) => {
        // In the middle attention comes between the blocks, elsewhere behind each.
        const attended = plan.attentions[i];
        if (way === "up") h = tf.concat([h, skips.pop()!], 3);
        h = resnetApply(level.resnets[i]!, h, given, resnet, common);
        if (attended) h = attentionApply(level.attentions![i]!, h, attended, epsilon);
        if (way === "down") skips.push(h);
      });
      if (!plan.resample) return;
      h = resampleApply(level, h, given, plan.resample, common, all.downsample_padding);
      if (way === "down") skips.push(h);
    };
    for (const [i, level] of plan.down.entries()) run(p.down_blocks[i]!, level, "down");
    if (plan.middle) run(p.mid_block!, plan.middle, "middle");
    for (const [i, level] of plan.up.entries()) run(p.up_blocks[i]!, level, "up");
    const output = conv2d(silu(groupNorm(h, p.conv_norm_out, all.norm_num_groups, epsilon)), p.conv_out);
    return all.time_embedding_type === "fourier" ? tf.div(output, tf.reshape(c, [-1, 1, 1, 1])) : output;
  };

  const resnets = [...plan.down, ...(plan.middle ? [plan.middle] : []), ...plan.up].flatMap(
    ({ resnets, resample }) => (resample && resample !== "conv" ? [...resnets, resample] : resnets),
  );
  return {
    settings: { kind: "unet2d", ...all },
    init,
    apply,
    ...(dropout > 0 && {
      drawMasks: (key: Key, count: number): Masks =>
        Object.fromEntries(
          resnets.map(({ path, sides, outputs }, i) => [
            path,
            dropoutMask(random.foldIn(key, i), [count, ...sides, outputs], dropout),
          ]),
        ),
    }),
    published: unet2dLayout,
  };
}

/** The embedding of times c [N] that all blocks get: [N, embedding]. */
function embedded({ time_proj, time_embedding }: Parameters, c: Tensor, config: CompleteUnet2d): Tensor {
  const half = config.block_out_channels[0]! / 2;
  const frequencies = Float32Array.from(
    { length: half },
    (_, i) => 10000 ** (-i / (half - config.freq_shift)),
  );
  const { linear_1, linear_2 } = time_embedding;
  const proj = time_proj
    ? waves(tf.log(c), tf.reshape(tf.mul(frozen(time_proj.weight), 2 * Math.PI), [1, -1]))
    : waves(c, tf.tensor2d(frequencies, [1, half]), config.flip_sin_to_cos);
  return linear(silu(linear(proj, linear_1)), linear_2);
}
