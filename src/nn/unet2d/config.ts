import { check, required } from "../../errors.js";

/** Options of `unet2d`: diffusers' own names and defaults (UNet2DModel), so that a config.json is one as it is. */
export interface Unet2dConfig {
  /** Height and width of the images, or both; multiples of 2^(levels - 1). */
  sample_size: number | readonly [height: number, width: number];
  /** Channels of the images. Default 3. */
  in_channels?: number;
  /** Channels of the output. Default 3. */
  out_channels?: number;
  /** Images come in [0, 1] and are brought to [-1, 1] first. Default false. */
  center_input_sample?: boolean;
  /** Of the time: fixed frequencies, or random ones of its logarithm, where the output is also divided by the time. Default "positional". */
  time_embedding_type?: "positional" | "fourier";
  /** Channels of the time's embedding in the blocks. Default 4 times the first of `block_out_channels`. */
  time_embedding_dim?: number | null;
  /** "positional": the lowest frequency is 10000^-((n - 1)/(n - freq_shift)). Default 0. */
  freq_shift?: number;
  /** "positional": cosines before sines. Default true. */
  flip_sin_to_cos?: boolean;
  /** Kind of each level on the way down: DownBlock2D, AttnDownBlock2D or ResnetDownsampleBlock2D. Default one without and three with attention. */
  down_block_types?: readonly string[];
  /** Default "UNetMidBlock2D"; null is no middle. */
  mid_block_type?: "UNetMidBlock2D" | null;
  /** Kind of each level on the way up, the lowest first: UpBlock2D, AttnUpBlock2D or ResnetUpsampleBlock2D. Default three with and one without attention. */
  up_block_types?: readonly string[];
  /** Channels of each level. Default [224, 448, 672, 896]. */
  block_out_channels?: readonly number[];
  /** Residual blocks of a level on the way down; on the way up there is one more. Default 2. */
  layers_per_block?: number;
  /** By which sums in the middle are divided. Default 1. */
  mid_block_scale_factor?: number;
  /** Of the convolutions that halve: 1 pads all sides, 0 right and below only. Default 1. */
  downsample_padding?: 0 | 1;
  /** How levels with attention halve: by a convolution, or within a residual block. Default "conv". */
  downsample_type?: "conv" | "resnet" | null;
  /** How levels with attention double. Default "conv". */
  upsample_type?: "conv" | "resnet" | null;
  /** Share of values that a block drops in training, before its last convolution, in [0, 1). Default 0. */
  dropout?: number;
  /** Default "silu"; "swish" is the same. */
  act_fn?: "silu" | "swish";
  /** Channels of a head of the attentions; null is one head. Default 8. */
  attention_head_dim?: number | null;
  /** Groups of the group normalizations. Default 32. */
  norm_num_groups?: number;
  /** Groups before the attention in the middle. Default `norm_num_groups`, with "scale_shift" no normalization. */
  attn_norm_num_groups?: number | null;
  /** Added to variances. Default 1e-5. */
  norm_eps?: number;
  /** The time is added, or scales and shifts what is normalized. Default "default". */
  resnet_time_scale_shift?: "default" | "scale_shift";
  /** Attention in the middle. Default true. */
  add_attention?: boolean;
  /** null is an embedding of `num_class_embeds` classes, if that is given. Default null. */
  class_embed_type?: null;
  /** Number of classes. Default null, without classes. */
  num_class_embeds?: number | null;
  /** Of no meaning for the times' embeddings that there are here. */
  num_train_timesteps?: number | null;
}

export type CompleteUnet2d = Required<Unet2dConfig>;

const defaults: Omit<CompleteUnet2d, "sample_size"> = {
  in_channels: 3,
  out_channels: 3,
  center_input_sample: false,
  time_embedding_type: "positional",
  time_embedding_dim: null,
  freq_shift: 0,
  flip_sin_to_cos: true,
  down_block_types: ["DownBlock2D", "AttnDownBlock2D", "AttnDownBlock2D", "AttnDownBlock2D"],
  mid_block_type: "UNetMidBlock2D",
  up_block_types: ["AttnUpBlock2D", "AttnUpBlock2D", "AttnUpBlock2D", "UpBlock2D"],
  block_out_channels: [224, 448, 672, 896],
  layers_per_block: 2,
  mid_block_scale_factor: 1,
  downsample_padding: 1,
  downsample_type: "conv",
  upsample_type: "conv",
  dropout: 0,
  act_fn: "silu",
  attention_head_dim: 8,
  norm_num_groups: 32,
  attn_norm_num_groups: null,
  norm_eps: 1e-5,
  resnet_time_scale_shift: "default",
  add_attention: true,
  class_embed_type: null,
  num_class_embeds: null,
  num_train_timesteps: null,
};

/** Kinds of levels, and what each of them has. */
export const downBlocks = {
  DownBlock2D: { attention: false, resample: "conv" },
  AttnDownBlock2D: { attention: true, resample: "downsample_type" },
  ResnetDownsampleBlock2D: { attention: false, resample: "resnet" },
} as const;
export const upBlocks = {
  UpBlock2D: { attention: false, resample: "conv" },
  AttnUpBlock2D: { attention: true, resample: "upsample_type" },
  ResnetUpsampleBlock2D: { attention: false, resample: "resnet" },
} as const;

/** Values that a setting may have, where they are names. */
const choices: { readonly [Name in keyof CompleteUnet2d]?: readonly unknown[] } = {
  time_embedding_type: ["positional", "fourier"],
  mid_block_type: ["UNetMidBlock2D", null],
  downsample_padding: [0, 1],
  downsample_type: ["conv", "resnet", null],
  upsample_type: ["conv", "resnet", null],
  act_fn: ["silu", "swish"],
  resnet_time_scale_shift: ["default", "scale_shift"],
  class_embed_type: [null],
};

/**
 * The configuration with its defaults. Names that begin with an underscore, as diffusers notes class and version, are left out.
 * @throws TangentLabError `invalid-argument` naming the setting, its value and what is allowed.
 */
export function checkUnet2d(config: Unet2dConfig): CompleteUnet2d {
  required("config", config, "an object: the content of a UNet2DModel's config.json");
  const named = Object.entries(config).filter(([name]) => !name.startsWith("_"));
  const given = Object.fromEntries(named) as unknown as Unet2dConfig;
  check.only("unet2d", given, ["sample_size", ...Object.keys(defaults)]);
  const present = Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined));
  const all = { ...defaults, ...present } as CompleteUnet2d;
  for (const [name, known] of Object.entries(choices)) {
    const value = all[name as keyof CompleteUnet2d];
    check(known.includes(value), name, value, known.map((each) => JSON.stringify(each)).join(" or "));
  }
  for (const name of ["center_input_sample", "flip_sin_to_cos", "add_attention"] as const)
    check.flag(name, all[name]);
  for (const name of ["in_channels", "out_channels", "layers_per_block", "norm_num_groups"] as const)
    check.count(name, all[name]);
  for (const name of [
    ...(["time_embedding_dim", "attention_head_dim", "attn_norm_num_groups"] as const),
    ...(["num_class_embeds", "num_train_timesteps"] as const),
  ])
    check(
      all[name] === null || (Number.isInteger(all[name]) && all[name] >= 1),
      name,
      all[name],
      "an integer >= 1, or null",
    );
  check.share("dropout", all.dropout);
  check.positive("norm_eps", all.norm_eps);
  check.positive("mid_block_scale_factor", all.mid_block_scale_factor);
  check.counts("block_out_channels", all.block_out_channels);
  checkLevels(all);
  checkWidths(all);
  return all;
}

/** Height and width of the images. */
export const sidesOf = ({ sample_size: size }: Pick<Unet2dConfig, "sample_size">): [number, number] =>
  typeof size === "number" ? [size, size] : [size[0], size[1]];

function checkLevels(config: CompleteUnet2d): void {
  const levels = config.block_out_channels.length;
  for (const [name, known] of [
    ["down_block_types", downBlocks],
    ["up_block_types", upBlocks],
  ] as const) {
    const types = config[name];
    const isList = Array.isArray(types) && types.length === levels;
    check(isList, name, types, `a list of ${levels} names, one for each of block_out_channels`);
    const other = types.find((type) => !Object.hasOwn(known, plainName(type)));
    check(other === undefined, name, other, Object.keys(known).join(", "));
  }
  const { sample_size: size } = config;
  const factor = 2 ** (levels - 1);
  const fits = (side: unknown): boolean =>
    Number.isInteger(side) && (side as number) > 0 && (side as number) % factor === 0;
  const isSize = typeof size === "number" || (Array.isArray(size) && size.length === 2);
  check(
    isSize && sidesOf(config).every(fits),
    "sample_size",
    size,
    `a multiple of ${factor}, or [height, width] of such`,
  );
}

/** Older files have the name "UNetResDownBlock2D". */
export const plainName = (type: unknown): string =>
  typeof type === "string" ? type.replace(/^UNetRes/, "") : "";

function checkWidths(config: CompleteUnet2d): void {
  const { block_out_channels: widths, norm_num_groups: groups, attention_head_dim: head } = config;
  const first = widths[0]!;
  const half = first / 2;
  const { freq_shift: shift } = config;
  if (config.time_embedding_type === "positional") {
    check(first % 2 === 0, "block_out_channels", widths, "the first even: sines and cosines of the time");
    check.number("freq_shift", shift, (s) => s < half && Number.isFinite(s), `a number < ${half}`);
  }
  // The skip connections' channels lie beside those of the level below.
  const normed = widths.flatMap((width, i) => [width, width + widths[Math.max(0, i - 1)]!, 2 * width]);
  const up = widths.slice(1).map((width, i) => width + widths[i]!);
  const bad = [...normed, ...up].find((width) => width % groups !== 0);
  check(bad === undefined, "norm_num_groups", groups, `a divisor of ${bad}, and of all numbers of channels`);
  const { attn_norm_num_groups: middle } = config;
  const last = widths.at(-1)!;
  check(middle === null || last % middle === 0, "attn_norm_num_groups", middle, `a divisor of ${last}`);
  const attended = widths.filter(
    (_, i) =>
      plainName(config.down_block_types[i]).startsWith("Attn") ||
      plainName(config.up_block_types[widths.length - 1 - i]).startsWith("Attn") ||
      (i === widths.length - 1 && config.mid_block_type !== null && config.add_attention),
  );
  const uneven = attended.find((width) => head !== null && width % head !== 0);
  check(uneven === undefined, "attention_head_dim", head, `a divisor of ${uneven}, the channels of a level`);
}
